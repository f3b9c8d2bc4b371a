// SPDX-License-Identifier: MIT
// All operators: free functions on tensors, named and behaving as in PyTorch. Every function records a node of the graph
// and returns at once; errors in shapes and dtypes are thrown when recording.
#pragma once

#include <ingot/ops/activation.h>
#include <ingot/ops/attention.h>
#include <ingot/ops/conv.h>
#include <ingot/ops/creation.h>
#include <ingot/ops/elementwise.h>
#include <ingot/ops/indexing.h>
#include <ingot/ops/loss.h>
#include <ingot/ops/matmul.h>
#include <ingot/ops/movement.h>
#include <ingot/ops/norm.h>
#include <ingot/ops/pool.h>
#include <ingot/ops/random.h>
#include <ingot/ops/reduce.h>
#include <ingot/ops/softmax.h>
#include <ingot/ops/types.h>
