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
    std::string optimizer = "adamw"; ///< "sgd", "adam", "adamw"
    double lr = 1e-3, momentum = 0, weight_decay = 0.01;
    Schedule schedule = Schedule::cosine;
    std::string loss = "cross_entropy"; ///< or "mse", "bce_with_logits"
    bool flip = false;                  ///< left and right, every second image
    int64_t shift = 0;                  ///< pixels in each direction, at most

    /// "adamw lr 0.003 weight_decay 0.02, cosine schedule, batch 32, 3 epochs, shift 1".
    std::string str() const;
};

/// `model`: a named model, else a general recipe. `color`: whether the images have three channels; only such are flipped.
Recipe default_recipe(const std::string& model, bool color);

/// The general default of an optimizer that the user names instead of the recipe's, for rate, momentum and weight decay.
void use_optimizer(Recipe& recipe, const std::string& optimizer);

/// Steps over which the learning rate rises at the start of `total` steps.
int64_t warmup_steps(const Recipe& recipe, int64_t total);

std::unique_ptr<optim::Optimizer> make_optimizer(const Recipe& recipe, const std::vector<Tensor>& parameters);

/// The loss named `name` of outputs [N, C] and labels [N] i64; those that compare with targets get one-hot labels.
Trainer::Loss make_loss(const std::string& name);

} // namespace ingot::train
