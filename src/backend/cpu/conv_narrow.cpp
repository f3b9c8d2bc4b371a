// SPDX-License-Identifier: MIT
// Convolutions with at most 4 input channels (and their weight gradient), directly, without columns: images of 3 channels are so
// narrow that gathering columns or padding channels to a block costs more than the sum itself. Tasks are images (or rows of
// them); a padded copy of what a task needs lies in its thread's scratch memory and stays in L1. The weight gradient sums
// images in at most 16 parts, fixed by the batch, whose accumulators are then added in order.
#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/cpu/conv.h"
#include "backend/cpu/conv_narrow_kernels.h"
#include "backend/cpu/matmul_kernels.h"
#include "base/parallel.h"

namespace ingot::cpu {

namespace {

constexpr int64_t kMaxParts = 16;

int64_t aligned(int64_t floats) { return (floats + 15) / 16 * 16; }

class NarrowConv final : public Primitive {
public:
    NarrowConv(const ConvSpec& s, ConvKind kind, bool width)
        : s_(s), kind_(kind), width_(width), lanes_(narrow_lanes()) {
        x_last_ = ImageLayout(s.x_format, s.c, s.h * s.w).block != 1;
        planar_ = width || !x_last_; // the source's layout: [c][row][pixel], else [row][pixel][c]
        copy_ = s.padding[0] != 0 || s.padding[1] != 0 || planar_ == x_last_;
        src_w_ = copy_ ? s.w + 2 * s.padding[1] : s.w;
        slots_ = base::num_threads();
        parts_ = kind == ConvKind::weight_grad ? std::min(s.n, kMaxParts) : s.n;
        // Too few images for the threads: rows of an image are independent in the forward pass.
        row_parts_ = kind == ConvKind::forward
                         ? std::clamp<int64_t>((2 * slots_ + s.n - 1) / s.n, 1, std::max<int64_t>(s.oh / 4, 1))
                         : 1;
        if (s.n >= slots_) row_parts_ = std::min<int64_t>(row_parts_, s.n % slots_ == 0 ? 1 : 2);
        rows_ = (s.oh + row_parts_ - 1) / row_parts_;
        row_parts_ = (s.oh + rows_ - 1) / rows_;
        src_h_ = copy_ ? (rows_ - 1) * s.stride[0] + s.dilation[0] * (s.kh - 1) + 1 : s.h;

        taps_ = s.c * s.kh * s.kw;
        const int64_t group = narrow_tap_group(width);
        padded_taps_ = (taps_ + group - 1) / group * group;
        const int64_t c_stride = planar_ ? src_h_ * src_w_ : 1;
        y_stride_ = planar_ ? src_w_ : src_w_ * s.c;
        x_stride_ = planar_ ? 1 : s.c;
        for (int64_t t = 0; t < padded_taps_; ++t) {
            const int64_t tap = t < taps_ ? t : 0;
            offsets_.push_back(tap / (s.kh * s.kw) * c_stride + tap / s.kw % s.kh * s.dilation[0] * y_stride_ +
                               tap % s.kw * s.dilation[1] * x_stride_);
        }

        scratch_ = copy_ ? aligned(s.c * src_h_ * src_w_) : 0;
        padded_o_ = narrow_padded(s.o);
        if (kind == ConvKind::forward) {
            name = "narrow_conv2d";
            tail_ = aligned(taps_ * padded_o_) + padded_o_; // packed weights and bias
        } else {
            name = "narrow_conv2d_weight_grad";
            part_size_ = width ? s.o * (padded_taps_ + 1) * lanes_ : (padded_taps_ + 1) * padded_o_;
            tail_ = parts_ * aligned(part_size_) + aligned(s.o * (padded_taps_ + 1));
        }
        workspace_bytes = static_cast<size_t>(slots_ * scratch_ + tail_) * sizeof(float);
    }

    void run(void* const* args, void* workspace) const override {
        if (kind_ == ConvKind::forward)
            forward(args, static_cast<float*>(workspace));
        else
            weight_grad(args, static_cast<float*>(workspace));
    }

private:
    template <class F> void each_task(int64_t tasks, float* workspace, const F& f) const {
        base::parallel_for(slots_, 1, [&](int64_t begin, int64_t end) {
            for (int64_t slot = begin; slot < end; ++slot)
                for (int64_t t = slot * tasks / slots_; t < (slot + 1) * tasks / slots_; ++t)
                    f(t, workspace + slot * scratch_);
        });
    }

