// SPDX-License-Identifier: MIT
// How to train a model unless the user says otherwise: optimizer, learning rate, schedule, batch, augmentation. The
// defaults of the named models were chosen on validation splits (docs/decisions/0004-training-defaults.md). Used by `ingot train`,
// which prints them. A value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ingot/optim.h>
#include <ingot/train.h>

namespace ingot::train {

struct Recipe {
    int64_t epochs = 5, batch = 32;
    std::string optimizer = "adamw"; ///< one of optimizer_names()
    double lr = 1e-3, momentum = 0, weight_decay = 0.01;
    std::string schedule = "cosine";    ///< as make_schedule() takes it
    std::string loss = "cross_entropy"; ///< one of loss_names()
    bool flip = false;                  ///< left and right, every second image
    int64_t shift = 0;                  ///< pixels in each direction, at most
    // As in TrainerOptions.
    int64_t accumulate = 1, patience = 0;
    double clip_norm = 0, clip_value = 0, ema = 0, min_delta = 0;

    /// "adamw lr 0.003 weight_decay 0.02, cosine schedule, cross_entropy, 3 epochs, batch 32, shift 1".
    std::string str() const;
};

/// `model`: a named model, else a general recipe. `color`: whether the images have three channels; only such are flipped.
Recipe default_recipe(const std::string& model, bool color);

/// "adadelta", "adagrad", "adam", "adamax", "adamw", "lion", "muon", "nadam", "radam", "rmsprop", "sgd".
const std::vector<std::string>& optimizer_names();

/// The general default of an optimizer that the user names instead of the recipe's, for rate, momentum and weight decay.
void use_optimizer(Recipe& recipe, const std::string& optimizer);

/// A schedule written as NAME[,key=value]... with every key whose default depends on the number of epochs filled in:
///   none, cosine[,warmup=STEPS][,min=PART], linear[,warmup=], polynomial[,power=][,warmup=], one-cycle[,rise=PART][,div=][,final=],
///   restarts[,period=EPOCHS][,mult=][,min=PART][,warmup=], step[,every=EPOCHS][,gamma=][,warmup=],
///   multi-step[,at=EPOCH:EPOCH...][,gamma=][,warmup=], exponential[,gamma=][,warmup=], warmup[,steps=],
///   plateau[,factor=][,patience=EPOCHS][,cooldown=EPOCHS]
/// Errors: Error naming what is wrong, with what there is.
std::string complete_schedule(const std::string& text, int64_t epochs);
/// Whether a completed schedule would be another one for another number of epochs.
bool depends_on_epochs(const std::string& completed);

struct ScheduleChoice {
    optim::Schedule schedule;
    Per per = Per::step;
};
/// `lr`: the base rate, which parts are of. Errors: Error for a warm-up that is longer than the run.
ScheduleChoice make_schedule(const std::string& completed, int64_t epochs, int64_t steps_per_epoch, double lr);

std::unique_ptr<optim::Optimizer> make_optimizer(const Recipe& recipe, const std::vector<Tensor>& parameters);

const std::vector<std::string>& loss_names();

/// The loss named `name` of outputs [N, C] and labels [N] i64, or targets [N, C]; all but cross_entropy compare with targets
/// and get one-hot labels.
Trainer::Loss make_loss(const std::string& name);

} // namespace ingot::train
