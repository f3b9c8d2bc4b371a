// SPDX-License-Identifier: MIT
// ingot eval: a checkpoint on the test split of a data set.
#include <memory>

#include <ingot/train/metrics.h>

#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "train/report/text.h"
#include "train/task.h"

namespace ingot::cli {

namespace {

constexpr int64_t kAreasUpTo = 100; ///< classes: areas need all scores of all samples

/// What is worth knowing beside loss and accuracy.
train::MetricList metrics_of(const train::Task& task) {
    if (task.regression) return {};
    if (task.kind == train::Task::Kind::text)
        return {std::make_shared<train::Perplexity>(train::ClassMetricOptions{.class_axis = -1})};
    const int64_t classes = task.outputs;
    if (classes < 2) return {};
    train::MetricList list{std::make_shared<train::Precision>(classes), std::make_shared<train::Recall>(classes),
                           std::make_shared<train::F1>(classes)};
    if (classes <= kAreasUpTo) list.push_back(std::make_shared<train::RocAuc>(classes));
    if (classes > 5) list.push_back(std::make_shared<train::TopKAccuracy>(5));
    return list;
}

} // namespace

int eval_command(const EvalArguments& a) {
    const Device device = choose_device(a.compute.device);
    check_data_spec(a.data);
    if (a.compute.threads) base::set_num_threads(*a.compute.threads);
    Trained trained = load_trained(a.checkpoint, device);
    const train::Task task(a.data, task_options(trained));
    check_fits(trained, task, a.data);
    const auto batches = task.evaluation(device);
    const train::EvalResult result =
        train::evaluate(trained.model.net, train::make_loss(trained.loss), *batches, metrics_of(task));
    if (a.json) {
        Json json{{"test_loss", result.loss}, {"test_accuracy", nullptr}, {"samples", result.samples}};
        if (!task.regression) {
            json["test_accuracy"] = result.accuracy;
        } else {
            json["test_mae"] = task.in_units(result.mae);
            json["test_r2"] = result.r2;
        }
        for (const train::MetricValue& m : result.metrics) json["test_" + m.name] = m.value;
        print_json(json);
        return 0;
    }
    print("samples " + std::to_string(result.samples) + "  " + evaluation_line(result, task));
    for (const train::MetricValue& m : result.metrics)
        print("test_" + m.name + " " + train::report::fixed(m.value, 4) + "\n");
    return 0;
}

} // namespace ingot::cli
