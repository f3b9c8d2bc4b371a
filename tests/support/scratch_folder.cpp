// SPDX-License-Identifier: MIT
#include "support/scratch_folder.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace ingot::testing_support {

namespace fs = std::filesystem;

std::string read_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

ScratchFolder::ScratchFolder() : path_((fs::temp_directory_path() / "ingot_test_XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make the folder " + path_);
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored; // a leftover in the folder of temporary files harms nothing
    fs::remove_all(path_, ignored);
}

size_t ScratchFolder::entries() const {
    const fs::directory_iterator it(path_);
    return static_cast<size_t>(std::distance(begin(it), end(it)));
}

} // namespace ingot::testing_support
