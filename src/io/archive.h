// SPDX-License-Identifier: MIT
// Reading tar archives (plain, .gz, .xz, .bz2, .zst) entry by entry without unpacking them to disk. Used by the data
// sets. Hostile archives are refused: names that leave the folder, links, devices, too many or too large entries.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::io {

struct ArchiveLimits {
    int64_t max_entries = 4'000'000;
    int64_t max_entry_bytes = int64_t{1} << 30;
    int64_t max_total_bytes = int64_t{1} << 36; ///< of the uncompressed archive
    int64_t max_ratio = 1032;                   ///< of uncompressed to compressed bytes, beyond the first
    int64_t free_bytes = int64_t{16} << 20;     ///< uncompressed bytes
};

/// Whether the member name `name` is one below its archive's folder: not empty, relative, without ".." and backslashes.
bool stays_inside(std::string_view name);

/// Receives a regular file's name and content; returns whether to go on.
using EntryVisitor = std::function<bool(const std::string& name, std::vector<uint8_t> content)>;

/// Calls `visit` for the regular files of the archive, in archive order, until it returns false; folders are skipped.
/// Errors: FileError naming the archive and the entry; exceptions of `visit` pass through.
void for_each_entry(const std::string& path, const EntryVisitor& visit, const ArchiveLimits& limits = {});

} // namespace ingot::io
