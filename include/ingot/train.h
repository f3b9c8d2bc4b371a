// SPDX-License-Identifier: MIT
// Everything for training: the trainer, and what it can be given. Programs include this one; the parts stand in train/.
#pragma once

#include <ingot/train/callbacks.h>
#include <ingot/train/curves.h>
#include <ingot/train/evaluate.h>
#include <ingot/train/metrics.h>
#include <ingot/train/trainer.h>
