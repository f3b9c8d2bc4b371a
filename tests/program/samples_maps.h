// SPDX-License-Identifier: MIT
// Sample programs of points alone: elementwise functions, copies with other addresses, draws, updates of many tensors, Once
// code. Of samples.h, which lists them all. Header only; values.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "program/sketch.h"

namespace ingot::samples {

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

} // namespace ingot::samples
