// SPDX-License-Identifier: MIT
// Optimizers, gradient clipping and learning-rate schedules.
#pragma once

#include <ingot/optim/adadelta.h>
#include <ingot/optim/adagrad.h>
#include <ingot/optim/adam.h>
#include <ingot/optim/adamax.h>
#include <ingot/optim/clip.h>
#include <ingot/optim/lbfgs.h>
#include <ingot/optim/lion.h>
#include <ingot/optim/muon.h>
#include <ingot/optim/nadam.h>
#include <ingot/optim/optimizer.h>
#include <ingot/optim/radam.h>
#include <ingot/optim/rmsprop.h>
#include <ingot/optim/schedule.h>
#include <ingot/optim/schedule_formulas.h>
#include <ingot/optim/sgd.h>
