// SPDX-License-Identifier: MIT
// Fused programs with data, as fusion makes them and as corner cases: for tests of executors, printers and passes.
// all_samples() lists every one; each function takes sizes, so that tests can ask for others. Header only; values.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "program/sketch.h"

namespace ingot::samples {

// ---------------------------------------------------------------------------------------------------------------- maps

/// relu(x + bias) * scale, x [b, c, w], bias [w], scale [c].
inline Sample broadcast_map(int64_t b, int64_t c, int64_t w, DType memory = DType::f32) {
    Sketch s("add_relu", {b}, {}, {c, w});
    const int32_t x = s.input({memory, b * c * w}), bias = s.input({DType::f32, w}), scale = s.input({DType::f32, c});
    const int32_t y = s.output(memory, b * c * w);
    const ValueId sum = s.apply(Scalar::add, s.load(x, s.at({c * w, w, 1})), s.load(bias, s.at({0, 0, 1})));
    s.store(y, s.at({c * w, w, 1}), s.apply(Scalar::mul, s.apply(Scalar::relu, sum), s.load(scale, s.at({0, 1, 0}))));
    s.sample.tolerance = memory == DType::f32 ? 1e-6 : memory == DType::f16 ? 2e-3 : 1.6e-2;
    return s.done();
}

/// sigmoid(a * b + c) * tanh(d) over n elements.
inline Sample chain(int64_t n) {
    Sketch s("sigmoid_tanh", {}, {}, {n});
    const int32_t a = s.input({DType::f32, n}), b = s.input({DType::f32, n}), c = s.input({DType::f32, n}),
                  d = s.input({DType::f32, n});
    const int32_t y = s.output(DType::f32, n);
    const Affine at = s.at({1});
    const ValueId fma = s.apply(Scalar::add, s.apply(Scalar::mul, s.load(a, at), s.load(b, at)), s.load(c, at));
    s.store(y, at, s.apply(Scalar::mul, s.apply(Scalar::sigmoid, fma), s.apply(Scalar::tanh, s.load(d, at))));
    s.sample.in_place = {{y, b}};
    return s.done();
}

/// Every scalar function that `t` has, each stored to its own buffer; special values among the inputs.
inline Sample functions(DType t) {
    const int64_t n = 70;
    Sketch s(std::string("functions_") + (t == DType::f32   ? "f32"
                                          : t == DType::f64 ? "f64"
                                          : t == DType::i32 ? "i32"
                                          : t == DType::i64 ? "i64"
                                                            : "bool"),
             {}, {}, {n});
    const bool flt = is_float(t), boolean = t == DType::boolean;
    Data a{t, n, -3, 3, {}}, b{t, n, -3, 3, {}};
    if (boolean) a = {t, n, 0, 2, {}}, b = {t, n, 0, 2, {}};
    if (!flt && !boolean) a = {t, n, -50, 50, {}}, b = {t, n, -4, 5, {}};
    if (flt) {
        // 0, -0, infinities and NaN, then values well inside every function's domain or outside of it.
        const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
        a.values = {0.0, -0.0, inf, -inf, nan, 1.0, -1.0, 0.5, 2.5, -2.5};
        b.values = {0.0, 1.0, 2.0, 1.0, 1.0, nan, 2.0, -inf, 0.75, 0.75};
        for (int64_t i = 10; i < n; ++i) {
            a.values.push_back(static_cast<double>(static_cast<float>(0.137 * static_cast<double>(i - 38))));
            b.values.push_back(
                static_cast<double>(static_cast<float>(0.0931 * static_cast<double>((i * 7) % 41 - 20) + 0.01)));
        }
    }
    const int32_t ba = s.input(a), bb = s.input(b), bc = s.input({DType::boolean, n, 0, 2, {}});
    std::vector<std::pair<Scalar, int32_t>> outputs;
    for (int f = 0; f < static_cast<int>(Scalar::count); ++f) {
        const Scalar function = static_cast<Scalar>(f);
        const ScalarKind kind = info(function).kind;
        if (kind == ScalarKind::flt && !flt) continue;
        if (kind == ScalarKind::log && !boolean) continue;
        if (kind == ScalarKind::num && boolean && function != Scalar::maximum && function != Scalar::minimum &&
            function != Scalar::where)
            continue;
        outputs.push_back(
            {function, s.output(kind == ScalarKind::cmp || kind == ScalarKind::log ? DType::boolean : t, n)});
    }
    const Affine at = s.at({1});
    const ValueId x = s.load(ba, at), y = s.load(bb, at), c = s.load(bc, at);
    for (const auto& [function, out] : outputs) {
        const int arity = info(function).arity;
        s.store(out, at, arity == 3 ? s.apply(function, c, x, y) : s.apply(function, x, arity == 2 ? y : kNone));
    }
    s.sample.tolerance = t == DType::f64 ? 1e-12 : 1e-5;
    return s.done();
}

/// y[k, i, j] = x[i, j, k], and x reversed along j.
inline Sample transpose(int64_t i, int64_t j, int64_t k) {
    Sketch s("transpose", {k}, {}, {i, j});
    const int32_t x = s.input({DType::f32, i * j * k}), y = s.output(DType::f32, i * j * k),
                  z = s.output(DType::f32, i * j * k);
    const ValueId v = s.load(x, s.at({1, j * k, k})), w = s.load(x, s.at({1, j * k, -k}, (j - 1) * k));
    s.store(y, s.at({i * j, j, 1}), v);
    s.store(z, s.at({i * j, j, 1}), s.apply(Scalar::add, w, s.cast(s.iota(s.at({2, 3, -1}, 5)), DType::f32)));
    return s.done();
}

/// Casts between all value types and rounding to all storage types; out-of-range and NaN included.
inline Sample casts(int64_t n) {
    Sketch s("casts", {}, {}, {n});
    Data x{DType::f32, n, -400, 400, {}};
    for (int64_t i = 0; i < n; ++i)
        x.values.push_back(static_cast<double>(static_cast<float>(static_cast<double>(i) * 17.37 - 300)));
    x.values[1] = std::numeric_limits<double>::quiet_NaN();
    x.values[2] = 3e9;
    x.values[3] = -1e20;
    x.values[4] = std::numeric_limits<double>::infinity();
    const int32_t in = s.input(x), bytes = s.input({DType::u8, n, 0, 256, {}});
    const DType outs[] = {DType::f64, DType::i32,  DType::i64, DType::boolean, DType::u8,
                          DType::f16, DType::bf16, DType::f32, DType::f32,     DType::i64};
    std::vector<int32_t> out;
    for (const DType t : outs) out.push_back(s.output(t, n));
    const Affine at = s.at({1});
    const ValueId v = s.load(in, at), b = s.load(bytes, at), i = s.cast(v, DType::i32);
    s.store(out[0], at, s.cast(v, DType::f64));
    s.store(out[1], at, i);
    s.store(out[2], at, s.cast(v, DType::i64));
    s.store(out[3], at, s.cast(v, DType::boolean));
    s.store(out[4], at, s.apply(Scalar::add, s.round_to(i, DType::u8), b));
    s.store(out[5], at, s.apply(Scalar::mul, v, s.constant(1.0 / 1024)));
    s.store(out[6], at, v);
    s.store(out[7], at, s.round_to(v, DType::f16));
    s.store(out[8], at, s.round_to(v, DType::bf16));
    s.store(out[9], at, s.cast(s.cast(b, DType::boolean), DType::i64));
    s.sample.tolerance = 1e-6;
    return s.done();
}

/// x * mask / (1 - p) with mask = random >= p; mask stored as bool.
inline Sample dropout(int64_t n) {
    Sketch s("dropout", {n / 64}, {}, {64});
    const int32_t x = s.input({DType::f32, n}), key = s.input({DType::i64, 2, 0, 0, {1234567.0, 4294967290.0 * 3}});
    const int32_t y = s.output(DType::f32, n), mask = s.output(DType::boolean, n), draws = s.output(DType::f32, n);
    const Affine at = s.at({64, 1});
    const ValueId u = s.random(key, s.iota(at));
    const ValueId keep = s.apply(Scalar::ge, u, s.constant(0.25));
    s.store(y, at,
            s.apply(Scalar::where, keep, s.apply(Scalar::mul, s.load(x, at), s.constant(1 / 0.75)), s.constant(0)));
    s.store(mask, at, keep);
    s.store(draws, at, u);
    return s.done();
}

/// rows[i] = table[index[i]]; `bad` puts an index out of range among them.
inline Sample embedding(int64_t rows, int64_t width, int64_t vocabulary, bool bad) {
    Sketch s(bad ? "embedding_bad" : "embedding", {rows}, {}, {width});
    Data index{DType::i64, rows, 0, static_cast<double>(vocabulary), {}};
    if (bad) {
        index.values.assign(static_cast<size_t>(rows), 1.0);
        index.values[static_cast<size_t>(rows) / 2] = static_cast<double>(vocabulary + 3);
    }
    const int32_t table = s.input({DType::f32, vocabulary * width}), i = s.input(index);
    const int32_t y = s.output(DType::f32, rows * width);
    s.store(y, s.at({width, 1}), s.gather(table, s.at({0, 1}), s.load(i, s.at({1, 0})), width, vocabulary));
    s.sample.error = bad;
    return s.done();
}

/// The padded copy of x [h, w] with `pad` on each side, and a store that skips the odd columns.
inline Sample pad(int64_t h, int64_t w, int64_t pad) {
    const int64_t ph = h + 2 * pad, pw = w + 2 * pad;
    Sketch s("pad", {ph}, {}, {pw});
    const int32_t x = s.input({DType::f32, h * w}), y = s.output(DType::f32, ph * pw),
                  z = s.output(DType::f32, ph * pw);
    const ValueId v =
        s.load(x, s.at({w, 1}, -pad * w - pad), {{s.at({1, 0}, -pad), 0, h}, {s.at({0, 1}, -pad), 0, w}}, 7.5);
    s.store(y, s.at({pw, 1}), v);
    s.store(z, s.at({pw, 1}), v, {{s.at({0, 1}), 2, pw - 3}, {s.at({1, 1}), 0, ph + pw}});
    return s.done();
}

/// Adam over tensors of the given sizes in one launch; lr and step count come from buffers.
inline Sample adam(const std::vector<int64_t>& sizes) {
    int64_t largest = 0;
    for (const int64_t n : sizes) largest = std::max(largest, n);
    Sketch s("adam", {}, {}, {largest});
    const int32_t lr = s.input({DType::f32, 1, 0, 0, {1e-3}});
    std::vector<int32_t> grads, params, first, second, params_in, first_in, second_in;
    for (const int64_t n : sizes) {
        grads.push_back(s.input({DType::f32, n}));
        params_in.push_back(s.input({DType::f32, n}));
        first_in.push_back(s.input({DType::f32, n, -0.1, 0.1, {}}));
        second_in.push_back(s.input({DType::f32, n, 0.0, 0.2, {}}));
    }
    for (const int64_t n : sizes) {
        params.push_back(s.output(DType::f32, n));
        first.push_back(s.output(DType::f32, n));
        second.push_back(s.output(DType::f32, n));
    }
    const auto c = [&](double x) { return s.constant(x); };
    const Affine at = s.at({1});
    s.once();
    const ValueId rate = s.apply(Scalar::neg, s.load(lr, s.at({0})));
    s.point();
    const ValueId g = s.load(grads[0], at), p = s.load(params_in[0], at), m0 = s.load(first_in[0], at),
                  v0 = s.load(second_in[0], at);
    const ValueId m = s.apply(Scalar::add, s.apply(Scalar::mul, m0, c(0.9)), s.apply(Scalar::mul, g, c(0.1)));
    const ValueId v = s.apply(Scalar::add, s.apply(Scalar::mul, v0, c(0.999)),
                              s.apply(Scalar::mul, s.apply(Scalar::mul, g, g), c(0.001)));
    const ValueId d = s.apply(Scalar::add, s.apply(Scalar::sqrt, v), c(1e-8));
    s.store(first[0], at, m);
    s.store(second[0], at, v);
    s.store(params[0], at, s.apply(Scalar::add, p, s.apply(Scalar::mul, rate, s.apply(Scalar::div, m, d))));
    for (size_t i = 0; i < sizes.size(); ++i) {
        for (const auto& pair :
             {std::pair(params[i], params_in[i]), std::pair(first[i], first_in[i]), std::pair(second[i], second_in[i])})
            s.sample.in_place.push_back(pair);
        s.sample.program.segments.push_back(
            {sizes[i], {lr, grads[i], params_in[i], first_in[i], second_in[i], first[i], second[i], params[i]}});
    }
    return s.done();
}

/// A counter of steps and a map that reads it, both in one program.
inline Sample once_store(int64_t n) {
    Sketch s("count_steps", {}, {}, {n});
    const int32_t count = s.input({DType::i64, 1, 0, 0, {41}}), x = s.input({DType::f32, n});
    const int32_t next = s.output(DType::i64, 1), y = s.output(DType::f32, n);
    s.once();
    const ValueId c = s.apply(Scalar::add, s.load(count, s.at({0})), s.constant(1, DType::i64));
    const ValueId f = s.cast(c, DType::f32);
    s.store(next, s.at({0}), c);
    s.point();
    s.store(y, s.at({1}), s.apply(Scalar::mul, s.load(x, s.at({1})), f));
    s.sample.in_place = {{next, count}, {y, x}};
    return s.done();
}

/// Nothing but Once code.
inline Sample once_only() {
    Sketch s("once_only", {}, {}, {});
    const int32_t x = s.input({DType::f64, 3, 0, 0, {1.5, 2.5, -4}}), y = s.output(DType::f64, 2);
    s.once();
    const ValueId v = s.apply(Scalar::mul, s.load(x, s.at({}, 1)), s.load(x, s.at({}, 2)));
    s.store(y, s.at({}, 1), v);
    s.store(y, s.at({}, 0), s.apply(Scalar::add, v, s.load(x, s.at({}))));
    return s.done();
}

/// A program without axes: one point.
inline Sample single_point() {
    Sketch s("single_point", {}, {}, {});
    const int32_t x = s.input({DType::i64, 2, 0, 0, {9007199254740991.0, -7}}), y = s.output(DType::i64, 1);
    s.store(y, s.at({}), s.apply(Scalar::add, s.load(x, s.at({})), s.load(x, s.at({}, 1))));
    return s.done();
}

/// out[index[i], :] = x[i, :] for distinct indices, beside a guard.
inline Sample scatter(int64_t rows, int64_t width) {
    Sketch s("scatter", {rows}, {}, {width});
    Data index{DType::i64, rows, 0, 0, {}};
    for (int64_t i = 0; i < rows; ++i) index.values.push_back(static_cast<double>((i * 7 + 3) % (rows + 6)));
    const int32_t x = s.input({DType::f16, rows * width}), i = s.input(index),
                  y = s.output(DType::f16, (rows + 6) * width);
    const ValueId v = s.load(x, s.at({width, 1})), to = s.load(i, s.at({1, 0}));
    s.store(y, s.at({0, 1}), v, {{s.at({0, 1}), 1, width}});
    Operand& o = s.sample.program.operands.back();
    o.index = to;
    o.index_coef = width;
    o.index_bound = rows + 6;
    return s.done();
}

/// Addresses beyond 32 bits that guards keep from being used.
inline Sample wide_addresses() {
    Sketch s("wide", {2}, {}, {40});
    const int64_t far = int64_t{3} << 31;
    const int32_t x = s.input({DType::f32, 40}), y = s.output(DType::f32, 80);
    s.store(y, s.at({40, 1}), s.load(x, s.at({far, 1}, -far), {{s.at({far, 0}, -far), 0, 1}}, -1));
    return s.done();
}

// ---------------------------------------------------------------------------------------------------------------- rows

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

// -------------------------------------------------------------------------------------------------------- accumulations

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

inline std::vector<Sample> all_samples() {
    std::vector<Sample> s;
    for (const DType t : {DType::f32, DType::f16, DType::bf16}) s.push_back(broadcast_map(3, 7, 33, t));
    s.push_back(chain(1));
    s.push_back(chain(5000));
    for (const DType t : {DType::f32, DType::f64, DType::i32, DType::i64, DType::boolean}) s.push_back(functions(t));
    s.push_back(transpose(5, 6, 7));
    s.push_back(casts(100));
    s.push_back(dropout(1024));
    s.push_back(embedding(20, 33, 11, false));
    s.push_back(embedding(20, 33, 11, true));
    s.push_back(pad(9, 13, 3));
    s.push_back(adam({5, 1000, 0, 4097, 1}));
    s.push_back(once_store(100));
    s.push_back(once_only());
    s.push_back(single_point());
    s.push_back(scatter(17, 9));
    s.push_back(wide_addresses());
    for (const int64_t n : {1, 3, 33, 300, 2000}) s.push_back(softmax(n == 2000 ? 3 : 7, n));
    s.push_back(softmax(2, 9000));
    s.push_back(softmax(5, 100, DType::f16));
    s.push_back(softmax(5, 100, DType::bf16));
    s.push_back(layer_norm(9, 48));
    s.push_back(layer_norm(3, 1025));
    s.push_back(layer_norm(4, 50, DType::f64));
    s.push_back(layer_norm_backward(37, 48));
    s.push_back(layer_norm_backward(20, 700));
    s.push_back(cross_entropy(50, 10));
    s.push_back(cross_entropy(9, 700));
    s.push_back(max_pool(3, 9, 11, 3, 2, 1));
    s.push_back(small_conv(6, 7, 3, 5));
    s.push_back(max_pool(1, 33, 33, 3, 1, 1));
    s.push_back(row_logic(33, 5));
    s.push_back(row_logic(3, 600));
    s.push_back(many_stages(2, 21, 40));
    s.push_back(many_stages(3, 10, 3));
    s.push_back(batch_norm_stats(4, 50, 16));
    s.push_back(batch_norm_stats(3, 100, 3));
    s.push_back(batch_norm_stats(2, 9, 100));
    s.push_back(batch_norm_stats_nchw(4, 6, 100));
    s.push_back(batch_norm_stats_nchw(3, 40, 9));
    s.push_back(column_reductions(2, 300, 40));
    s.push_back(column_reductions(3, 5, 7, DType::f64));
    s.push_back(final_reductions(1, 100, 200));
    s.push_back(final_reductions(50, 1, 30));
    s.push_back(final_reductions(3, 50, 100));
    s.push_back(arg_rows(7, 90));
    s.push_back(arg_rows(4, 3));
    // Nothing to do, and reductions of nothing.
    s.push_back(chain(0));
    s.push_back(softmax(0, 10));
    s.push_back(final_reductions(3, 0, 5));
    s.push_back(column_reductions(2, 0, 5));
    return s;
}

} // namespace ingot::samples
