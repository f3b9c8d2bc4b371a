// SPDX-License-Identifier: MIT
// Reductions of a plan: blocks into rows and finals (segments), into scalar cells, and into columns.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "backend/cpu/program_run.h"

namespace ingot::cpu {

using program::Level;
using program::Monoid;

namespace {

bool is_arg(Monoid m) { return m == Monoid::ArgMax || m == Monoid::ArgMin; }

Fold fold_of(Monoid m) {
    switch (m) {
    case Monoid::Prod: return Fold::prod;
    case Monoid::Max:
    case Monoid::ArgMax: return Fold::max;
    case Monoid::Min:
    case Monoid::ArgMin: return Fold::min;
    default: return Fold::sum;
    }
}

Scalar scalar_of(Monoid m) {
    switch (m) {
    case Monoid::Prod: return Scalar::mul;
    case Monoid::Max: return Scalar::maximum;
    case Monoid::Min: return Scalar::minimum;
    default: return Scalar::add;
    }
}

// Calls f with a value of the C++ type of a value type.
template <class F> auto with_type(DType t, const F& f) {
    switch (t) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::i32: return f(int32_t{});
    case DType::i64: return f(int64_t{});
    default: return f(uint8_t{});
    }
}

template <class T> T identity(Monoid m, DType type) {
    using L = std::numeric_limits<T>;
    switch (m) {
    case Monoid::Prod: return T{1};
    case Monoid::Max: return L::has_infinity ? -L::infinity() : L::lowest();
    case Monoid::Min: return L::has_infinity ? L::infinity() : type == DType::boolean ? T{1} : L::max();
    default: return T{0};
    }
}

double read_double(DType t, const char* at) {
    return with_type(t, [&](auto zero) {
        decltype(zero) v;
        std::memcpy(&v, at, sizeof v);
        return static_cast<double>(v);
    });
}

int64_t read_integer(DType t, const char* at) {
    return with_type(t, [&](auto zero) -> int64_t {
        decltype(zero) v;
        std::memcpy(&v, at, sizeof v);
        if constexpr (std::is_floating_point_v<decltype(zero)>)
            return 0;
        else
            return static_cast<int64_t>(v);
    });
}

// Rows of f32 columns that are summed before the sum moves to the second level.
constexpr int64_t kHighEvery = 64;

} // namespace

// ---- segments: results are dense arrays

void Worker::fold_segments(const Fold1& f, const char* src, int64_t segments, int64_t len, char* out, char* out2) {
    const size_t n = static_cast<size_t>(segments), l = static_cast<size_t>(len);
    const int64_t size = static_cast<int64_t>(size_of(f.in_type));
    if (is_arg(f.monoid)) {
        const ArgFn arg = arg_function(f.monoid == Monoid::ArgMax, f.in_type);
        int64_t* at = reinterpret_cast<int64_t*>(out);
        for (int64_t s = 0; s < segments; ++s) at[s] = arg(src + s * len * size, l);
        return;
    }
    fold_function(fold_of(f.monoid), f.type)(out, src, n, l);
    if (f.monoid != Monoid::Welford) return;
    with_type(f.type, [&](auto zero) {
        if constexpr (std::is_floating_point_v<decltype(zero)>) {
            const auto count = static_cast<decltype(zero)>(len);
            map_function(Scalar::div, f.type, 2)(out, out, &count, nullptr, n);
        }
    });
    if (out2) squares_function(f.type)(out2, src, out, n, l);
}

void Worker::fold_tile(const Fold1& f, int64_t tile_p, int64_t rows, int64_t lanes) {
    const char* src = pointer(f.in);
    if (f.from == Level::Row) return fold_segments(f, src, tile_p, plan_.a, pointer(f.out), pointer(f.out2));
    if (f.to == Level::Row) return fold_segments(f, src, rows, lanes, pointer(f.out), pointer(f.out2));
    if (f.to == Level::Final) return fold_segments(f, src, tile_p, plan_.a * lanes, pointer(f.out), pointer(f.out2));
    // Columns: a rows x lanes for each p, folded in groups of rows in the spare tile.
    const int64_t size = static_cast<int64_t>(size_of(f.in_type)), out_size = static_cast<int64_t>(size_of(f.type));
    const int64_t groups = std::clamp<int64_t>(64 / lanes, 1, plan_.a), wide = groups * lanes;
    const Columns spare{scratch_ + plan_.temp, scratch_ + plan_.temp + (wide * size + 63) / 64 * 64, nullptr};
    const bool extra = is_arg(f.monoid) || f.monoid == Monoid::Welford;
    for (int64_t p = 0; p < tile_p; ++p) {
        start_columns(f, spare, wide);
        fold_columns(f, src + p * plan_.a * lanes * size, spare, plan_.a, lanes, groups, 0);
        end_columns(f, spare, groups, lanes, 0, plan_.a);
        std::memcpy(pointer(f.out) + p * lanes * out_size, is_arg(f.monoid) ? spare.extra : spare.value,
                    static_cast<size_t>(lanes * out_size));
        if (extra && f.out2 >= 0)
            std::memcpy(pointer(f.out2) + p * lanes * out_size, spare.extra, static_cast<size_t>(lanes * out_size));
    }
}

