// SPDX-License-Identifier: MIT
#include "train/recipe.h"

#include <cstdio>

#include <ingot/error.h>
#include <ingot/ops.h>

namespace ingot::train {

namespace {

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

} // namespace

std::string Recipe::str() const {
    std::string text = optimizer + " lr " + number(lr);
    if (momentum > 0) text += " momentum " + number(momentum);
    if (weight_decay > 0) text += " weight_decay " + number(weight_decay);
    text += schedule == "none" ? ", constant rate" : ", " + schedule + " schedule";
    text += ", " + loss + ", batch " + std::to_string(batch) + ", " + std::to_string(epochs) + " epochs";
    if (flip) text += ", flip";
    if (shift > 0) text += ", shift " + std::to_string(shift);
    return text;
}

Recipe default_recipe(const std::string& model, bool color) {
    Recipe r;
    r.flip = color;
    r.shift = color ? 0 : 1;
    if (model == "lenet") {
        r.epochs = 3;
        r.lr = 4e-3;
        r.weight_decay = 0.02;
        r.shift = 1;
    } else if (model == "cifar-cnn") {
        r.epochs = 6;
        r.weight_decay = 0.02;
        r.shift = color ? 0 : 2;
    } else if (model == "resnet18") {
        use_optimizer(r, "sgd");
        r.batch = 64;
        r.shift = 2;
    }
    return r;
}

void use_optimizer(Recipe& r, const std::string& optimizer) {
    if (r.optimizer == optimizer) return;
    r.optimizer = optimizer;
    const bool sgd = optimizer == "sgd";
    r.momentum = sgd ? 0.9 : 0;
    r.lr = sgd ? 0.05 : 1e-3;
    r.weight_decay = sgd ? 5e-4 : optimizer == "adamw" ? 0.01 : 0;
}

std::unique_ptr<optim::Optimizer> make_optimizer(const Recipe& r, const std::vector<Tensor>& parameters) {
    if (r.optimizer == "sgd")
        return std::make_unique<optim::SGD>(
            parameters, optim::SGDOptions{.lr = r.lr, .momentum = r.momentum, .weight_decay = r.weight_decay});
    if (r.optimizer == "adam")
        return std::make_unique<optim::Adam>(parameters,
                                             optim::AdamOptions{.lr = r.lr, .weight_decay = r.weight_decay});
    if (r.optimizer == "adamw")
        return std::make_unique<optim::AdamW>(parameters,
                                              optim::AdamWOptions{.lr = r.lr, .weight_decay = r.weight_decay});
    throw Error("unknown optimizer '" + r.optimizer + "'; there are sgd, adam and adamw");
}

Trainer::Loss make_loss(const std::string& name) {
    const auto targets = [](const Tensor& output, const Tensor& labels) {
        if (is_float(labels.dtype())) return labels;
        return one_hot(labels, output.size(-1), output.dtype());
    };
    if (name == "cross_entropy") {
        return [](const Tensor& o, const Tensor& y) {
            if (y.shape().rank() == 1) return cross_entropy(o, y);
            return cross_entropy(reshape(o, {-1, o.size(-1)}), reshape(y, {-1})); // text: [N, T, C] and [N, T]
        };
    }
    if (name == "mse") return [targets](const Tensor& o, const Tensor& y) { return mse_loss(o, targets(o, y)); };
    if (name == "bce_with_logits")
        return [targets](const Tensor& o, const Tensor& y) { return bce_with_logits(o, targets(o, y)); };
    throw Error("unknown loss '" + name + "'; there are cross_entropy, mse and bce_with_logits");
}

} // namespace ingot::train