    /// The source of output rows [row, row + rows) of an image: the image itself, or a copy with its padding.
    const float* source(const float* image, int64_t row, int64_t rows, float* scratch) const {
        const int64_t top = row * s_.stride[0];
        if (!copy_) return image + top * y_stride_;
        const int64_t needed = (rows - 1) * s_.stride[0] + s_.dilation[0] * (s_.kh - 1) + 1, pad = s_.padding[1];
        const int64_t planes = planar_ ? s_.c : 1, unit = planar_ ? 1 : s_.c;
        for (int64_t p = 0; p < planes; ++p)
            for (int64_t r = 0; r < needed; ++r) {
                float* to = scratch + p * src_h_ * src_w_ + r * y_stride_;
                const int64_t from = top + r - s_.padding[0];
                if (from < 0 || from >= s_.h) {
                    std::memset(to, 0, static_cast<size_t>(src_w_ * unit) * sizeof(float));
                    continue;
                }
                std::memset(to, 0, static_cast<size_t>(pad * unit) * sizeof(float));
                std::memset(to + (pad + s_.w) * unit, 0, static_cast<size_t>(pad * unit) * sizeof(float));
                to += pad * unit;
                if (planar_ && x_last_) {
                    for (int64_t i = 0; i < s_.w; ++i) to[i] = image[(from * s_.w + i) * s_.c + p];
                } else {
                    const float* row_at = planar_ ? image + (p * s_.h + from) * s_.w : image + from * s_.w * s_.c;
                    std::memcpy(to, row_at, static_cast<size_t>(s_.w * unit) * sizeof(float));
                }
            }
        return scratch;
    }

    void forward(void* const* args, float* workspace) const {
        const float* x = static_cast<const float*>(args[0]);
        const float* w = static_cast<const float*>(args[1]);
        float* y = static_cast<float*>(args[s_.bias ? 3 : 2]);
        float* const packed = workspace + slots_ * scratch_;
        float* const bias = packed + aligned(taps_ * padded_o_);
        pack(w, packed);
        if (s_.bias) {
            std::memcpy(bias, args[2], static_cast<size_t>(s_.o) * sizeof(float));
            std::fill(bias + s_.o, bias + padded_o_, 0.f);
        }
        each_task(s_.n * row_parts_, workspace, [&](int64_t task, float* scratch) {
            const int64_t n = task / row_parts_, row = task % row_parts_ * rows_;
            NarrowForward a;
            a.rows = std::min(rows_, s_.oh - row), a.width = s_.ow, a.channels = s_.o;
            a.x = source(x + n * s_.c * s_.h * s_.w, row, a.rows, scratch);
            a.x_row = s_.stride[0] * y_stride_, a.x_pixel = s_.stride[1] * x_stride_;
            a.offsets = offsets_.data(), a.taps = taps_;
            a.w = packed, a.bias = s_.bias ? bias : nullptr;
            a.relu = s_.act == Activation::relu;
            float* const image = y + n * s_.o * s_.oh * s_.ow;
            if (width_) {
                a.y = image + row * s_.ow, a.y_row = s_.ow, a.y_channel = s_.oh * s_.ow;
                narrow_forward_width(a);
                if (s_.act > Activation::relu)
                    for (int64_t o = 0; o < s_.o; ++o) activate(a.y + o * a.y_channel, a.rows * s_.ow, s_.act);
            } else {
                a.y_row = s_.ow * s_.o, a.y = image + row * a.y_row;
                narrow_forward_channels(a);
                if (s_.act > Activation::relu) activate(a.y, a.rows * a.y_row, s_.act);
            }
        });
    }

    void pack(const float* w, float* to) const {
        if (!width_) {
            for (int64_t t = 0; t < taps_; ++t)
                for (int64_t o = 0; o < padded_o_; ++o) to[t * padded_o_ + o] = o < s_.o ? w[o * taps_ + t] : 0.f;
            return;
        }
        for (int64_t o = 0; o < s_.o;) {
            const int64_t group = narrow_channel_group(s_.o - o);
            for (int64_t t = 0; t < taps_; ++t)
                for (int64_t c = 0; c < group; ++c) *to++ = w[(o + c) * taps_ + t];
            o += group;
        }
    }

