// SPDX-License-Identifier: MIT
// Elementwise operators: one OpDef per row of graph/scalar.h, cast, and composed activations (public functions:
// ingot/ops/elementwise.h). A recorded elementwise node has inputs of one dtype (where: a bool and two of one dtype);
// promotion is recorded as casts by the public functions. Inputs broadcast implicitly.
#pragma once

#include "graph/op_def.h"

namespace ingot::ops {

/// The operator of a scalar function.
const graph::OpDef& elementwise(Scalar function);

/// The gradient rule of a scalar function; null for those without (elementwise_grad.cpp).
using VjpRule = std::vector<Tensor> (*)(const graph::Vjp&);
VjpRule elementwise_vjp(Scalar function);

extern const graph::OpDef kCast; ///< Prim::cast
// Composites, each with its own gradient.
extern const graph::OpDef kClamp;     ///< {pack(low), pack(high)}
extern const graph::OpDef kLeakyRelu; ///< {pack(slope)}
extern const graph::OpDef kGelu, kSilu, kSoftplus;
extern const graph::OpDef kElu; ///< {pack(alpha)}

} // namespace ingot::ops