// ---- a chunk of one p: results gather in cells and in rows of columns

void Worker::fold_chunk(const Fold1& f, int64_t rows, int64_t lanes, int64_t a0, int64_t lane0) {
    const char* src = pointer(f.in);
    switch (f.to) {
    case Level::Row:
        if (!plan_.rows_in_cells()) return fold_segments(f, src, rows, lanes, pointer(f.out), pointer(f.out2));
        return add_block(f, cells()[f.id], src, lanes, lane0);
    case Level::Final: return add_block(f, cells()[f.id], src, rows * lanes, a0 * plan_.r + lane0);
    default: break;
    }
    // Chunks start at multiples of chunk_rows: the rows that this one has taken in so far.
    const int64_t before = a0 - a0 / plan_.chunk_rows * plan_.chunk_rows;
    fold_columns(f, src, columns_of(plan_.accumulators[static_cast<size_t>(f.id)], f, lane0), rows, lanes, plan_.groups,
                 before);
}

// ---- columns: `groups` consecutive rows lie side by side in the accumulators, each group of columns a result of its own
// until end_columns joins them

void Worker::start_columns(const Fold1& f, const Columns& to, int64_t n) {
    with_type(f.in_type, [&](auto zero) {
        using T = decltype(zero);
        T start = identity<T>(f.monoid, f.in_type);
        splat_function(f.in_type)(to.value, &start, nullptr, nullptr, static_cast<size_t>(n));
    });
    if (to.extra) std::memset(to.extra, 0, static_cast<size_t>(n * extra_bytes(f)));
    if (to.high) std::memset(to.high, 0, static_cast<size_t>(n) * size_of(f.in_type));
}

// Takes in `rows` x `lanes` of src; `before` rows, a multiple of `groups`, are in already.
void Worker::fold_columns(const Fold1& f, const char* src, const Columns& to, int64_t rows, int64_t lanes,
                          int64_t groups, int64_t before) {
    const int64_t size = static_cast<int64_t>(size_of(f.in_type));
    int64_t count = before / groups; // of each column
    const MapFn join = map_function(scalar_of(f.monoid), f.in_type, 0);
    for (int64_t row = 0; row < rows; row += groups, ++count) {
        const size_t n = static_cast<size_t>(std::min(groups, rows - row) * lanes);
        const char* x = src + row * lanes * size;
        if (f.monoid == Monoid::Welford) {
            welford_row_function(f.in_type)(to.value, to.extra, x, static_cast<double>(count + 1), n);
        } else if (is_arg(f.monoid)) {
            arg_row_function(f.monoid == Monoid::ArgMax, f.in_type)(to.value, reinterpret_cast<int64_t*>(to.extra), x,
                                                                    count, count == 0, n);
        } else {
            join(to.value, to.value, x, nullptr, n);
            if (to.high && (count + 1) % kHighEvery == 0) {
                join(to.high, to.high, to.value, nullptr, n);
                std::memset(to.value, 0, n * size_of(f.in_type));
            }
        }
    }
}

// Joins the groups: the results are in the first `lanes` columns. `rows` rows from `a0` on have been taken in.
void Worker::end_columns(const Fold1& f, const Columns& to, int64_t groups, int64_t lanes, int64_t a0, int64_t rows) {
    const int64_t size = static_cast<int64_t>(size_of(f.in_type));
    const int64_t used = std::min(groups, rows); // the others are still empty
    if (to.high)
        map_function(Scalar::add, f.in_type, 0)(to.value, to.high, to.value, nullptr,
                                                static_cast<size_t>(used * lanes));
    if (is_arg(f.monoid)) { // from the position within the group to the index in A
        int64_t* at = reinterpret_cast<int64_t*>(to.extra);
        for (int64_t g = 0; g < used; ++g)
            for (int64_t j = 0; j < lanes; ++j) at[g * lanes + j] = a0 + at[g * lanes + j] * groups + g;
    }
    double count = 0;
    for (int64_t g = 0; g < used; ++g) {
        const double count_g = static_cast<double>(rows / groups + (g < rows % groups ? 1 : 0));
        if (g > 0)
            merge_columns(f, to, to.value + g * lanes * size,
                          to.extra ? to.extra + g * lanes * extra_bytes(f) : nullptr, count, count_g, lanes);
        count += count_g;
    }
}

