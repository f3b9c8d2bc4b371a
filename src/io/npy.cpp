// SPDX-License-Identifier: MIT
#include "io/npy.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <ingot/error.h>

#include "io/atomic_file.h"
#include "io/file.h"
#include "io/npy_header.h"

static_assert(std::endian::native == std::endian::little, "arrays are written as they lie in memory");

namespace ingot::io {

namespace {

/// Product of the sizes in bytes, false on overflow. Zero sizes do not excuse an absurd size elsewhere in the shape.
bool extent(const NpyHeader& header, uint64_t* bytes) {
    uint64_t nonzero = size_of(header.dtype);
    bool empty = false;
    for (const uint64_t d : header.shape) {
        empty |= d == 0;
        if (d != 0 && __builtin_mul_overflow(nonzero, d, &nonzero)) return false;
    }
    *bytes = empty ? 0 : nonzero;
    return nonzero <= static_cast<uint64_t>(INT64_MAX);
}

void swap_bytes(std::vector<uint8_t>& data, size_t element) {
    for (size_t at = 0; at < data.size(); at += element)
        std::reverse(data.begin() + static_cast<std::ptrdiff_t>(at),
                     data.begin() + static_cast<std::ptrdiff_t>(at + element));
}

/// The elements at `from`, whose first axis is the fastest, in row-major order.
std::vector<uint8_t> transposed(const uint8_t* from, size_t bytes, const Shape& shape, size_t element) {
    std::vector<uint8_t> out(bytes);
    Ints strides, index; // of the elements in `from`
    int64_t stride = 1;
    for (const int64_t d : shape) {
        strides.push_back(stride);
        index.push_back(0);
        stride *= d;
    }
    int64_t at = 0;
    for (size_t to = 0; to < bytes; to += element) {
        std::memcpy(out.data() + to, from + static_cast<size_t>(at) * element, element);
        for (size_t axis = shape.rank(); axis-- > 0;) {
            at += strides[axis];
            if (++index[axis] < shape[axis]) break;
            at -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    return out;
}

} // namespace

NpyArray parse_npy(std::span<const uint8_t> bytes, const std::string& name) {
    const NpyHeader header = parse_npy_header(bytes, name);
    uint64_t need = 0;
    NpyArray array{header.dtype, Shape{}, {}};
    for (const uint64_t d : header.shape) array.shape.push_back(static_cast<int64_t>(d));
    if (!extent(header, &need)) throw FileError(name + ": the npy header's shape " + array.shape.str() + " overflows");
    const size_t have = bytes.size() - header.data_offset;
    if (need != have)
        throw FileError(name + ": the array " + array.shape.str() + " of " + ingot::name(array.dtype) + " needs " +
                        std::to_string(need) + " bytes, but " + std::to_string(have) + " follow the header at offset " +
                        std::to_string(header.data_offset) + (have < need ? "; the file is truncated" : ""));
    const uint8_t* data = bytes.data() + header.data_offset;
    if (array.dtype == DType::boolean) { // a C++ bool must hold 0 or 1
        const auto* bad = std::find_if(data, data + have, [](uint8_t v) { return v > 1; });
        if (bad != data + have)
            throw FileError(name + ": the bool at offset " + std::to_string(bad - bytes.data()) + " is " +
                            std::to_string(*bad));
    }
    const size_t element = size_of(array.dtype);
    if (header.fortran_order && array.shape.rank() > 1)
        array.data = transposed(data, have, array.shape, element);
    else
        array.data.assign(data, data + have);
    if (header.swapped) swap_bytes(array.data, element);
    return array;
}

NpyArray read_npy(const std::string& path) {
    const MappedFile file(path);
    return parse_npy(file.bytes(), path);
}

void write_npy(const std::string& path, const TensorView& array) {
    const std::string header = make_npy_header(array, path);
    AtomicFile file(path);
    file.write(header);
    file.write(array.data, array.bytes);
    file.commit();
}

} // namespace ingot::io
