// SPDX-License-Identifier: MIT
// The decoders behind io/image.h, one file per library. Both libraries report errors by longjmp; no C++ object with a
// destructor is created between setjmp and the last call into the library, and each function throws only after that.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "io/image.h"

namespace ingot::io {

Image decode_jpeg(std::span<const uint8_t> bytes, const std::string& name, const DecodeOptions& options);
Image decode_png(std::span<const uint8_t> bytes, const std::string& name);
/// Sizes and channels only.
Image jpeg_header(std::span<const uint8_t> bytes, const std::string& name);
Image png_header(std::span<const uint8_t> bytes, const std::string& name);

} // namespace ingot::io
