// SPDX-License-Identifier: MIT
// Matrix products, convolution and pooling, as their defining sums.
#include <limits>

#include "backend/reference/reference_parts.h"
#include "base/check.h"

namespace ingot::reference {

void evaluate_matmul(const Attrs& attrs, const Arrays& in, HostArray& y) {
    const HostArray &a = in[0], &b = in[1];
    const bool ta = attrs[0] != 0, tb = attrs[1] != 0;
    const size_t r = y.type.shape.rank();
    const int64_t inner = a.type.shape[r - (ta ? 2 : 1)];
    for_each(y.type.shape, [&](const Ints& index, int64_t to) {
        Ints at = index, bt = index;
        double sum = 0;
        for (int64_t k = 0; k < inner; ++k) {
            at[r - 2] = ta ? k : index[r - 2];
            at[r - 1] = ta ? index[r - 2] : k;
            bt[r - 2] = tb ? index[r - 1] : k;
            bt[r - 1] = tb ? k : index[r - 1];
            sum += a.f[static_cast<size_t>(position_of(at, a.type.shape))] *
                   b.f[static_cast<size_t>(position_of(bt, b.type.shape))];
        }
        if (in.size() == 3) sum += in[2].f[static_cast<size_t>(index[r - 1])];
        y.f[static_cast<size_t>(to)] = activate(sum, attrs[2]);
    });
}

namespace {

size_t at4(const Shape& s, int64_t a, int64_t b, int64_t c, int64_t d) {
    return static_cast<size_t>(((a * s[1] + b) * s[2] + c) * s[3] + d);
}

/// Calls f(x position, w position, y position) for every product x * w that convolution adds to y.
template <class F> void for_each_product(const Attrs& attrs, const Shape& x, const Shape& w, const Shape& y, F&& f) {
    const int64_t sh = attrs[0], sw = attrs[1], ph = attrs[2], pw = attrs[3], dh = attrs[4], dw = attrs[5];
    const int64_t outputs_per_group = w[0] / attrs[6];
    for_each(y, [&](const Ints& to, int64_t y_position) {
        const int64_t o = to[1], first_channel = o / outputs_per_group * w[1];
        for (int64_t c = 0; c < w[1]; ++c)
            for (int64_t i = 0; i < w[2]; ++i)
                for (int64_t j = 0; j < w[3]; ++j) {
                    const int64_t row = to[2] * sh - ph + i * dh, column = to[3] * sw - pw + j * dw;
                    if (row < 0 || row >= x[2] || column < 0 || column >= x[3]) continue;
                    f(at4(x, to[0], first_channel + c, row, column), at4(w, o, c, i, j),
                      static_cast<size_t>(y_position));
                }
    });
}

} // namespace

void evaluate_conv(Prim prim, const Attrs& attrs, const Arrays& in, HostArray& out) {
    if (prim == Prim::conv2d) {
        const HostArray &x = in[0], &w = in[1];
        for_each_product(attrs, x.type.shape, w.type.shape, out.type.shape,
                         [&](size_t xp, size_t wp, size_t yp) { out.f[yp] += x.f[xp] * w.f[wp]; });
        for_each(out.type.shape, [&](const Ints& index, int64_t position) {
            double& v = out.f[static_cast<size_t>(position)];
            if (in.size() == 3) v += in[2].f[static_cast<size_t>(index[1])];
            v = activate(v, attrs[7]);
        });
        return;
    }
    const HostArray& gy = in[1];
    if (prim == Prim::conv2d_input_grad) {
        const HostArray& w = in[0];
        for_each_product(attrs, out.type.shape, w.type.shape, gy.type.shape,
                         [&](size_t xp, size_t wp, size_t yp) { out.f[xp] += gy.f[yp] * w.f[wp]; });
        return;
    }
    INGOT_ASSERT(prim == Prim::conv2d_weight_grad, "not a convolution");
    const HostArray& x = in[0];
    for_each_product(attrs, x.type.shape, out.type.shape, gy.type.shape,
                     [&](size_t xp, size_t wp, size_t yp) { out.f[wp] += gy.f[yp] * x.f[xp]; });
}

namespace {

/// Calls f(position in x, number within the window) for the elements of a window that are inside the image.
template <class F> void for_each_in_window(const Attrs& attrs, const Shape& x, const Ints& to, F&& f) {
    const int64_t kh = attrs[0], kw = attrs[1];
    for (int64_t i = 0; i < kh; ++i)
        for (int64_t j = 0; j < kw; ++j) {
            const int64_t row = to[2] * attrs[2] - attrs[4] + i, column = to[3] * attrs[3] - attrs[5] + j;
            if (row < 0 || row >= x[2] || column < 0 || column >= x[3]) continue;
            f(at4(x, to[0], to[1], row, column), i * kw + j);
        }
}

/// What the mean of a window divides by.
double divisor(const Attrs& attrs, const Shape& x, const Ints& to) {
    if (attrs[6] != 0) return static_cast<double>(attrs[0] * attrs[1]);
    double count = 0;
    for_each_in_window(attrs, x, to, [&](size_t, int64_t) { count += 1; });
    return count;
}

} // namespace

void evaluate_pool(Prim prim, const Attrs& attrs, const Arrays& in, Arrays& out) {
    const HostArray& x = in[0]; // gy for the gradients
    HostArray& y = out[0];      // gx for the gradients
    const Shape &xs = x.type.shape, &ys = y.type.shape;
    switch (prim) {
    case Prim::max_pool2d:
        for_each(ys, [&](const Ints& to, int64_t position) {
            double best = -std::numeric_limits<double>::infinity();
            int64_t where = -1;
            for_each_in_window(attrs, xs, to, [&](size_t at, int64_t number) {
                const double v = x.f[at];
                if (where >= 0 && !(best == best && (v > best || v != v))) return;
                best = v;
                where = number;
            });
            y.f[static_cast<size_t>(position)] = best;
            out[1].i[static_cast<size_t>(position)] = where;
        });
        return;
    case Prim::max_pool2d_grad:
        for_each(xs, [&](const Ints& to, int64_t position) {
            for_each_in_window(attrs, ys, to, [&](size_t at, int64_t number) {
                if (number == in[1].i[static_cast<size_t>(position)]) y.f[at] += x.f[static_cast<size_t>(position)];
            });
        });
        return;
    case Prim::max_pool2d_gather:
        for_each(ys, [&](const Ints& to, int64_t position) {
            for_each_in_window(attrs, xs, to, [&](size_t at, int64_t number) {
                if (number == in[1].i[static_cast<size_t>(position)]) y.f[static_cast<size_t>(position)] = x.f[at];
            });
        });
        return;
    case Prim::avg_pool2d:
        for_each(ys, [&](const Ints& to, int64_t position) {
            double sum = 0;
            for_each_in_window(attrs, xs, to, [&](size_t at, int64_t) { sum += x.f[at]; });
            y.f[static_cast<size_t>(position)] = sum / divisor(attrs, xs, to);
        });
        return;
    case Prim::avg_pool2d_grad:
        for_each(xs, [&](const Ints& to, int64_t position) {
            const double share = x.f[static_cast<size_t>(position)] / divisor(attrs, ys, to);
            for_each_in_window(attrs, ys, to, [&](size_t at, int64_t) { y.f[at] += share; });
        });
        return;
    default: INGOT_ASSERT(false, "not pooling");
    }
}

} // namespace ingot::reference
