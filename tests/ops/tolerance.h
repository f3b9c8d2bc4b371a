// SPDX-License-Identifier: MIT
// The one table of tolerances: how far a device's result may be from the reference, per dtype of the result. Two values
// agree when |a - b| <= absolute + relative * |b|, when both are NaN, or when they are the same infinity.
#pragma once

#include <cmath>

#include <ingot/dtype.h>

namespace ingot::optest {

struct Tolerance {
    double relative = 0, absolute = 0;
};

constexpr Tolerance tolerance_of(DType dtype) {
    switch (dtype) {
    case DType::f64: return {1e-11, 1e-12};
    case DType::f32: return {1e-5, 2e-6};  // about 80 roundings: sums of some hundred terms
    case DType::f16: return {4e-3, 2e-3};  // 4 units in the last place
    case DType::bf16: return {3e-2, 1e-2}; // 4 units in the last place
    default: return {};                    // integers and bool are exact
    }
}

/// Between the reference and a double loop written in the test: both are f64.
inline constexpr Tolerance kOracle{1e-10, 1e-12};
/// Between a gradient and central differences in f64 with step 1e-5: truncation is about 1e-10 of the third derivative.
inline constexpr Tolerance kDifference{2e-6, 1e-7};

inline bool agree(double a, double b, Tolerance t, double factor = 1) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    if (std::isinf(a) || std::isinf(b)) return a == b;
    return std::fabs(a - b) <= factor * (t.absolute + t.relative * std::fabs(b));
}

} // namespace ingot::optest
