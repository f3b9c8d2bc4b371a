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
    text += ", " + loss + ", " + std::to_string(epochs) + (epochs == 1 ? " epoch" : " epochs") + ", batch " +
            std::to_string(batch);
    if (accumulate > 1) text += " x " + std::to_string(accumulate);
    if (clip_value > 0) text += ", clip_value " + number(clip_value);
    if (clip_norm > 0) text += ", clip_norm " + number(clip_norm);
    if (ema > 0) text += ", ema " + number(ema);
    if (patience > 0) text += ", patience " + std::to_string(patience);
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
    } else if (model == "gpt-tiny" || model == "gpt2") {
        // 5 passes over a text of a million bytes are 4,900 steps of 8 windows of 128.
        r.batch = 8;
        r.lr = model == "gpt-tiny" ? 2e-3 : 6e-4;
        r.weight_decay = 0.1;
        r.shift = 0;
    } else if (model == "resnet18") {
        use_optimizer(r, "sgd");
        r.batch = 64;
        r.shift = 2;
    }
    return r;
}

namespace {

using OptimizerPtr = std::unique_ptr<optim::Optimizer>;

/// Sets rate and weight decay in the optimizer's own options.
template <class O> OptimizerPtr make(const Recipe& r, const std::vector<Tensor>& parameters) {
    typename O::Options options;
    options.lr = r.lr;
    options.weight_decay = r.weight_decay;
    if constexpr (requires { options.momentum; }) options.momentum = r.momentum;
    return std::make_unique<O>(parameters, options);
}

/// An optimizer of --optimizer, with the general defaults of recipes.
struct Known {
    const char* name;
    double lr, momentum, weight_decay;
    OptimizerPtr (*make)(const Recipe&, const std::vector<Tensor>&);
};
constexpr Known kOptimizers[] = {
    {"adadelta", 1.0, 0, 0, make<optim::Adadelta>}, {"adagrad", 0.01, 0, 0, make<optim::Adagrad>},
    {"adam", 1e-3, 0, 0, make<optim::Adam>},        {"adamax", 2e-3, 0, 0, make<optim::Adamax>},
    {"adamw", 1e-3, 0, 0.01, make<optim::AdamW>},   {"lion", 1e-4, 0, 0.1, make<optim::Lion>},
    {"muon", 0.02, 0.95, 0.01, make<optim::Muon>},  {"nadam", 2e-3, 0, 0, make<optim::NAdam>},
    {"radam", 1e-3, 0, 0, make<optim::RAdam>},      {"rmsprop", 1e-3, 0, 0, make<optim::RMSprop>},
    {"sgd", 0.05, 0.9, 5e-4, make<optim::SGD>},
};

const Known& known(const std::string& name) {
    std::string list;
    for (const Known& o : kOptimizers) {
        if (name == o.name) return o;
        list += (list.empty() ? "" : ", ") + std::string(o.name);
    }
    throw Error("unknown optimizer '" + name + "'; there are " + list);
}

} // namespace

const std::vector<std::string>& optimizer_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> out;
        for (const Known& o : kOptimizers) out.emplace_back(o.name);
        return out;
    }();
    return names;
}

void use_optimizer(Recipe& r, const std::string& optimizer) {
    if (r.optimizer == optimizer) return;
    const Known& o = known(optimizer);
    r.optimizer = optimizer;
    r.momentum = o.momentum;
    r.lr = o.lr;
    r.weight_decay = o.weight_decay;
}

std::unique_ptr<optim::Optimizer> make_optimizer(const Recipe& r, const std::vector<Tensor>& parameters) {
    return known(r.optimizer).make(r, parameters);
}

const std::vector<std::string>& loss_names() {
    static const std::vector<std::string> names = {"cross_entropy", "mse",   "l1",
                                                   "smooth_l1",     "huber", "bce_with_logits"};
    return names;
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
    const auto against_targets = [targets](auto loss) -> Trainer::Loss {
        return [targets, loss](const Tensor& o, const Tensor& y) { return loss(o, targets(o, y)); };
    };
    if (name == "mse") return against_targets([](auto& o, const Tensor& t) { return mse_loss(o, t); });
    if (name == "l1") return against_targets([](auto& o, const Tensor& t) { return l1_loss(o, t); });
    if (name == "smooth_l1") return against_targets([](auto& o, const Tensor& t) { return smooth_l1_loss(o, t); });
    if (name == "huber") return against_targets([](auto& o, const Tensor& t) { return huber_loss(o, t); });
    if (name == "bce_with_logits")
        return against_targets([](auto& o, const Tensor& t) { return bce_with_logits(o, t); });
    std::string list;
    for (const std::string& known : loss_names()) list += (list.empty() ? "" : ", ") + known;
    throw Error("unknown loss '" + name + "'; there are " + list);
}

} // namespace ingot::train
