// SPDX-License-Identifier: MIT
// Optimizers, gradient clipping and learning-rate schedules.
#pragma once

#include <ingot/optim/adam.h>
#include <ingot/optim/clip.h>
#include <ingot/optim/optimizer.h>
#include <ingot/optim/schedule.h>
#include <ingot/optim/schedule_formulas.h>
#include <ingot/optim/sgd.h>
