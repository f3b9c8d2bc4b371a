// SPDX-License-Identifier: MIT
// A file that grows by whole pieces: event files, logs. What write() returned from is with the operating system, so a
// program that dies later loses nothing of it (the machine may). One object per file and thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ingot::io {

class AppendFile {
public:
    /// Creates `path` or, without `truncate`, goes on at its end. Errors: FileError.
    explicit AppendFile(const std::string& path, bool truncate = true);
    AppendFile(const AppendFile&) = delete;
    AppendFile& operator=(const AppendFile&) = delete;
    ~AppendFile();
    /// Appends all of `bytes` or, when that fails, nothing of it. Errors: FileError.
    void write(std::string_view bytes);
    const std::string& path() const { return path_; }

private:
    std::string path_;
    int fd_ = -1;
    int64_t size_ = 0;
};

} // namespace ingot::io
