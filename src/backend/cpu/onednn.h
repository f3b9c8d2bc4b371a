// SPDX-License-Identifier: MIT
// The one door to oneDNN (2.6 to 3.x): its matmul and convolutions as Primitives, for matmul.cpp and conv.cpp, which decide
// when they serve. A Primitive made here owns its oneDNN objects; memory objects are made once and only get new pointers
// per run; scratchpads and reordered weights lie in the workspace. Engine and stream are process-wide.
// Activations are ours, in a pass over the result: oneDNN's ReLU and sigmoid give numbers for NaN, and some of its ReLUs NaN for
// minus infinity. A NaN that a layer hides is a training run that goes wrong unseen.
// Bits: with a fixed number of threads oneDNN is deterministic; across numbers of threads it is not, since some of its
// kernels (gemm with few output tiles, convolution weight gradients) split reductions among the threads they find.
#pragma once

#include "backend/cpu/primitive.h"

namespace ingot::cpu {

/// Who computes. Tests and benchmarks name one; make_* of primitive.h take the one that measures best.
enum class Library : uint8_t { automatic, own, onednn };

enum class ConvKind : uint8_t { forward, input_grad, weight_grad };

namespace onednn {

/// Whether this build has oneDNN.
bool available();

/// Null when oneDNN is missing, cannot (f64, odd blocks), or would only run its reference loops. No extent may be 0.
PrimitivePtr make_matmul(const MatmulSpec& spec);
PrimitivePtr make_conv(const ConvSpec& spec, ConvKind kind);

} // namespace onednn
} // namespace ingot::cpu
