// SPDX-License-Identifier: MIT
// Zip archives as npz files need them: members stored or deflated, ZIP64, nothing else (no encryption, no comments, no
// other data before or between). Own code on zlib, because libarchive's reader depends on the locale, guesses around
// contradictions and cannot say where they are. The central directory decides; a local header that contradicts it, members
// that overlap and sizes that deflate cannot reach are errors. A ZipReader borrows the bytes and may be used by several
// threads; a ZipWriter by one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/atomic_file.h"

namespace ingot::io {

inline constexpr uint64_t kMaxZipMembers = 100'000;

struct ZipMember {
    std::string name;
    bool deflated = false;
    uint32_t crc = 0;
    uint64_t size = 0, stored_size = 0;          ///< uncompressed, in the file
    uint64_t header_offset = 0, data_offset = 0; ///< of the local header and of the content
};

class ZipReader {
public:
    /// Reads the directory of the archive `bytes`; `name` stands for the file in errors. Errors: FileError.
    ZipReader(std::span<const uint8_t> bytes, const std::string& name);
    /// In the order of the central directory.
    const std::vector<ZipMember>& members() const { return members_; }
    /// The content of `member` (one of members()), checked: part of the archive itself, or inflated into `scratch`.
    /// Errors: FileError.
    std::span<const uint8_t> content(const ZipMember& member, std::vector<uint8_t>& scratch) const;

private:
    void read_directory();
    void check_local_header(ZipMember& member, uint64_t directory) const;
    void inflate(const ZipMember& member, std::vector<uint8_t>& out) const;
    uint64_t number(uint64_t at, int bytes) const;
    [[noreturn]] void fail(uint64_t offset, const std::string& what) const;

    std::span<const uint8_t> bytes_;
    std::string name_;
    std::vector<ZipMember> members_;
};

class ZipWriter {
public:
    /// Sizes and offsets from `zip64_from` on take ZIP64 records; smaller only in tests.
    explicit ZipWriter(AtomicFile& file, bool deflate, uint64_t zip64_from = 0xFFFFFFFF)
        : file_(file), deflate_(deflate), zip64_from_(zip64_from) {}
    /// Appends a member that consists of `parts`. Errors: FileError.
    void add(const std::string& name, const std::vector<std::span<const uint8_t>>& parts);
    /// Writes the directory; nothing can be added afterwards. The caller commits the file.
    void finish();

private:
    void write(const std::string& record);
    std::string header(const ZipMember& member, bool central) const;

    AtomicFile& file_;
    bool deflate_;
    uint64_t zip64_from_, at_ = 0;
    std::vector<ZipMember> members_;
};

} // namespace ingot::io
