// SPDX-License-Identifier: MIT
// Products of matrices. Operands are of one float dtype (cast first otherwise).
// Letters: B = batch axes (any number, broadcast), M, N = rows and columns of the result, K = the summed axis.
#pragma once

#include <ingot/tensor.h>

namespace ingot {

/// torch.matmul: [B.., M, K] x [B.., K, N] = [B.., M, N]; a vector [K] at the left is a row, at the right a column, and
/// its axis vanishes from the result; two vectors give a scalar.
/// Errors: ShapeError "matmul: shapes [2, 3] and [4, 5]: inner sizes 3 and 4 differ"; DTypeError.
Tensor matmul(const Tensor& a, const Tensor& b);

/// x * transpose(weight) + bias. x: [.., K]; weight: [N, K] (PyTorch's layout); bias: [N] or undefined. Result: [..,
/// N].
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

} // namespace ingot
