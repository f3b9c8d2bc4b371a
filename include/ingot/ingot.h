// SPDX-License-Identifier: MIT
// Everything a program that uses Ingot needs: #include <ingot/ingot.h>.
#pragma once

#include <ingot/buffer.h>
#include <ingot/command_buffer.h>
#include <ingot/compile.h>
#include <ingot/custom_op.h>
#include <ingot/data.h>
#include <ingot/device.h>
#include <ingot/dtype.h>
#include <ingot/error.h>
#include <ingot/eval.h>
#include <ingot/grad.h>
#include <ingot/graph.h>
#include <ingot/host_scalar.h>
#include <ingot/kernel.h>
#include <ingot/memory.h>
#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>
#include <ingot/print.h>
#include <ingot/profiler.h>
#include <ingot/report.h>
#include <ingot/shape.h>
#include <ingot/state_dict.h>
#include <ingot/stream.h>
#include <ingot/tensor.h>
#include <ingot/train.h>
#include <ingot/weights.h>
