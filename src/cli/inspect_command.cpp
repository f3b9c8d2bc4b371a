// SPDX-License-Identifier: MIT
// ingot inspect: what a safetensors file holds.
#include <algorithm>

#include "cli/commands.h"
#include "cli/output.h"
#include "io/safetensors.h"

namespace ingot::cli {

int inspect_command(const InspectArguments& a) {
    const io::SafetensorsFile file = io::SafetensorsFile::open(a.file);
    // A damaged file is listed all the same: the table helps to see what is lost. The error below still sets the status.
    Json tensors = Json::array();
    size_t width = 0;
    for (const io::TensorView& t : file.tensors()) {
        tensors.push_back({{"name", t.name},
                           {"dtype", name(t.dtype)},
                           {"shape", std::vector<int64_t>(t.shape.begin(), t.shape.end())}});
        width = std::max(width, t.name.size());
    }
    if (a.json) {
        print_json({{"tensors", tensors}, {"metadata", file.metadata()}});
    } else {
        int64_t elements = 0;
        size_t bytes = 0;
        for (const io::TensorView& t : file.tensors()) {
            print(t.name + std::string(width + 2 - t.name.size(), ' ') + name(t.dtype) + "  " + t.shape.str() + "\n");
            elements += t.shape.numel();
            bytes += t.bytes;
        }
        print(std::to_string(file.tensors().size()) + " tensors, " + std::to_string(elements) + " elements, " +
              std::to_string(bytes) + " bytes\n");
        for (const auto& [key, value] : file.metadata())
            if (key != "crc32") print(key + ": " + value + (value.ends_with('\n') ? "" : "\n"));
    }
    finish_output();
    io::verify_checksums(file);
    return 0;
}

} // namespace ingot::cli