    void weight_grad(void* const* args, float* workspace) const {
        const float* x = static_cast<const float*>(args[0]);
        const float* gy = static_cast<const float*>(args[1]);
        float* const sums = workspace + slots_ * scratch_;
        const int64_t part_step = aligned(part_size_), bias_at = part_size_ - (width_ ? s_.o * lanes_ : padded_o_);
        each_task(parts_, workspace, [&](int64_t part, float* scratch) {
            NarrowWeightGrad a;
            a.sums = sums + part * part_step;
            std::memset(a.sums, 0, static_cast<size_t>(part_size_) * sizeof(float));
            a.bias_sums = s_.bias ? a.sums + bias_at : nullptr;
            a.rows = s_.oh, a.width = s_.ow, a.channels = s_.o;
            a.x_row = s_.stride[0] * y_stride_, a.x_pixel = s_.stride[1] * x_stride_;
            a.offsets = offsets_.data(), a.taps = padded_taps_;
            a.y_row = width_ ? s_.ow : s_.ow * s_.o, a.y_channel = s_.oh * s_.ow;
            for (int64_t n = part * s_.n / parts_; n < (part + 1) * s_.n / parts_; ++n) {
                a.x = source(x + n * s_.c * s_.h * s_.w, 0, s_.oh, scratch);
                a.gy = gy + n * s_.o * s_.oh * s_.ow;
                if (width_)
                    narrow_weight_grad_width(a);
                else
                    narrow_weight_grad_channels(a);
            }
        });
        base::parallel_for(part_size_, 4096, [&](int64_t begin, int64_t end) {
            for (int64_t p = 1; p < parts_; ++p) add_into(sums + begin, sums + p * part_step + begin, end - begin);
        });

        float* const gw = static_cast<float*>(args[2]);
        float* const gb = s_.bias ? static_cast<float*>(args[3]) : nullptr;
        if (width_) {
            float* const totals = sums + parts_ * part_step;
            narrow_sum_lanes(sums, s_.o * padded_taps_, totals);
            for (int64_t o = 0; o < s_.o; ++o)
                std::memcpy(gw + o * taps_, totals + o * padded_taps_, static_cast<size_t>(taps_) * sizeof(float));
            if (gb) narrow_sum_lanes(sums + bias_at, s_.o, gb);
            return;
        }
        for (int64_t o = 0; o < s_.o; ++o)
            for (int64_t t = 0; t < taps_; ++t) gw[o * taps_ + t] = sums[t * padded_o_ + o];
        if (gb) std::memcpy(gb, sums + bias_at, static_cast<size_t>(s_.o) * sizeof(float));
    }

    ConvSpec s_;
    ConvKind kind_;
    bool width_; ///< vectors run over the width, else over the output channels
    int64_t lanes_;
    bool x_last_, planar_, copy_;
    int64_t src_h_, src_w_, y_stride_, x_stride_;
    int64_t taps_, padded_taps_, padded_o_, parts_, row_parts_, rows_, slots_;
    int64_t scratch_ = 0, tail_ = 0, part_size_ = 0; ///< in floats
    std::vector<int64_t> offsets_;
};

} // namespace

PrimitivePtr make_conv_narrow(const ConvSpec& s, ConvKind kind) {
    if (s.dtype != DType::f32 || s.groups != 1 || s.c > 4 || kind == ConvKind::input_grad) return nullptr;
    if (s.n * s.c * s.o * s.oh * s.ow == 0) return nullptr;
    const ImageLayout x(s.x_format, s.c, s.h * s.w), y(s.y_format, s.o, s.oh * s.ow);
    if ((x.block != 1 && x.block != s.c) || (y.block != 1 && y.block != s.o)) return nullptr;
    const bool width = y.block == 1 && s.o != 1;
    const bool rows_fit = s.stride[0] == 1 && s.stride[1] == 1 && s.ow >= narrow_lanes();
    if (y.block == 1 && rows_fit) return std::make_unique<NarrowConv>(s, kind, true);
    if (width) return nullptr;
    return std::make_unique<NarrowConv>(s, kind, false);
}

} // namespace ingot::cpu
