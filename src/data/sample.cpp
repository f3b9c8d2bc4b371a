// SPDX-License-Identifier: MIT
#include <ingot/data/sample.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>

#include <ingot/error.h>
#include <ingot/tensor.h>

#include "base/check.h"
#include "data/byte_rows.h"
#include "graph/evaluator.h"
#include "graph/node.h"

namespace ingot::data {

Array::Array(const Tensor& tensor) : Array(tensor.dtype(), tensor.shape()) {
    const graph::Value value = graph::resolve(tensor, "Array");
    tensor.eval();
    if (numel() > 0) graph::evaluator().read(value, const_cast<void*>(data_), dtype_);
}

Array::Array(DType dtype, const Shape& shape) {
    const auto count = static_cast<size_t>(shape.numel());
    auto owner = std::make_shared<std::vector<uint64_t>>((count * size_of(dtype) + 7) / 8);
    void* data = owner->data();
    adopt(data, count, dtype, shape, std::move(owner));
}

Array Array::view(const void* data, DType dtype, const Shape& shape, std::shared_ptr<const void> owner) {
    Array array;
    array.defined_ = true;
    array.dtype_ = dtype;
    array.shape_ = shape;
    array.data_ = data;
    array.owner_ = std::move(owner);
    return array;
}

Array Array::over(void* data, DType dtype, const Shape& shape, std::shared_ptr<void> owner) {
    Array array = view(data, dtype, shape, std::move(owner));
    array.writable_ = true;
    return array;
}

void Array::set_scalar(int64_t value) {
    defined_ = true;
    dtype_ = DType::i64;
    std::memcpy(&scalar_, &value, sizeof value);
}

void Array::set_scalar(float value) {
    defined_ = true;
    dtype_ = DType::f32;
    std::memcpy(&scalar_, &value, sizeof value);
}

void Array::adopt(void* data, size_t count, DType dtype, const Shape& shape, std::shared_ptr<void> owner) {
    if (static_cast<int64_t>(count) != shape.numel())
        throw ShapeError("Array: " + std::to_string(count) + " values do not fill shape " + shape.str());
    *this = over(data, dtype, shape, std::move(owner));
}

void Array::check_dtype(DType wanted) const {
    if (!defined_) throw Error("Array: the array is undefined");
    if (wanted != dtype_)
        throw DTypeError(std::string("Array: the elements are ") + name(dtype_) + ", not " + name(wanted));
}

void* Array::make_own() {
    if (data_ == nullptr) return &scalar_;
    if (!writable_ || owner_.use_count() != 1) {
        Array own(dtype_, shape_);
        if (bytes() > 0) std::memcpy(const_cast<void*>(own.data_), data_, bytes());
        *this = std::move(own);
    }
    return const_cast<void*>(data_); // allocated by this class, as writable memory
}

ByteTable::ByteTable(std::vector<float> values) : values_(std::move(values)) {
    if (values_.empty() || values_.size() % 256 != 0)
        throw ShapeError("ByteTable: " + std::to_string(values_.size()) + " values are not 256 per channel");
}

ByteTable::ByteTable(std::vector<float> values, const std::vector<double>& scale, const std::vector<double>& offset)
    : ByteTable(std::move(values)) {
    const auto count = static_cast<size_t>(channels());
    INGOT_ASSERT(scale.size() == count && offset.size() == count, "a line per channel");
    const std::shared_ptr<ByteLine[]> lines(new ByteLine[count]);
    std::vector<uint8_t> bytes(256);
    std::iota(bytes.begin(), bytes.end(), uint8_t{0});
    std::vector<float> computed(values_.size());
    for (size_t c = 0; c < count; ++c) {
        lines[c] = {scale[c], offset[c]};
        write_rows({bytes.data(), 256, 1, 256}, lines[c], computed.data() + 256 * c, 256);
    }
    if (std::memcmp(computed.data(), values_.data(), values_.size() * sizeof(float)) == 0) lines_ = lines;
}

Image::Image(int64_t height, int64_t width, int64_t channels, std::vector<uint8_t> pixels) {
    if (height < 1 || width < 1 || channels < 1 || static_cast<int64_t>(pixels.size()) != height * width * channels)
        throw ShapeError("Image: " + std::to_string(pixels.size()) +
                         " bytes are no picture of [height, width, channels] " + Shape{height, width, channels}.str());
    auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(pixels));
    const uint8_t* data = owner->data();
    *this = view(data, Order::pixels, height, width, channels, std::move(owner));
}

