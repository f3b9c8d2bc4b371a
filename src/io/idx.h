// SPDX-License-Identifier: MIT
// IDX files (the format of MNIST and its relatives): a magic number, sizes in big-endian 32-bit integers, bytes.
// Plain or gzipped, told apart by their first bytes. Values; thread safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ingot::io {

struct IdxArray {
    std::vector<int64_t> dims;
    std::vector<uint8_t> data; ///< row-major, product(dims) bytes
};

/// Uncompressed size that read_idx() accepts.
inline constexpr int64_t kMaxIdxBytes = int64_t{1} << 32;

/// Reads the file of unsigned bytes with `rank` axes. Errors: FileError naming the file for a wrong magic number,
/// element type or rank, sizes that the file cannot hold (checked before allocating), truncated or trailing data.
IdxArray read_idx(const std::string& path, int rank);

} // namespace ingot::io
