// SPDX-License-Identifier: MIT
// Whole files as bytes, read or mapped, for the parsers of this folder. Errors are FileError and name the file.
// A MappedFile must not be truncated by another process while it is in use; files that Ingot writes are replaced by
// rename (io/atomic_file.h), so a mapping of an older version stays valid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ingot::io {

/// The text of the error number `code`.
std::string errno_text(int code);

/// The bytes of the regular file `path`. Errors: FileError when it is missing, not a regular file or larger than
/// `max_bytes` (checked before anything is allocated).
std::vector<uint8_t> read_file(const std::string& path, int64_t max_bytes);
/// The same as the first bytes of `buffer`, which grows when it must: for many small files one after the other.
std::span<const uint8_t> read_file(const std::string& path, int64_t max_bytes, std::vector<uint8_t>& buffer);

/// The names in the folder `path`, sorted by their bytes; hidden ones (a leading dot) are left out.
std::vector<std::string> list_folder(const std::string& path);

/// A read-only mapping of a regular file. Owns the mapping; moves, does not copy.
class MappedFile {
public:
    explicit MappedFile(const std::string& path);
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();
    std::span<const uint8_t> bytes() const { return {data_, size_}; }

private:
    const uint8_t* data_ = nullptr;
    size_t size_ = 0;
};

} // namespace ingot::io
