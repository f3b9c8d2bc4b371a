// SPDX-License-Identifier: MIT
// What datasets hand out: numbers (Array) or a picture (Image) with its target, in host memory. Transforms change samples,
// the loader stacks them into tensors. Values that share memory when copied; a view of memory that somebody else owns is
// good as long as that lives (a dataset's samples: as long as the dataset). Different threads may use different objects.
// Letters: C channels, H rows, W columns.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <ingot/dtype.h>
#include <ingot/shape.h>

namespace ingot {
class Tensor;
}

namespace ingot::data {

/// Numbers in host memory, row-major.
class Array {
public:
    /// Undefined: a sample without a target has such a y.
    Array() = default;
    /// A scalar, shape []: integers become i64, floating-point numbers f32.
    template <class T>
    requires std::is_arithmetic_v<T> Array(T value) { // NOLINT: implicit by design, labels are numbers
        if constexpr (std::is_integral_v<T>)
            set_scalar(static_cast<int64_t>(value));
        else
            set_scalar(static_cast<float>(value));
    }
    /// Takes the values over. Errors: ShapeError unless shape.numel() == values.size().
    template <class T> Array(std::vector<T> values, const Shape& shape) {
        static_assert(!std::is_same_v<T, bool>, "use uint8_t");
        auto owner = std::make_shared<std::vector<T>>(std::move(values));
        void* data = owner->data();
        const auto count = owner->size();
        adopt(data, count, dtype_of<T>(), shape, std::move(owner));
    }
    /// A copy of the tensor's values; computes them and waits. Errors: Error for an undefined tensor.
    explicit Array(const Tensor& tensor);
    /// Zeros.
    Array(DType dtype, const Shape& shape);
    /// Memory that `owner` keeps alive, or that outlives the array when there is none; never written through the array.
    static Array view(const void* data, DType dtype, const Shape& shape, std::shared_ptr<const void> owner = {});
    /// Memory that edit() may write in place.
    static Array over(void* data, DType dtype, const Shape& shape, std::shared_ptr<void> owner);

    bool defined() const { return defined_; }
    DType dtype() const { return dtype_; }
    const Shape& shape() const { return shape_; }
    int64_t numel() const { return shape_.numel(); }
    size_t bytes() const { return static_cast<size_t>(numel()) * size_of(dtype_); }
    const void* data() const { return data_ != nullptr ? data_ : &scalar_; }
    /// Errors: DTypeError when T is another type than the elements'.
    template <class T> const T* data() const {
        check_dtype(dtype_of<T>());
        return static_cast<const T*>(data());
    }
    /// The elements for writing; copies them first when somebody else can see them.
    template <class T> T* edit() {
        check_dtype(dtype_of<T>());
        return static_cast<T*>(make_own());
    }
    /// The elements as T. Errors: DTypeError.
    template <class T> std::vector<T> to_vector() const {
        const T* p = data<T>();
        return std::vector<T>(p, p + numel());
    }

private:
    void set_scalar(int64_t value);
    void set_scalar(float value);
    void adopt(void* data, size_t count, DType dtype, const Shape& shape, std::shared_ptr<void> owner);
    void check_dtype(DType wanted) const;
    void* make_own();

    bool defined_ = false, writable_ = false;
    DType dtype_ = DType::f32;
    Shape shape_;
    const void* data_ = nullptr; ///< null: the value is scalar_
    uint64_t scalar_ = 0;
    std::shared_ptr<const void> owner_;
};

struct ByteLine;

/// The float that stands for every byte of every channel.
class ByteTable {
public:
    /// values: [C, 256]. Errors: ShapeError.
    explicit ByteTable(std::vector<float> values);
    /// values[c, v] = v * scale[c] + offset[c] in f64, rounded to f32, as far as the caller's own formula rounds so: then
    /// pictures are written by computing instead of looking up, which takes a third of the time.
    ByteTable(std::vector<float> values, const std::vector<double>& scale, const std::vector<double>& offset);

    int64_t channels() const { return static_cast<int64_t>(values_.size() / 256); }
    /// The values of one channel: [256].
    const float* channel(int64_t c) const { return values_.data() + 256 * c; }
    /// One per channel when they give the values, all bits of them; else null.
    const ByteLine* lines() const { return lines_.get(); }

private:
    std::vector<float> values_;
    std::shared_ptr<const ByteLine[]> lines_;
};

/// A picture: bytes and how to look at them. Cropping, padding and mirroring only change the look; bytes become floats
/// once, when the loader writes the picture into its batch.
class Image {
public:
    enum class Order : uint8_t { pixels, planes }; ///< [H, W, C] or [C, H, W]

    Image() = default;
    /// Takes over `pixels`: [H, W, C]. Errors: ShapeError when the sizes do not fit.
    Image(int64_t height, int64_t width, int64_t channels, std::vector<uint8_t> pixels);
    static Image view(const uint8_t* pixels, Order order, int64_t height, int64_t width, int64_t channels,
                      std::shared_ptr<const void> owner = {});

    int64_t height() const { return height_; }
    int64_t width() const { return width_; }
    int64_t channels() const { return channels_; }
    /// The byte at a place inside the picture (not checked).
    uint8_t at(int64_t channel, int64_t row, int64_t column) const {
        row += top_;
        column += left_;
        if (row < 0 || row >= rows_ || column < 0 || column >= columns_) return 0;
        return base_[channel * channel_stride_ + row * row_stride_ + column * column_stride_];
    }

    /// The part whose first pixel is at (top, left), which may be negative; what lies outside the picture is black.
    Image crop(int64_t top, int64_t left, int64_t height, int64_t width) const;
    /// Left and right exchanged.
    Image mirrored() const;

    /// The bytes: [H, W, C].
    std::vector<uint8_t> pixels() const;
    /// The same picture with its bytes in a row, as [H, W, C]: *this when they are already, else a copy.
    Image packed() const;
    /// The byte of a channel in the first column of a row; those of the next columns lie step() apart. For pictures that
    /// nothing black was added to.
    const uint8_t* line(int64_t channel, int64_t row) const {
        return base_ + channel * channel_stride_ + (row + top_) * row_stride_ + left_ * column_stride_;
    }
    int64_t step() const { return column_stride_; }
    /// Bytes of memory that the pixels take.
    int64_t bytes() const { return rows_ * columns_ * channels_; }

    /// What write() maps bytes to from now on, instead of byte / 255; the table has the picture's channels.
    void set_table(std::shared_ptr<const ByteTable> table);
    bool has_table() const { return table_ != nullptr; }

    /// Floats: [C, H, W].
    void write(float* out) const;
    /// Tells the processor that write() will come.
    void prefetch() const;

private:
    bool is_packed() const;

    std::shared_ptr<const void> owner_;
    std::shared_ptr<const ByteTable> table_;
    const uint8_t* base_ = nullptr;
    int64_t rows_ = 0, columns_ = 0, channels_ = 0; ///< of the bytes
    int64_t row_stride_ = 0, column_stride_ = 0, channel_stride_ = 0;
    int64_t top_ = 0, left_ = 0, height_ = 0, width_ = 0; ///< the look: its place among the bytes and its size
};

/// One sample: input and target (a class label as i64 [], a number as f32 [], or an array).
struct Sample {
    std::variant<Array, Image> x;
    Array y;

    /// x as a picture, for transforms; `who` names the transform in errors. Errors: Error when x is an array, or when the
    /// picture is normalized already: normalizing comes last.
    Image& image(const char* who);
};

} // namespace ingot::data
