// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include <ingot/error.h>
#include <ingot/train/trainer.h>

#include "train/fit.h"

namespace ingot::train {

struct Trainer::Parts {
    nn::Module& model;
    optim::Optimizer& optimizer;
    Loss loss;
    TrainerOptions options;
    std::unique_ptr<Engine> engine = {}; ///< from the first step on: until then the model may move to another device
    int64_t batch = 0;                   ///< of the update that step() is in

    Engine& ready() {
        if (!engine) engine = std::make_unique<Engine>(model, optimizer, loss, options);
        return *engine;
    }
};

Trainer::Trainer(nn::Module& model, optim::Optimizer& optimizer, Loss loss, TrainerOptions options)
    : parts_(new Parts{model, optimizer, std::move(loss), std::move(options)}) {
    const TrainerOptions& o = parts_->options;
    const auto at_least = [](const char* what, auto value, int low) {
        if (!(value >= static_cast<decltype(value)>(low)))
            throw Error(std::string("Trainer: ") + what + " is " + std::to_string(value) + ", not at least " +
                        std::to_string(low));
    };
    at_least("epochs", o.epochs, 1);
    at_least("accumulate", o.accumulate, 1);
    at_least("clip_value", o.clip_value, 0);
    at_least("clip_norm", o.clip_norm, 0);
    at_least("patience", o.patience, 0);
    at_least("min_delta", o.min_delta, 0);
    at_least("time_limit", o.time_limit, 0);
    at_least("max_nonfinite", o.max_nonfinite, 0);
    at_least("checkpoint_steps", o.checkpoint_steps, 0);
    at_least("checkpoint_seconds", o.checkpoint_seconds, 0);
    at_least("keep", o.keep, 0);
    at_least("sink_steps", o.sink_steps, 1);
    at_least("statistics_steps", o.statistics_steps, 0);
    if (!(o.ema >= 0 && o.ema < 1))
        throw Error("Trainer: ema is " + std::to_string(o.ema) + ", not at least 0 and below 1");
    if (o.schedule && o.schedule->follows_metric() && o.schedule_per == Per::step)
        throw Error("Trainer: " + o.schedule->str() + " follows a metric, so it goes by epochs");
    if (o.resume && o.force) throw Error("Trainer: resume and force contradict each other");
    const std::vector<Tensor> theirs = model.parameters(), updated = optimizer.parameters();
    const bool trains = std::any_of(updated.begin(), updated.end(), [&](const Tensor& p) {
        return std::any_of(theirs.begin(), theirs.end(), [&](const Tensor& q) { return p.node() == q.node(); });
    });
    if (!trains)
        throw Error(std::string("Trainer: the ") + optimizer.name() +
                    " optimizer has none of the model's parameters, so nothing would be trained; make it with "
                    "model.parameters()");
}

Trainer::~Trainer() = default;

Tensor Trainer::step(const Tensor& x, const Tensor& y) {
    check_batch("Trainer: step()", x, y);
    Parts& p = *parts_;
    Engine& engine = p.ready();
    const int64_t count = p.options.accumulate;
    Tensor loss = engine.step.run(x, y, part_of(p.batch, count), count).loss;
    p.batch = (p.batch + 1) % count;
    if (p.batch == 0 && engine.schedule && p.options.schedule_per == Per::step) engine.schedule->step();
    return loss;
}

TrainResult Trainer::fit(data::Batches& train, data::Batches* validation, data::Batches* test) {
    Parts& p = *parts_;
    p.batch = 0;
    p.optimizer.zero_grad();
    return Fit(p.model, p.optimizer, p.loss, p.options, p.ready(), train, validation, test).run();
}

} // namespace ingot::train
