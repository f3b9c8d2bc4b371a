// SPDX-License-Identifier: MIT
// Files that appear whole or not at all: written under a temporary name in the same folder, synced, then renamed over
// the target. A failure (disk full, exception, forgotten commit()) leaves the old file untouched and removes the
// temporary one. Used for checkpoints, metrics and model descriptions. One object per file and thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ingot::io {

class AtomicFile {
public:
    /// Creates the temporary file next to `path`; a symbolic link is followed, so its target is replaced.
    /// Errors: FileError when the folder is missing or not writable, or `path` exists and is not a regular file.
    explicit AtomicFile(const std::string& path);
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    /// Removes the temporary file unless commit() succeeded.
    ~AtomicFile();

    void write(const void* data, size_t bytes);
    void write(std::string_view text) { write(text.data(), text.size()); }
    /// Syncs, renames and syncs the folder. After it the object takes no more writes.
    void commit();

private:
    [[noreturn]] void fail(const char* action, int code);

    std::string path_, temporary_;
    int fd_ = -1;
    int64_t written_ = 0;
};

/// The whole of `text` as the new content of `path`.
void write_file_atomic(const std::string& path, std::string_view text);

} // namespace ingot::io
