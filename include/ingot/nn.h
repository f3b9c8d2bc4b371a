// SPDX-License-Identifier: MIT
// Layers, containers, initialization and losses: everything in namespace ingot::nn. Options are designated initializers;
// names, defaults, shapes and state_dict keys are PyTorch's.
#pragma once

#include <ingot/nn/activation.h>
#include <ingot/nn/attention.h>
#include <ingot/nn/containers.h>
#include <ingot/nn/conv.h>
#include <ingot/nn/dropout.h>
#include <ingot/nn/flatten.h>
#include <ingot/nn/init.h>
#include <ingot/nn/linear.h>
#include <ingot/nn/loss.h>
#include <ingot/nn/module.h>
#include <ingot/nn/norm.h>
#include <ingot/nn/pool.h>
#include <ingot/state_dict.h>
