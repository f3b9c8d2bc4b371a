// SPDX-License-Identifier: MIT
// One row of output (forward) or of input gradient (backward) of a pooling, SIMD chosen at run time; under pool.cpp. Images are
// planes [H, W, b]: b channels side by side (vectors run over them), b = 1 for row-major (vectors run over the width).
// Gradients gather over the windows that hold an element, so rows are independent and no order depends on threads.
#pragma once

#include "backend/cpu/primitive.h"

namespace ingot::cpu {

enum class PoolKind : uint8_t { max, max_grad, max_gather, avg, avg_grad };

/// `row` of one plane. Operands: max: in = x, out = y, index written; max_grad: in = gy, index read, out = gx;
/// max_gather: in = x, index read, out = y; avg: in = x, out = y; avg_grad: in = gy, out = gx. All point to their planes.
template <class T> struct PoolRow {
    const PoolSpec* spec = nullptr;
    PoolKind kind = PoolKind::max;
    int64_t block = 1; ///< b
    int64_t row = 0;
    const T* in = nullptr;
    T* out = nullptr;
    uint8_t* index = nullptr;
};

void pool_row(const PoolRow<float>& r);
void pool_row(const PoolRow<double>& r);

} // namespace ingot::cpu
