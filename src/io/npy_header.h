// SPDX-License-Identifier: MIT
// The header of an npy file: magic number, version, length, and a Python dictionary as text. The parser knows just the three
// keys that NumPy writes and no other Python, so a hostile header costs at most its own size. Used by io/npy.cpp and
// io/npz.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ingot/dtype.h>

#include "io/safetensors.h"

namespace ingot::io {

struct NpyHeader {
    DType dtype = DType::f32;
    bool swapped = false;       ///< the elements are big-endian
    bool fortran_order = false; ///< the first axis is the fastest
    std::vector<uint64_t> shape;
    size_t data_offset = 0; ///< of the first element in the file
};

/// Parses the beginning of an npy file, without judging what follows the header. Errors: FileError naming `name` and the offset.
NpyHeader parse_npy_header(std::span<const uint8_t> bytes, const std::string& name);

/// Magic number, version 1, length and dictionary for `array`, padded to a multiple of 64 bytes as NumPy does. Errors: as
/// write_npy(); `file` is named.
std::string make_npy_header(const TensorView& array, const std::string& file);

} // namespace ingot::io