// Columns of `count` rows take in those of `count_b` others.
void Worker::merge_columns(const Fold1& f, const Columns& to, const char* value, const char* extra, double count,
                           double count_b, int64_t n) {
    const size_t elements = static_cast<size_t>(n);
    if (f.monoid == Monoid::Welford)
        return welford_merge_function(f.in_type)(to.value, to.extra, value, extra, count, count_b, elements);
    if (!is_arg(f.monoid))
        return map_function(scalar_of(f.monoid), f.in_type, 0)(to.value, to.value, value, nullptr, elements);
    with_type(f.in_type, [&](auto zero) {
        using T = decltype(zero);
        T* v = reinterpret_cast<T*>(to.value);
        const T* b = reinterpret_cast<const T*>(value);
        int64_t* at = reinterpret_cast<int64_t*>(to.extra);
        const int64_t* at_b = reinterpret_cast<const int64_t*>(extra);
        for (size_t i = 0; i < elements; ++i) {
            const bool nan = v[i] != v[i], nan_b = b[i] != b[i];
            const bool better = !nan && (nan_b || (f.monoid == Monoid::ArgMax ? b[i] > v[i] : b[i] < v[i]));
            const bool same = (nan && nan_b) || v[i] == b[i];
            if (better || (same && at_b[i] < at[i])) v[i] = b[i], at[i] = at_b[i];
        }
    });
}

// ---- cells

void Worker::add_block(const Fold1& f, Cell& cell, const char* src, int64_t n, int64_t position) {
    if (n == 0) return;
    Cell block;
    block.count = n;
    const size_t count = static_cast<size_t>(n);
    alignas(8) char result[8] = {}, second[8] = {};
    if (is_arg(f.monoid)) {
        const int64_t at = arg_function(f.monoid == Monoid::ArgMax, f.in_type)(src, count);
        std::memcpy(result, src + at * static_cast<int64_t>(size_of(f.in_type)), size_of(f.in_type));
        block.index = position + at;
    } else {
        fold_function(fold_of(f.monoid), f.in_type)(result, src, 1, count);
    }
    block.f = read_double(f.in_type, result);
    block.i = read_integer(f.in_type, result);
    if (f.monoid == Monoid::Welford) {
        // The block's mean as a value of the block's type is the center; what it rounds away is put back by Chan's
        // rule.
        const double mean = block.f / static_cast<double>(n);
        double center = mean;
        if (f.in_type == DType::f32) {
            const float rounded = static_cast<float>(mean);
            std::memcpy(result, &rounded, sizeof rounded);
            center = static_cast<double>(rounded);
        } else {
            std::memcpy(result, &mean, sizeof mean);
        }
        squares_function(f.in_type)(second, src, result, 1, count);
        block.f = mean;
        block.m2 = read_double(f.in_type, second) - static_cast<double>(n) * (mean - center) * (mean - center);
    }
    merge_cell(f, cell, block);
}

void Worker::merge_cell(const Fold1& f, Cell& cell, const Cell& other) {
    if (other.count == 0) return;
    if (cell.count == 0) {
        cell = other;
        return;
    }
    const bool floats = is_float(f.in_type);
    const double n = static_cast<double>(cell.count), m = static_cast<double>(other.count);
    cell.count += other.count;
    switch (f.monoid) {
    case Monoid::Sum:
        cell.f += other.f;
        cell.i = static_cast<int64_t>(static_cast<uint64_t>(cell.i) + static_cast<uint64_t>(other.i));
        break;
    case Monoid::Prod:
        cell.f *= other.f;
        cell.i = static_cast<int64_t>(static_cast<uint64_t>(cell.i) * static_cast<uint64_t>(other.i));
        break;
    case Monoid::Max:
    case Monoid::Min:
    case Monoid::ArgMax:
    case Monoid::ArgMin: {
        const bool up = f.monoid == Monoid::Max || f.monoid == Monoid::ArgMax;
        const bool better = floats
                                ? cell.f == cell.f && (other.f != other.f || (up ? other.f > cell.f : other.f < cell.f))
                            : up ? other.i > cell.i
                                 : other.i < cell.i;
        // Chunks of lanes do not come in the order of the index: among equals the smaller index wins.
        const bool same = floats ? cell.f == other.f || (cell.f != cell.f && other.f != other.f) : cell.i == other.i;
        if (better || (same && other.index < cell.index)) cell.f = other.f, cell.i = other.i, cell.index = other.index;
        break;
    }
    case Monoid::Welford: {
        const double delta = other.f - cell.f;
        cell.f += delta * m / (n + m);
        cell.m2 += other.m2 + delta * delta * n * m / (n + m);
        break;
    }
    }
}

void Worker::write_cell(const Fold1& f, const Cell& cell, char* out, char* out2) const {
    if (is_arg(f.monoid)) {
        std::memcpy(out, &cell.index, 8);
        return;
    }
    with_type(f.type, [&](auto zero) {
        using T = decltype(zero);
        T v = identity<T>(f.monoid, f.type), m2 = 0;
        if (cell.count > 0) {
            if constexpr (std::is_floating_point_v<T>)
                v = static_cast<T>(cell.f), m2 = static_cast<T>(cell.m2);
            else
                v = static_cast<T>(cell.i);
        }
        std::memcpy(out, &v, sizeof v);
        if (out2) std::memcpy(out2, &m2, sizeof m2);
    });
}

} // namespace ingot::cpu
