// SPDX-License-Identifier: MIT
// Sample programs that reduce rows and go on with the results: softmax, norms, losses, windows, several stages. Of samples.h,
// which lists them all. Header only; values.
#pragma once

#include <limits>

#include "program/sketch.h"

namespace ingot::samples {

/// Softmax over the last of [rows, n]; three stages.
inline Sample softmax(int64_t rows, int64_t n, DType memory = DType::f32) {
    Sketch s("softmax", {rows}, {}, {n}, 3);
    const int32_t x = s.input({memory, rows * n, -8, 8, {}}), y = s.output(memory, rows * n);
    const Affine at = s.at({n, 1});
    const ValueId v = s.load(x, at), top = s.reduce(Monoid::Max, Level::Row, v);
    s.point(1);
    const ValueId e = s.apply(Scalar::exp, s.apply(Scalar::sub, v, top)), sum = s.reduce(Monoid::Sum, Level::Row, e);
    s.row(1);
    const ValueId r = s.apply(Scalar::reciprocal, sum);
    s.point(2);
    s.store(y, at, s.apply(Scalar::mul, e, r));
    s.sample.in_place = {{y, x}};
    s.sample.tolerance = memory == DType::f32 ? 2e-5 : memory == DType::f16 ? 2e-3 : 1.6e-2;
    return s.done();
}

/// Layer norm over the last of [rows, n], with weight and bias; mean and 1 / deviation are stored too.
inline Sample layer_norm(int64_t rows, int64_t n, DType t = DType::f32) {
    Sketch s("layer_norm", {rows}, {}, {n}, 2);
    const int32_t x = s.input({t, rows * n, 90, 110, {}}), w = s.input({t, n}), b = s.input({t, n});
    const int32_t y = s.output(t, rows * n), mean_out = s.output(t, rows), rstd_out = s.output(t, rows);
    const ValueId v = s.load(x, s.at({n, 1}));
    const auto [mean, m2] = s.welford(Level::Row, v);
    s.row(0);
    const ValueId variance = s.apply(Scalar::mul, m2, s.constant(1.0 / static_cast<double>(n), t));
    const ValueId rstd = s.apply(Scalar::rsqrt, s.apply(Scalar::add, variance, s.constant(1e-5, t)));
    s.store(mean_out, s.at({1, 0}), mean);
    s.store(rstd_out, s.at({1, 0}), rstd);
    s.point(1);
    const ValueId hat = s.apply(Scalar::mul, s.apply(Scalar::sub, v, mean), rstd);
    s.store(y, s.at({n, 1}),
            s.apply(Scalar::add, s.apply(Scalar::mul, hat, s.load(w, s.at({0, 1}))), s.load(b, s.at({0, 1}))));
    s.sample.tolerance = t == DType::f64 ? 1e-12 : 1e-4;
    return s.done();
}

/// Its gradients: dx, and the weight's and bias's summed over the rows in the same pass.
inline Sample layer_norm_backward(int64_t rows, int64_t n) {
    Sketch s("layer_norm_backward", {}, {rows}, {n}, 2);
    const int32_t x = s.input({DType::f32, rows * n}), g = s.input({DType::f32, rows * n}),
                  w = s.input({DType::f32, n}), mean = s.input({DType::f32, rows}),
                  rstd = s.input({DType::f32, rows, 0.5, 2, {}});
    const int32_t dx = s.output(DType::f32, rows * n), dw = s.output(DType::f32, n), db = s.output(DType::f32, n);
    const Affine at = s.at({n, 1}), per_row = s.at({1, 0}), per_column = s.at({0, 1});
    const ValueId r = s.load(rstd, per_row);
    const ValueId hat = s.apply(Scalar::mul, s.apply(Scalar::sub, s.load(x, at), s.load(mean, per_row)), r);
    const ValueId dy = s.load(g, at), gw = s.apply(Scalar::mul, dy, s.load(w, per_column)),
                  gwx = s.apply(Scalar::mul, gw, hat);
    const ValueId sum_gw = s.reduce(Monoid::Sum, Level::Row, gw), sum_gwx = s.reduce(Monoid::Sum, Level::Row, gwx);
    const ValueId sum_w = s.reduce(Monoid::Sum, Level::Column, s.apply(Scalar::mul, dy, hat)),
                  sum_b = s.reduce(Monoid::Sum, Level::Column, dy);
    s.row(0);
    const ValueId c = s.constant(1.0 / static_cast<double>(n));
    const ValueId m1 = s.apply(Scalar::mul, sum_gw, c), m2 = s.apply(Scalar::mul, sum_gwx, c);
    s.point(1);
    const ValueId inner = s.apply(Scalar::sub, s.apply(Scalar::sub, gw, m1), s.apply(Scalar::mul, hat, m2));
    s.store(dx, at, s.apply(Scalar::mul, r, inner));
    s.column();
    s.store(dw, per_column, sum_w);
    s.store(db, per_column, sum_b);
    s.sample.in_place = {{dx, g}};
    s.sample.tolerance = 1e-4;
    return s.done();
}

/// Mean cross entropy of logits [rows, n] with integer labels, and the gradient with respect to the logits.
inline Sample cross_entropy(int64_t rows, int64_t n) {
    Sketch s("cross_entropy", {}, {rows}, {n}, 3);
    const int32_t x = s.input({DType::f32, rows * n, -6, 6, {}}),
                  label = s.input({DType::i64, rows, 0, static_cast<double>(n), {}});
    const int32_t loss = s.output(DType::f32, 1), grad = s.output(DType::f32, rows * n), hits = s.output(DType::i64, 1);
    const Affine at = s.at({n, 1});
    const ValueId v = s.load(x, at), top = s.reduce(Monoid::Max, Level::Row, v),
                  best = s.reduce(Monoid::ArgMax, Level::Row, v);
    s.row(0);
    const ValueId y = s.load(label, s.at({1, 0})), hit = s.apply(Scalar::eq, best, y);
    const ValueId chosen = s.gather(x, s.at({n, 0}), y, 1, n);
    const ValueId hit_count = s.reduce(Monoid::Sum, Level::Final, hit);
    s.point(1);
    const ValueId e = s.apply(Scalar::exp, s.apply(Scalar::sub, v, top)), sum = s.reduce(Monoid::Sum, Level::Row, e);
    s.row(1);
    const ValueId nll = s.apply(Scalar::sub, s.apply(Scalar::add, s.apply(Scalar::log, sum), top), chosen);
    const ValueId total = s.reduce(Monoid::Sum, Level::Final, nll);
    const ValueId inverse = s.apply(Scalar::reciprocal, sum);
    s.point(2);
    const ValueId is_label = s.apply(Scalar::eq, s.iota(s.at({0, 1})), y);
    const ValueId soft = s.apply(Scalar::sub, s.apply(Scalar::mul, e, inverse), s.cast(is_label, DType::f32));
    s.store(grad, at, s.apply(Scalar::mul, soft, s.constant(1.0 / static_cast<double>(rows))));
    s.final();
    s.store(loss, s.at({0, 0}), s.apply(Scalar::mul, total, s.constant(1.0 / static_cast<double>(rows))));
    s.store(hits, s.at({0, 0}), hit_count);
    return s.done();
}

/// Max pooling (k x k, stride, padding) of [c, h, w]; the winner's place in its window goes to a u8 buffer.
inline Sample max_pool(int64_t c, int64_t h, int64_t w, int64_t k, int64_t stride, int64_t padding) {
    const int64_t oh = (h + 2 * padding - k) / stride + 1, ow = (w + 2 * padding - k) / stride + 1;
    Sketch s("max_pool", {c, oh, ow}, {}, {k, k});
    const int32_t x = s.input({DType::f32, c * h * w}), y = s.output(DType::f32, c * oh * ow),
                  place = s.output(DType::u8, c * oh * ow);
    const ValueId v =
        s.load(x, s.at({h * w, stride * w, stride, w, 1}, -padding * w - padding),
               {{s.at({0, stride, 0, 1, 0}, -padding), 0, h}, {s.at({0, 0, stride, 0, 1}, -padding), 0, w}},
               -std::numeric_limits<double>::infinity());
    const ValueId top = s.reduce(Monoid::Max, Level::Row, v), best = s.reduce(Monoid::ArgMax, Level::Row, v);
    s.row();
    s.store(y, s.at({oh * ow, ow, 1, 0, 0}), top);
    s.store(place, s.at({oh * ow, ow, 1, 0, 0}), s.cast(best, DType::i32));
    return s.done();
}

/// A narrow convolution [h, w, ci] -> [h, w, co] of 3 x 3, padding 1, as a row reduction.
inline Sample small_conv(int64_t h, int64_t w, int64_t ci, int64_t co) {
    Sketch s("small_conv", {h, w, co}, {}, {3, 3, ci});
    const int32_t x = s.input({DType::f32, h * w * ci}), k = s.input({DType::f32, 9 * ci * co}),
                  b = s.input({DType::f32, co});
    const int32_t y = s.output(DType::f32, h * w * co);
    const ValueId v = s.load(x, s.at({w * ci, ci, 0, w * ci, ci, 1}, -w * ci - ci),
                             {{s.at({1, 0, 0, 1, 0, 0}, -1), 0, h}, {s.at({0, 1, 0, 0, 1, 0}, -1), 0, w}});
    const ValueId product = s.apply(Scalar::mul, v, s.load(k, s.at({0, 0, 1, 3 * ci * co, ci * co, co})));
    const ValueId sum = s.reduce(Monoid::Sum, Level::Row, product);
    s.row();
    s.store(y, s.at({w * co, co, 1, 0, 0, 0}),
            s.apply(Scalar::relu, s.apply(Scalar::add, sum, s.load(b, s.at({0, 0, 1, 0, 0, 0})))));
    return s.done();
}

/// Stores in an early stage, a value shared by three stages, row values from one stage in later ones, i32 rows.
inline Sample many_stages(int64_t outer, int64_t rows, int64_t n) {
    Sketch s("many_stages", {outer}, {rows}, {n}, 3);
    const int32_t x = s.input({DType::i32, outer * rows * n, -100, 100, {}});
    const int32_t doubled = s.output(DType::i32, outer * rows * n), y = s.output(DType::i64, outer * rows * n),
                  span = s.output(DType::i64, outer), low = s.output(DType::i32, outer),
                  most = s.output(DType::i32, outer * n), at_row = s.output(DType::i64, outer * n);
    const Affine at = s.at({rows * n, n, 1});
    const ValueId v = s.load(x, at), two = s.apply(Scalar::add, v, v);
    s.store(doubled, at, two);
    const ValueId sum = s.reduce(Monoid::Sum, Level::Row, two), top = s.reduce(Monoid::Max, Level::Column, v),
                  who = s.reduce(Monoid::ArgMin, Level::Column, v);
    s.point(1);
    const ValueId mixed = s.apply(Scalar::mul, s.cast(two, DType::i64), sum),
                  bottom = s.reduce(Monoid::Min, Level::Row, mixed);
    const ValueId lowest = s.reduce(Monoid::Min, Level::Final, v);
    s.row(1);
    const ValueId spread = s.apply(Scalar::sub, sum, bottom), best = s.reduce(Monoid::ArgMax, Level::Final, spread);
    s.point(2);
    s.store(
        y, at,
        s.apply(Scalar::add, s.apply(Scalar::sub, mixed, bottom), s.apply(Scalar::mul, s.cast(v, DType::i64), sum)));
    s.final();
    s.store(span, s.at({1, 0, 0}), best);
    s.store(low, s.at({1, 0, 0}), lowest);
    s.column();
    const ValueId adjusted = s.apply(Scalar::add, top, lowest); // a Final value in Column code
    s.store(most, s.at({n, 0, 1}), adjusted);
    s.store(at_row, s.at({n, 0, 1}), who);
    return s.done();
}

/// any and all of x > 0 and the product of x per row; rows of i32; whole rows dropped at random; a guarded load per row.
inline Sample row_logic(int64_t rows, int64_t n) {
    Sketch s("row_logic", {rows}, {}, {n}, 2);
    const int32_t x = s.input({DType::i32, rows * n, -2, 4, {}}), key = s.input({DType::i64, 2, 0, 0, {77, 5}}),
                  scale = s.input({DType::f32, rows});
    const int32_t any = s.output(DType::boolean, rows), all = s.output(DType::boolean, rows),
                  prod = s.output(DType::i32, rows), odd = s.output(DType::u8, rows),
                  y = s.output(DType::f32, rows * n);
    const Affine at = s.at({n, 1}), per_row = s.at({1, 0});
    const ValueId v = s.load(x, at), positive = s.apply(Scalar::gt, v, s.constant(0, DType::i32));
    const ValueId r0 = s.reduce(Monoid::Max, Level::Row, positive), r1 = s.reduce(Monoid::Min, Level::Row, positive),
                  r2 = s.reduce(Monoid::Prod, Level::Row, v);
    s.row(0);
    s.store(any, per_row, r0);
    s.store(all, per_row, r1);
    s.store(prod, per_row, r2);
    const ValueId number = s.iota(s.at({1, 0}, 3));
    const ValueId keep = s.apply(Scalar::logical_and, s.apply(Scalar::lt, s.random(key, number), s.constant(0.5)), r0);
    const ValueId two = s.constant(2, DType::i64);
    s.store(odd, per_row, s.cast(s.apply(Scalar::remainder, number, two), DType::i32));
    const ValueId factor =
        s.apply(Scalar::where, keep, s.load(scale, s.at({1, 0}, -1), {{s.at({1, 0}), 1, rows}}, 3), s.constant(0));
    s.point(1);
    s.store(y, at, s.apply(Scalar::mul, s.cast(v, DType::f32), factor));
    return s.done();
}

} // namespace ingot::samples