Image Image::view(const uint8_t* pixels, Order order, int64_t height, int64_t width, int64_t channels,
                  std::shared_ptr<const void> owner) {
    Image image;
    image.owner_ = std::move(owner);
    image.base_ = pixels;
    image.rows_ = image.height_ = height;
    image.columns_ = image.width_ = width;
    image.channels_ = channels;
    const bool interleaved = order == Order::pixels;
    image.column_stride_ = interleaved ? channels : 1;
    image.row_stride_ = image.column_stride_ * width;
    image.channel_stride_ = interleaved ? 1 : width * height;
    return image;
}

Image Image::crop(int64_t top, int64_t left, int64_t height, int64_t width) const {
    INGOT_ASSERT(height > 0 && width > 0, "a crop needs a size");
    Image out = *this;
    // The bytes outside the present look are no part of the picture: a second crop must not bring them back.
    const auto narrow = [](int64_t& first, int64_t size, int64_t& available) {
        const int64_t begin = std::clamp<int64_t>(first, 0, available);
        const int64_t end = std::clamp<int64_t>(first + size, begin, available);
        first -= begin;
        available = end - begin;
        return begin;
    };
    out.base_ += narrow(out.top_, height_, out.rows_) * row_stride_;
    out.base_ += narrow(out.left_, width_, out.columns_) * column_stride_;
    out.top_ += top;
    out.left_ += left;
    out.height_ = height;
    out.width_ = width;
    return out;
}

Image Image::mirrored() const {
    Image out = *this;
    out.base_ += (columns_ - 1) * column_stride_;
    out.column_stride_ = -column_stride_;
    out.left_ = columns_ - left_ - width_;
    return out;
}

bool Image::is_packed() const {
    return top_ == 0 && left_ == 0 && rows_ == height_ && columns_ == width_ && column_stride_ == channels_ &&
           row_stride_ == channels_ * width_ && (channels_ == 1 || channel_stride_ == 1);
}

std::vector<uint8_t> Image::pixels() const {
    std::vector<uint8_t> out(static_cast<size_t>(height_ * width_ * channels_));
    if (is_packed()) {
        std::copy_n(base_, out.size(), out.begin());
        return out;
    }
    const int64_t first = std::clamp<int64_t>(-left_, 0, width_),
                  last = std::clamp<int64_t>(columns_ - left_, first, width_);
    for (int64_t y = 0; y < height_; ++y) {
        if (y + top_ < 0 || y + top_ >= rows_) continue;
        const uint8_t* from = base_ + (y + top_) * row_stride_ + (first + left_) * column_stride_;
        uint8_t* to = out.data() + (y * width_ + first) * channels_;
        for (int64_t x = first; x < last; ++x, from += column_stride_, to += channels_)
            for (int64_t c = 0; c < channels_; ++c) to[c] = from[c * channel_stride_];
    }
    return out;
}

Image Image::packed() const {
    if (is_packed()) return *this;
    Image out(height_, width_, channels_, pixels());
    out.table_ = table_;
    return out;
}

void Image::set_table(std::shared_ptr<const ByteTable> table) {
    INGOT_ASSERT(table == nullptr || table->channels() == channels_, "values for every channel");
    table_ = std::move(table);
}

