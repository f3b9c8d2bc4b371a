// SPDX-License-Identifier: MIT
// Products of matrices (public functions: ingot/ops/matmul.h).
#pragma once

#include <ingot/tensor.h>

#include "graph/op_def.h"

namespace ingot::ops {

/// Prim::matmul: {ta, tb, act}. act is 0 (none) as recorded here; passes that add an activation use 1 + Scalar.
extern const graph::OpDef kMatmul;
/// x [.., K], weight [N, K] (, bias [N]); no attributes.
extern const graph::OpDef kLinear;

/// kMatmul on operands of one rank >= 2; ta, tb: a, b are used transposed (last two axes).
Tensor matmul_flags(const Tensor& a, const Tensor& b, bool ta, bool tb);

} // namespace ingot::ops
