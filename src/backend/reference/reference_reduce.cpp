// SPDX-License-Identifier: MIT
// Reductions: the elements of each line are collected and then reduced in the plainest way. Sums of floats are
// compensated (Neumaier, 1974), so that the oracle's own error does not count.
#include <cmath>

#include "backend/reference/reference_parts.h"
#include "base/check.h"

namespace ingot::reference {

namespace {

double exact_sum(const std::vector<double>& v) {
    double sum = 0, rest = 0;
    for (const double x : v) {
        const double t = sum + x;
        if (std::isfinite(t)) rest += std::fabs(sum) >= std::fabs(x) ? (sum - t) + x : (x - t) + sum;
        sum = t;
    }
    return sum + rest;
}

/// Whether a replaces b as the extreme: NaN wins, and stays.
bool beats(double a, double b, bool largest) { return b == b && (a != a || (largest ? a > b : a < b)); }
bool beats(int64_t a, int64_t b, bool largest) { return largest ? a > b : a < b; }

template <class T> size_t extreme(const std::vector<T>& v, bool largest) {
    size_t best = 0;
    for (size_t k = 1; k < v.size(); ++k)
        if (beats(v[k], v[best], largest)) best = k;
    return best;
}

void reduce_floats(Prim prim, const std::vector<double>& v, size_t to, Arrays& out) {
    const double n = static_cast<double>(v.size());
    switch (prim) {
    case Prim::sum: out[0].f[to] = exact_sum(v); return;
    case Prim::prod: {
        double product = 1;
        for (const double x : v) product *= x;
        out[0].f[to] = product;
        return;
    }
    case Prim::max:
    case Prim::min: out[0].f[to] = v[extreme(v, prim == Prim::max)]; return;
    case Prim::argmax:
    case Prim::argmin: out[0].i[to] = static_cast<int64_t>(extreme(v, prim == Prim::argmax)); return;
    case Prim::moments: {
        const double mean = exact_sum(v) / n;
        std::vector<double> squares;
        squares.reserve(v.size());
        for (const double x : v) squares.push_back((x - mean) * (x - mean));
        out[0].f[to] = mean;
        out[1].f[to] = exact_sum(squares) / n;
        return;
    }
    default: INGOT_ASSERT(false, "not a reduction");
    }
}

void reduce_integers(Prim prim, const std::vector<int64_t>& v, size_t to, Arrays& out) {
    uint64_t result = prim == Prim::prod ? 1 : 0; // unsigned: i64 wraps
    switch (prim) {
    case Prim::sum:
        for (const int64_t x : v) result += static_cast<uint64_t>(x);
        break;
    case Prim::prod:
        for (const int64_t x : v) result *= static_cast<uint64_t>(x);
        break;
    case Prim::max:
    case Prim::min: result = static_cast<uint64_t>(v[extreme(v, prim == Prim::max)]); break;
    case Prim::argmax:
    case Prim::argmin: result = extreme(v, prim == Prim::argmax); break;
    default: INGOT_ASSERT(false, "not a reduction of integers");
    }
    out[0].i[to] = static_cast<int64_t>(result);
}

} // namespace

void evaluate_reduction(Prim prim, const Attrs& attrs, const HostArray& x, Arrays& out) {
    // The two loops: over what is kept, and inside over what is reduced.
    Shape reduced(Ints(x.type.shape.rank(), 1));
    for (const int64_t a : attrs) reduced[static_cast<size_t>(a)] = x.type.shape[static_cast<size_t>(a)];
    for_each(out[0].type.shape, [&](const Ints& kept, int64_t to) {
        std::vector<double> floats;
        std::vector<int64_t> integers;
        for_each(reduced, [&](const Ints& inner, int64_t) {
            Ints index = kept;
            for (size_t i = 0; i < index.size(); ++i) index[i] += inner[i];
            const size_t at = static_cast<size_t>(position_of(index, x.type.shape));
            if (x.floating())
                floats.push_back(x.f[at]);
            else
                integers.push_back(x.i[at]);
        });
        if (x.floating())
            reduce_floats(prim, floats, static_cast<size_t>(to), out);
        else
            reduce_integers(prim, integers, static_cast<size_t>(to), out);
    });
}

} // namespace ingot::reference