namespace {

/// byte / 255, for `channels`.
const ByteTable& unit_table(int64_t channels) {
    static const auto make = [](size_t count) {
        std::vector<float> values;
        for (size_t i = 0; i < 256 * count; ++i)
            values.push_back(static_cast<float>(static_cast<double>(i % 256) / 255));
        return ByteTable(std::move(values), std::vector<double>(count, 1.0 / 255), std::vector<double>(count, 0));
    };
    static const ByteTable one = make(1), three = make(3);
    return channels == 3 ? three : one;
}

/// out[i] = lookup[in[i * Stride]].
template <int Stride> void look_up(const uint8_t* in, int64_t count, const float* lookup, float* out) {
    for (int64_t i = 0; i < count; ++i) out[i] = lookup[in[i * Stride]];
}

void look_up(const uint8_t* in, int64_t stride, int64_t count, const float* lookup, float* out) {
    switch (stride) {
    case 1: return look_up<1>(in, count, lookup, out);
    case -1: return look_up<-1>(in, count, lookup, out);
    case 3: return look_up<3>(in, count, lookup, out);
    case -3: return look_up<-3>(in, count, lookup, out);
    default:
        for (int64_t i = 0; i < count; ++i, in += stride) out[i] = lookup[*in];
    }
}

/// Everything of a [height, width] plane but the rows [top, bottom) and columns [left, right) becomes `value`. What is in
/// there is undefined then: the pieces are short and of all lengths, and whole chunks take a fraction of the time.
void fill_border(float* plane, int64_t height, int64_t width, int64_t top, int64_t bottom, int64_t left, int64_t right,
                 float value) {
    constexpr int64_t kChunk = 16;
    const int64_t size = height * width;
    if (top == bottom || left == right || width < kChunk) {
        std::fill(plane, plane + size, value);
        return;
    }
    std::array<float, kChunk> chunk;
    chunk.fill(value);
    const auto fill = [&](int64_t begin, int64_t end) {
        for (; begin < end; begin += kChunk)
            std::memcpy(plane + std::min(begin, size - kChunk), chunk.data(), sizeof chunk);
    };
    // The end of a row and the beginning of the next one are one piece.
    fill(0, top * width + left);
    if (right - left < width)
        for (int64_t y = top; y + 1 < bottom; ++y) fill(y * width + right, (y + 1) * width + left);
    fill((bottom - 1) * width + right, size);
}

} // namespace

void Image::write(float* out) const {
    // The part of the look that has bytes.
    const int64_t left = std::clamp<int64_t>(-left_, 0, width_), top = std::clamp<int64_t>(-top_, 0, height_);
    const int64_t right = std::clamp<int64_t>(columns_ - left_, left, width_);
    const int64_t bottom = std::clamp<int64_t>(rows_ - top_, top, height_);
    const ByteTable& table = table_ != nullptr ? *table_ : unit_table(channels_);
    const auto channel = [&](int64_t c) { return std::min(c, table.channels() - 1); }; // the unit table has one for all
    const int64_t plane = height_ * width_;
    for (int64_t c = 0; c < channels_; ++c)
        fill_border(out + c * plane, height_, width_, top, bottom, left, right, *table.channel(channel(c)));
    if (top == bottom || left == right) return;

    ByteRows in{base_ + (top + top_) * row_stride_ + (left + left_) * column_stride_, row_stride_, bottom - top,
                right - left, column_stride_ < 0};
    int64_t line = width_;
    if (in.columns == line && row_stride_ == width_ * column_stride_) { // one long row: rows are short
        line = in.columns *= in.rows;
        in.rows = 1;
    }
    out += top * width_ + left;
    const bool computed = table.lines() != nullptr && in.columns >= kLeastColumns;
    if (computed && channels_ == 3 && channel_stride_ == 1 && std::abs(column_stride_) == 3)
        return write_rows_of_3(in, table.lines(), out, line, plane);
    for (int64_t c = 0; c < channels_; ++c, in.first += channel_stride_, out += plane) {
        if (computed && std::abs(column_stride_) == 1) {
            write_rows(in, table.lines()[channel(c)], out, line);
            continue;
        }
        for (int64_t y = 0; y < in.rows; ++y)
            look_up(in.first + y * in.stride, column_stride_, in.columns, table.channel(channel(c)), out + y * line);
    }
}

void Image::prefetch() const {
    constexpr int64_t kLine = 64, kMost = 4096; // as much as it takes until the processor's own prefetching sets in
    const int64_t bytes = std::min(kMost, rows_ * columns_ * channels_);
    const uint8_t* first = column_stride_ < 0 ? base_ + (columns_ - 1) * column_stride_ : base_;
    for (int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(first + at);
}

Image& Sample::image(const char* who) {
    auto* image = std::get_if<Image>(&x);
    if (image == nullptr) {
        const Array& array = std::get<Array>(x);
        throw Error(std::string(who) + ": needs a picture; the sample's x is " +
                    (array.defined() ? std::string(name(array.dtype())) + " " + array.shape().str() : "undefined"));
    }
    if (image->has_table())
        throw Error(std::string(who) + ": comes after normalizing; normalize must be the last transform of a picture");
    return *image;
}

} // namespace ingot::data
