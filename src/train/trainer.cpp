// SPDX-License-Identifier: MIT
#include <utility>

#include <ingot/error.h>
#include <ingot/train/trainer.h>

#include "train/fit.h"

namespace ingot::train {

Trainer::Trainer(nn::Module& model, optim::Optimizer& optimizer, Loss loss, TrainerOptions options)
    : model_(model), optimizer_(optimizer), loss_(std::move(loss)), options_(std::move(options)) {
    const auto at_least = [](const char* what, double value, double low) {
        if (!(value >= low))
            throw Error(std::string("Trainer: ") + what + " is " + std::to_string(value) + ", not at least " +
                        std::to_string(low));
    };
    at_least("epochs", static_cast<double>(options_.epochs), 1);
    at_least("checkpoint_steps", static_cast<double>(options_.checkpoint_steps), 0);
    at_least("checkpoint_seconds", options_.checkpoint_seconds, 0);
    at_least("sink_steps", static_cast<double>(options_.sink_steps), 1);
    at_least("statistics_steps", static_cast<double>(options_.statistics_steps), 0);
    at_least("keep", static_cast<double>(options_.keep), 0);
    if (options_.schedule && options_.schedule->follows_metric() && options_.schedule_per == Per::step)
        throw Error("Trainer: " + options_.schedule->str() + " follows a metric, so it goes by epochs");
    if (options_.resume && options_.force) throw Error("Trainer: resume and force contradict each other");
}

Trainer::~Trainer() = default;

TrainResult Trainer::fit(data::Batches& train, data::Batches* validation, data::Batches* test) {
    return Fit(model_, optimizer_, loss_, options_, train, validation, test).run();
}

} // namespace ingot::train
