// SPDX-License-Identifier: MIT
#include "train/evaluator.h"

#include <deque>
#include <set>
#include <utility>

#include <ingot/compile.h>
#include <ingot/error.h>
#include <ingot/ops.h>
#include <ingot/train/metrics.h>

#include "train/task_shapes.h"

namespace ingot::train {

namespace {

/// Batches whose results may wait on the device.
constexpr size_t kWindow = 64;

} // namespace

/// What the compiled function refers to.
struct Evaluator::Traced {
    Loss loss;
    MetricList asked;
    /// Those that the task calls for. They are known when the first batch is traced, and the same for every batch.
    std::unique_ptr<Accuracy> accuracy = {};
    std::unique_ptr<MAE> mae = {};
    std::unique_ptr<R2> r2 = {};
    std::function<std::vector<Tensor>(const Tensor& x, const Tensor& y)> function = {};

    template <class F> void each(F&& f) const {
        for (Metric* m :
             {static_cast<Metric*>(accuracy.get()), static_cast<Metric*>(mae.get()), static_cast<Metric*>(r2.get())})
            if (m != nullptr) f(*m);
        for (const std::shared_ptr<Metric>& m : asked) f(*m);
    }

    void choose(const Tensor& output, const Tensor& target) {
        if (const auto axis = class_axis(output, target))
            accuracy = std::make_unique<Accuracy>(ClassMetricOptions{.class_axis = *axis});
        if (are_numbers(output, target)) {
            mae = std::make_unique<MAE>();
            r2 = std::make_unique<R2>();
        }
    }

    std::vector<Tensor> trace(nn::Module& model, const Tensor& x, const Tensor& y) {
        const NoGrad guard;
        const Tensor output = model(x);
        if (!accuracy && !mae) choose(output, y);
        std::vector<Tensor> out{cast(loss(output, y), f32)};
        each([&](const Metric& m) { out.push_back(m.summarize(output, y)); });
        return out;
    }
};

void check_batch(const std::string& data, const Tensor& x, const Tensor& y) {
    if (!x.defined()) throw Error(data + ": a batch has no x: the tensor is undefined");
    if (!y.defined())
        throw Error(data +
                    ": a batch has no y: the loss compares outputs with it, so samples need a target (to rebuild "
                    "the input, their x)");
}

Evaluator::Evaluator(nn::Module& model, Loss loss, MetricList metrics)
    : model_(model), traced_(new Traced{std::move(loss), std::move(metrics)}) {
    std::set<std::string> names;
    for (const std::shared_ptr<Metric>& m : traced_->asked) {
        if (!m) throw Error("metrics: one of them is a null pointer");
        if (!m->name().empty() && !names.insert(m->name()).second)
            throw Error("metrics: two of them are called '" + m->name() + "'; give one another name");
    }
    auto compiled = std::make_shared<Compiled>([&model, traced = traced_.get()](const std::vector<Tensor>& arguments) {
        return traced->trace(model, arguments[0], arguments[1]);
    });
    traced_->function = [compiled](const Tensor& x, const Tensor& y) { return compiled->call({x, y}); };
}

Evaluator::~Evaluator() = default;

EvalResult Evaluator::run(data::Batches& batches, const std::function<bool()>& stop) {
    const nn::ModeGuard modes(model_);
    model_.eval();
    traced_->each([](Metric& m) { m.reset(); });
    struct Waiting {
        int64_t samples;
        std::vector<Tensor> values;
    };
    std::deque<Waiting> waiting;
    EvalResult result;
    double loss_sum = 0;
    const auto read_down_to = [&](size_t keep) {
        for (; waiting.size() > keep; waiting.pop_front()) {
            const Waiting& batch = waiting.front();
            loss_sum += batch.values[0].item<double>() * static_cast<double>(batch.samples);
            result.samples += batch.samples;
            size_t at = 1;
            traced_->each([&](Metric& m) { m.add(batch.values[at++].to_vector<double>()); });
        }
    };
    batches.start(0);
    for (Tensor x, y; !(stop && stop()) && batches.next(x, y);) {
        check_batch("evaluation", x, y);
        waiting.push_back({y.size(0), traced_->function(x, y)});
        read_down_to(kWindow);
    }
    read_down_to(0);
    if (result.samples > 0) result.loss = loss_sum / static_cast<double>(result.samples);
    if (traced_->accuracy) result.accuracy = traced_->accuracy->compute();
    if (traced_->mae) {
        result.mae = traced_->mae->compute();
        result.r2 = traced_->r2->compute();
    }
    for (const std::shared_ptr<Metric>& m : traced_->asked)
        if (!m->name().empty()) result.metrics.push_back({m->name(), m->compute()});
    return result;
}

double EvalResult::metric(const std::string& name) const {
    for (const MetricValue& m : metrics)
        if (m.name == name) return m.value;
    return std::numeric_limits<double>::quiet_NaN();
}

EvalResult evaluate(nn::Module& model, const Loss& loss, data::Batches& batches, const MetricList& metrics) {
    return Evaluator(model, loss, metrics).run(batches);
}

} // namespace ingot::train
