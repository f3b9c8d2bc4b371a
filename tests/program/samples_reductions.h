// SPDX-License-Identifier: MIT
// Sample programs whose results are reductions: over columns, over everything, statistics, places of extremes. Of samples.h,
// which lists them all. Header only; values.
#pragma once

#include <limits>

#include "program/sketch.h"

namespace ingot::samples {

/// Batch norm statistics of [n, hw, c] channels last: mean and variance per channel by Welford into Column.
inline Sample batch_norm_stats(int64_t n, int64_t hw, int64_t c) {
    Sketch s("batch_norm_stats", {}, {n, hw}, {c});
    const int32_t x = s.input({DType::f32, n * hw * c, 20, 22, {}}), mean_out = s.output(DType::f32, c),
                  var_out = s.output(DType::f32, c);
    const auto [mean, m2] = s.welford(Level::Column, s.load(x, s.at({hw * c, c, 1})));
    s.column();
    s.store(mean_out, s.at({0, 0, 1}), mean);
    s.store(var_out, s.at({0, 0, 1}), s.apply(Scalar::mul, m2, s.constant(1.0 / static_cast<double>(n * hw))));
    return s.done();
}

/// The same in [n, c, hw]: P = c, A = n, R = hw, into Final.
inline Sample batch_norm_stats_nchw(int64_t n, int64_t c, int64_t hw) {
    Sketch s("batch_norm_stats_nchw", {c}, {n}, {hw});
    const int32_t x = s.input({DType::f32, n * hw * c, 20, 22, {}}), mean_out = s.output(DType::f32, c),
                  var_out = s.output(DType::f32, c);
    const auto [mean, m2] = s.welford(Level::Final, s.load(x, s.at({hw, c * hw, 1})));
    s.final();
    s.store(mean_out, s.at({1, 0, 0}), mean);
    s.store(var_out, s.at({1, 0, 0}), s.apply(Scalar::mul, m2, s.constant(1.0 / static_cast<double>(n * hw))));
    return s.done();
}

/// Column reductions with a parallel axis, [b, m, k] -> [b, k]: sum, product, max, argmax; also an elementwise result.
inline Sample column_reductions(int64_t b, int64_t m, int64_t k, DType t = DType::f32) {
    Sketch s("columns", {b}, {m}, {k});
    const int32_t x = s.input({t, b * m * k, 0.9, 1.1, {}});
    const int32_t sum = s.output(t, b * k), prod = s.output(t, b * k), top = s.output(t, b * k),
                  who = s.output(DType::i64, b * k), twice = s.output(t, b * m * k);
    const Affine at = s.at({m * k, k, 1}), to = s.at({k, 0, 1});
    const ValueId v = s.load(x, at);
    const ValueId r0 = s.reduce(Monoid::Sum, Level::Column, v), r1 = s.reduce(Monoid::Prod, Level::Column, v),
                  r2 = s.reduce(Monoid::Max, Level::Column, v), r3 = s.reduce(Monoid::ArgMax, Level::Column, v);
    s.store(twice, at, s.apply(Scalar::add, v, v));
    s.column();
    s.store(sum, to, r0);
    s.store(prod, to, r1);
    s.store(top, to, r2);
    s.store(who, to, r3);
    s.sample.tolerance = t == DType::f64 ? 1e-12 : 3e-5;
    return s.done();
}

/// All elements of [p, a, r] per p: mean, max, argmin, and the number of positive ones.
inline Sample final_reductions(int64_t p, int64_t a, int64_t r) {
    Sketch s("reduce_all", {p}, {a}, {r});
    const int32_t x = s.input({DType::f32, p * a * r}), mean = s.output(DType::f32, p), top = s.output(DType::f32, p),
                  who = s.output(DType::i64, p), count = s.output(DType::i64, p);
    const ValueId v = s.load(x, s.at({a * r, r, 1})), positive = s.apply(Scalar::gt, v, s.constant(0));
    const ValueId r0 = s.reduce(Monoid::Sum, Level::Final, v), r1 = s.reduce(Monoid::Max, Level::Final, v),
                  r2 = s.reduce(Monoid::ArgMin, Level::Final, v), r3 = s.reduce(Monoid::Sum, Level::Final, positive);
    s.final();
    const Affine to = s.at({1, 0, 0});
    s.store(mean, to, s.apply(Scalar::mul, r0, s.constant(1.0 / static_cast<double>(a * r))));
    s.store(top, to, r1);
    s.store(who, to, r2);
    s.store(count, to, r3);
    return s.done();
}

/// Arg reductions among equal values and NaN, over rows of [rows, n].
inline Sample arg_rows(int64_t rows, int64_t n) {
    Sketch s("arg_rows", {rows}, {}, {n});
    Data d{DType::f32, rows * n, 0, 0, {}};
    for (int64_t i = 0; i < rows * n; ++i) d.values.push_back(static_cast<double>((i * 7919) % 5));
    for (int64_t i = 0; i < rows; i += 3)
        d.values[static_cast<size_t>(i * n + (n * 2) / 3)] = std::numeric_limits<double>::quiet_NaN();
    const int32_t x = s.input(d), big = s.output(DType::i64, rows), small = s.output(DType::i64, rows),
                  top = s.output(DType::f32, rows), low = s.output(DType::f32, rows);
    const ValueId v = s.load(x, s.at({n, 1}));
    const ValueId r0 = s.reduce(Monoid::ArgMax, Level::Row, v), r1 = s.reduce(Monoid::ArgMin, Level::Row, v),
                  r2 = s.reduce(Monoid::Max, Level::Row, v), r3 = s.reduce(Monoid::Min, Level::Row, v);
    s.row();
    s.store(big, s.at({1, 0}), r0);
    s.store(small, s.at({1, 0}), r1);
    s.store(top, s.at({1, 0}), r2);
    s.store(low, s.at({1, 0}), r3);
    return s.done();
}

} // namespace ingot::samples
