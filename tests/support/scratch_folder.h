// SPDX-License-Identifier: MIT
// A scratch folder for the tests of every folder, and what its files hold. Header and scratch_folder.cpp; folders of several
// tests, processes and threads never meet.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace ingot::testing_support {

/// The bytes of a file; empty when there is none.
std::string read_file(const std::filesystem::path& file);

/// A folder of its own that goes with this object.
class ScratchFolder {
public:
    ScratchFolder();
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    const std::string& path() const { return path_; }
    /// The path of `name` inside; nothing is made.
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    std::string read(const std::string& name) const { return read_file(*this / name); }
    /// Names directly inside, hidden ones included.
    size_t entries() const;

private:
    std::string path_;
};

} // namespace ingot::testing_support
