// SPDX-License-Identifier: MIT
// NumPy's array files: npy (one array; numpy.lib.format describes it) and npz (a zip archive of npy files, stored or
// deflated). Used to exchange data with Python. Reading is strict: versions 1 to 3, both byte orders and both memory
// orders are understood (the result is row-major and native); a file that lies about itself is refused with the file, the
// member and the offset named, and pickled objects are never read. Nothing larger than what the file holds is allocated
// (for a deflated npz: than deflate's best ratio makes of it). NpyArray is a value; the functions are thread safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ingot/dtype.h>
#include <ingot/shape.h>

#include "io/safetensors.h"

namespace ingot::io {

/// Limits of the reader and the writer; NumPy itself has 10,000 bytes and 32 axes.
inline constexpr size_t kMaxNpyHeader = 65'536;
inline constexpr size_t kMaxNpyRank = 32;

struct NpyArray {
    DType dtype = DType::f32;
    Shape shape;
    std::vector<uint8_t> data; ///< row-major, in the machine's byte order
};

/// The array in the npy file `bytes`; `name` stands for the file in errors. Errors: FileError.
NpyArray parse_npy(std::span<const uint8_t> bytes, const std::string& name);

/// Reads the file `path`. Errors: FileError.
NpyArray read_npy(const std::string& path);

/// Writes a version 1 file, atomically (io/atomic_file.h); the same arguments give the same bytes. Errors: Error for bf16,
/// which NumPy does not have, and for bytes that do not fit shape and dtype; FileError when writing fails.
void write_npy(const std::string& path, const TensorView& array);

/// The arrays of the npz file `bytes` by their keys (the members' names without ".npy"), in the order of the archive; `name`
/// stands for the file in errors. Errors: FileError, also for keys that occur twice or that would leave a folder (they are
/// never used as paths here).
std::vector<std::pair<std::string, NpyArray>> parse_npz(std::span<const uint8_t> bytes, const std::string& name);

/// The same for the file `path`.
std::vector<std::pair<std::string, NpyArray>> read_npz(const std::string& path);

/// Writes one member per array, atomically; the same arguments give the same bytes. Errors: as write_npy(), and Error for a
/// name that occurs twice or that read_npz() would refuse.
void write_npz(const std::string& path, const std::vector<TensorView>& arrays, bool compress = false);

} // namespace ingot::io
