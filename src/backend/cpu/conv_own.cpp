// SPDX-License-Identifier: MIT
// Convolution as products of matrices. Forward and weight gradient gather the columns of a block of pixels ("im2col") into
// scratch memory of the thread; the input gradient multiplies tap by tap and adds into the image that the task owns (no
// atomics). Pixel blocks and parts of sums follow from shapes, so any number of threads gives the same bits.
// Columns are [c][kh][kw] x [pixel] for row-major x and [pixel] x [kh][kw][c] otherwise: copies run along memory in both.
#include <algorithm>
#include <cstring>

#include "backend/cpu/conv.h"
#include "backend/cpu/matmul_kernels.h"
#include "base/parallel.h"

namespace ingot::cpu {

namespace {

size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

/// Scratch memory for `slots` threads at the start of the workspace, and an even, contiguous share of tasks for each.
struct Slots {
    int count = 1;
    size_t bytes = 0; ///< per slot
    template <class F> void run(int64_t tasks, void* workspace, const F& f) const {
        base::parallel_for(count, 1, [&](int64_t begin, int64_t end) {
            for (int64_t slot = begin; slot < end; ++slot)
                for (int64_t t = slot * tasks / count; t < (slot + 1) * tasks / count; ++t)
                    f(t, static_cast<char*>(workspace) + static_cast<size_t>(slot) * bytes);
        });
    }
};

template <class T> class OwnConv final : public Primitive {
public:
    OwnConv(const ConvSpec& s, ConvKind kind)
        : s_(s), kind_(kind), x_(s.x_format, s.c, s.h * s.w), y_(s.y_format, s.o, s.oh * s.ow), cg_(s.c / s.groups),
          og_(s.o / s.groups), taps_(s.kh * s.kw), k_(cg_ * taps_) {
        const int threads = base::num_threads();
        slots_.count = threads;
        block_ = std::clamp<int64_t>((int64_t{1} << 16) / std::max<int64_t>(k_, 1) / 8 * 8, 16, 1024);
        block_ = std::max<int64_t>(std::min(block_, y_.pixels), 1);
        blocks_ = (y_.pixels + block_ - 1) / block_;
        switch (kind) {
        case ConvKind::forward:
            name = "conv2d";
            tasks_ = s.n * s.groups * blocks_;
            slots_.bytes =
                aligned(static_cast<size_t>(k_ * block_) * sizeof(T)) +
                std::max(gemm_scratch_bytes(s.dtype, og_, block_, k_), gemm_scratch_bytes(s.dtype, block_, og_, k_));
            packed_w_ = x_.block != 1;
            break;
        case ConvKind::input_grad:
            name = "conv2d_input_grad";
            // Images alone may be too few for the threads; the channels of one are independent too.
            parts_ = std::clamp<int64_t>((threads + s.n * s.groups - 1) / std::max<int64_t>(s.n * s.groups, 1), 1,
                                         std::max<int64_t>(cg_, 1));
            tasks_ = s.n * s.groups * parts_;
            slots_.bytes =
                aligned(static_cast<size_t>(cg_ * block_) * sizeof(T)) +
                std::max(gemm_scratch_bytes(s.dtype, cg_, block_, og_), gemm_scratch_bytes(s.dtype, block_, cg_, og_));
            break;
        case ConvKind::weight_grad:
            name = "conv2d_weight_grad";
            // Sums over (image, block) items in parts fixed by the shapes, as many as 32 MiB of partial results allow.
            parts_ = std::clamp<int64_t>((int64_t{1} << 23) / std::max<int64_t>(s.o * k_, 1), 1, 16);
            parts_ = std::clamp<int64_t>(s.n * blocks_, 1, parts_);
            o_step_ = std::max<int64_t>((og_ * parts_ * s.groups + 2 * threads - 1) / (2 * threads), 1);
            o_step_ = std::min((o_step_ + 7) / 8 * 8, std::max<int64_t>(og_, 1));
            o_parts_ = (og_ + o_step_ - 1) / o_step_;
            tasks_ = parts_ * s.groups * o_parts_;
            slots_.bytes = aligned(static_cast<size_t>(k_ * block_) * sizeof(T)) +
                           gemm_scratch_bytes(s.dtype, o_step_, k_, block_);
            break;
        }
        workspace_bytes = slots_.bytes * static_cast<size_t>(slots_.count);
        if (packed_w_) workspace_bytes += static_cast<size_t>(s.o * k_) * sizeof(T);
        if (kind == ConvKind::weight_grad)
            workspace_bytes += static_cast<size_t>(parts_ * (s.o * k_ + s.o)) * sizeof(T);
    }

    void run(void* const* args, void* workspace) const override {
        switch (kind_) {
        case ConvKind::forward: return forward(args, workspace);
        case ConvKind::input_grad: return input_grad(args, workspace);
        case ConvKind::weight_grad: return weight_grad(args, workspace);
        }
    }

private:
    /// What follows the threads' scratch memory in the workspace.
    T* tail(void* workspace) const {
        return reinterpret_cast<T*>(static_cast<char*>(workspace) + slots_.bytes * static_cast<size_t>(slots_.count));
    }
    T* gemm_scratch(char* scratch, int64_t elements) const {
        return reinterpret_cast<T*>(scratch + aligned(static_cast<size_t>(elements) * sizeof(T)));
    }

    /// The columns of output pixels [first, first + count) of group g of image x.
    void columns(const T* x, int64_t g, int64_t first, int64_t count, T* col) const {
        if (x_.block == 1) {
            for (int64_t c = 0; c < cg_; ++c)
                for (int64_t t = 0; t < taps_; ++t, col += count)
                    row_of_columns(x + (g * cg_ + c) * x_.pixels, t, first, count, col);
            return;
        }
        for (int64_t p = first; p < first + count; ++p) {
            const int64_t y0 = p / s_.ow * s_.stride[0] - s_.padding[0], x0 = p % s_.ow * s_.stride[1] - s_.padding[1];
            for (int64_t kh = 0; kh < s_.kh; ++kh)
                for (int64_t kw = 0; kw < s_.kw; ++kw, col += cg_) {
                    const int64_t iy = y0 + kh * s_.dilation[0], ix = x0 + kw * s_.dilation[1];
                    if (iy < 0 || iy >= s_.h || ix < 0 || ix >= s_.w) {
                        std::fill_n(col, cg_, T(0));
                        continue;
                    }
                    const int64_t end = (g + 1) * cg_;
                    for (int64_t c = g * cg_; c < end; c += x_.run(c, end))
                        std::copy_n(x + x_.at(c, iy * s_.w + ix), x_.run(c, end), col + c - g * cg_);
                }
        }
    }

    /// One tap of one row-major channel for output pixels [first, first + count).
    void row_of_columns(const T* plane, int64_t tap, int64_t first, int64_t count, T* to) const {
        const int64_t dy = tap / s_.kw * s_.dilation[0] - s_.padding[0],
                      dx = tap % s_.kw * s_.dilation[1] - s_.padding[1];
        const int64_t step = s_.stride[1];
        for (int64_t p = first; p < first + count;) {
            const int64_t oy = p / s_.ow, ox = p % s_.ow, end = std::min(s_.ow, ox + first + count - p);
            const int64_t iy = oy * s_.stride[0] + dy;
            if (iy < 0 || iy >= s_.h) {
                std::fill_n(to, end - ox, T(0));
            } else {
                const T* row = plane + iy * s_.w;
                for (int64_t i = ox; i < end; ++i) {
                    const int64_t ix = i * step + dx;
                    to[i - ox] = ix < 0 || ix >= s_.w ? T(0) : row[ix];
                }
            }
            to += end - ox;
            p += end - ox;
        }
    }
    /// Strides of columns() over (pixel, k).
    int64_t column_pixel() const { return x_.block == 1 ? 1 : k_; }
    int64_t column_k(int64_t count) const { return x_.block == 1 ? count : 1; }

    void forward(void* const* args, void* workspace) const {
        const T* x = static_cast<const T*>(args[0]);
        const T* w = static_cast<const T*>(args[1]);
        const T* bias = s_.bias ? static_cast<const T*>(args[2]) : nullptr;
        T* y = static_cast<T*>(args[s_.bias ? 3 : 2]);
        if (packed_w_) {
            T* packed = tail(workspace);
            base::parallel_for(s_.o, 16, [&](int64_t begin, int64_t end) {
                for (int64_t o = begin; o < end; ++o)
                    for (int64_t c = 0; c < cg_; ++c)
                        for (int64_t t = 0; t < taps_; ++t) packed[o * k_ + t * cg_ + c] = w[o * k_ + c * taps_ + t];
            });
            w = packed;
        }
        slots_.run(tasks_, workspace, [&](int64_t task, char* scratch) {
            const int64_t first = task % blocks_ * block_, g = task / blocks_ % s_.groups,
                          n = task / blocks_ / s_.groups;
            const int64_t count = std::min(block_, y_.pixels - first);
            T* col = reinterpret_cast<T*>(scratch);
            columns(x + n * s_.c * x_.pixels, g, first, count, col);
            T* const image = y + n * s_.o * y_.pixels;
            Gemm<T> p;
            p.k = k_;
            if (y_.block == 1) {
                p.m = og_, p.n = count;
                p.a = w + g * og_ * k_, p.a_row = k_, p.a_col = 1;
                p.b = col, p.b_row = column_k(count), p.b_col = column_pixel();
                p.c = image + y_.at(g * og_, first), p.c_row = y_.pixels;
                gemm(p, gemm_scratch(scratch, k_ * block_));
                for (int64_t o = 0; o < og_; ++o) {
                    T* row = p.c + o * p.c_row;
                    if (bias)
                        for (int64_t i = 0; i < count; ++i) row[i] += bias[g * og_ + o];
                    activate(row, count, s_.act);
                }
                return;
            }
            const int64_t end = (g + 1) * og_;
            for (int64_t o = g * og_; o < end; o += p.n) {
                p.m = count, p.n = y_.run(o, end);
                p.a = col, p.a_row = column_pixel(), p.a_col = column_k(count);
                p.b = w + o * k_, p.b_row = 1, p.b_col = k_;
                p.c = image + y_.at(o, first), p.c_row = y_.pixel_stride();
                p.bias = bias ? bias + o : nullptr;
                p.act = s_.act;
                gemm(p, gemm_scratch(scratch, k_ * block_));
            }
        });
    }

    void input_grad(void* const* args, void* workspace) const {
        const T* w = static_cast<const T*>(args[0]);
        const T* gy = static_cast<const T*>(args[1]);
        T* gx = static_cast<T*>(args[2]);
        slots_.run(tasks_, workspace, [&](int64_t task, char* scratch) {
            const int64_t part = task % parts_, g = task / parts_ % s_.groups, n = task / parts_ / s_.groups;
            const int64_t from = g * cg_ + part * cg_ / parts_, to = g * cg_ + (part + 1) * cg_ / parts_;
            T* const image = gx + n * s_.c * x_.pixels;
            for (int64_t c = from; c < to; c += x_.run(c, to))
                if (x_.block == 1)
                    std::fill_n(image + x_.at(c, 0), (to - c) * x_.pixels, T(0));
                else
                    for (int64_t p = 0; p < x_.pixels; ++p) std::fill_n(image + x_.at(c, p), x_.run(c, to), T(0));
            for (int64_t first = 0; first < y_.pixels; first += block_)
                for (int64_t tap = 0; tap < taps_; ++tap)
                    add_tap(w, gy + n * s_.o * y_.pixels, g, from, to, first, tap, scratch, image);
        });
    }

    /// image[c in [from, to), input pixels of `tap`] += sum over o of w[o, c, tap] gy[o, pixels from `first` on].
    void add_tap(const T* w, const T* gy, int64_t g, int64_t from, int64_t to, int64_t first, int64_t tap,
                 char* scratch, T* image) const {
        const int64_t count = std::min(block_, y_.pixels - first), width = to - from;
        T* col = reinterpret_cast<T*>(scratch);
        const T* w_tap = w + (g * og_ * cg_ + from - g * cg_) * taps_ + tap;
        Gemm<T> p;
        const int64_t end = (g + 1) * og_;
        for (int64_t o = g * og_; o < end; o += p.k, w_tap += p.k * k_) {
            p.k = y_.run(o, end);
            p.accumulate = o > g * og_;
            const T* gy_at = gy + y_.at(o, first);
            if (x_.block == 1) { // [c][pixel]
                p.m = width, p.n = count;
                p.a = w_tap, p.a_row = taps_, p.a_col = k_;
                p.b = gy_at, p.b_row = y_.channel_stride(), p.b_col = y_.pixel_stride();
            } else { // [pixel][c]
                p.m = count, p.n = width;
                p.a = gy_at, p.a_row = y_.pixel_stride(), p.a_col = y_.channel_stride();
                p.b = w_tap, p.b_row = k_, p.b_col = taps_;
            }
            p.c = col, p.c_row = p.n;
            gemm(p, gemm_scratch(scratch, cg_ * block_));
        }
        const int64_t dy = tap / s_.kw * s_.dilation[0] - s_.padding[0],
                      dx = tap % s_.kw * s_.dilation[1] - s_.padding[1];
        for (int64_t i = 0; i < count; ++i) {
            const int64_t iy = (first + i) / s_.ow * s_.stride[0] + dy, ix = (first + i) % s_.ow * s_.stride[1] + dx;
            if (iy < 0 || iy >= s_.h || ix < 0 || ix >= s_.w) continue;
            const int64_t pixel = iy * s_.w + ix;
            if (x_.block == 1) {
                T* at = image + x_.at(from, pixel);
                for (int64_t c = 0; c < width; ++c) at[c * x_.pixels] += col[c * count + i];
                continue;
            }
            for (int64_t c = from; c < to;) {
                const int64_t run = x_.run(c, to);
                T* at = image + x_.at(c, pixel);
                add_into(at, col + i * width + c - from, run);
                c += run;
            }
        }
    }

    void weight_grad(void* const* args, void* workspace) const {
        const T* x = static_cast<const T*>(args[0]);
        const T* gy = static_cast<const T*>(args[1]);
        T* gw = static_cast<T*>(args[2]);
        T* gb = s_.bias ? static_cast<T*>(args[3]) : nullptr;
        T* const partial_w = tail(workspace);
        T* const partial_b = partial_w + parts_ * s_.o * k_;
        const int64_t items = s_.n * blocks_;
        slots_.run(tasks_, workspace, [&](int64_t task, char* scratch) {
            const int64_t op = task % o_parts_, g = task / o_parts_ % s_.groups, part = task / o_parts_ / s_.groups;
            const int64_t from = g * og_ + op * o_step_, to = std::min(from + o_step_, (g + 1) * og_);
            T* const sum_w = partial_w + (part * s_.o + from) * k_;
            T* const sum_b = partial_b + part * s_.o;
            std::fill_n(sum_w, (to - from) * k_, T(0));
            std::fill(sum_b + from, sum_b + to, T(0));
            T* col = reinterpret_cast<T*>(scratch);
            for (int64_t i = part * items / parts_; i < (part + 1) * items / parts_; ++i) {
                const int64_t n = i / blocks_, first = i % blocks_ * block_,
                              count = std::min(block_, y_.pixels - first);
                columns(x + n * s_.c * x_.pixels, g, first, count, col);
                const T* image = gy + n * s_.o * y_.pixels;
                Gemm<T> p;
                p.n = k_, p.k = count;
                p.accumulate = true;
                p.b = col, p.b_row = column_pixel(), p.b_col = column_k(count);
                p.c_row = k_;
                for (int64_t o = from; o < to; o += p.m) {
                    p.m = y_.run(o, to);
                    p.a = image + y_.at(o, first), p.a_row = y_.channel_stride(), p.a_col = y_.pixel_stride();
                    p.c = sum_w + (o - from) * k_;
                    gemm(p, gemm_scratch(scratch, k_ * block_));
                }
                if (gb) add_bias_grad(image, from, to, first, count, sum_b);
            }
        });
        base::parallel_for(s_.o, 8, [&](int64_t begin, int64_t end) {
            for (int64_t o = begin; o < end; ++o) {
                for (int64_t p = 1; p < parts_; ++p) add_into(partial_w + o * k_, partial_w + (p * s_.o + o) * k_, k_);
                for (int64_t c = 0; c < cg_; ++c)
                    for (int64_t t = 0; t < taps_; ++t)
                        gw[o * k_ + c * taps_ + t] = partial_w[o * k_ + (x_.block == 1 ? c * taps_ + t : t * cg_ + c)];
                if (!gb) continue;
                gb[o] = partial_b[o];
                for (int64_t p = 1; p < parts_; ++p) gb[o] += partial_b[p * s_.o + o];
            }
        });
    }

    void add_bias_grad(const T* image, int64_t from, int64_t to, int64_t first, int64_t count, T* sum) const {
        if (y_.block == 1) {
            for (int64_t o = from; o < to; ++o) {
                T total = 0;
                for (int64_t i = 0; i < count; ++i) total += image[y_.at(o, first + i)];
                sum[o] += total;
            }
            return;
        }
        for (int64_t o = from; o < to; o += y_.run(o, to))
            for (int64_t i = 0; i < count; ++i) {
                const T* at = image + y_.at(o, first + i);
                add_into(sum + o, at, y_.run(o, to));
            }
    }

    ConvSpec s_;
    ConvKind kind_;
    ImageLayout x_, y_;
    int64_t cg_, og_, taps_, k_;     ///< channels per group, kernel elements, and their product
    int64_t block_ = 1, blocks_ = 1; ///< output pixels per block, blocks per image
    int64_t tasks_ = 0, parts_ = 1, o_step_ = 1, o_parts_ = 1;
    bool packed_w_ = false;
    Slots slots_;
};

} // namespace

PrimitivePtr make_conv_own(const ConvSpec& s, ConvKind kind) {
    if (s.dtype == DType::f64) return std::make_unique<OwnConv<double>>(s, kind);
    return std::make_unique<OwnConv<float>>(s, kind);
}

} // namespace ingot::cpu
