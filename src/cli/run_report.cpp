// SPDX-License-Identifier: MIT
#include "cli/run_report.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "base/parallel.h"
#include "data/image_set.h"
#include "data/spec.h"
#include "train/generate.h"
#include "train/report/collect.h"
#include "train/report/text.h"

namespace ingot::cli {

namespace report = train::report;

namespace {

/// What the data is called: the last part of its path, or its kind where there is none.
std::string data_title(const std::string& text) {
    const data::DataSpec spec = data::parse_data_spec(text);
    const std::filesystem::path path = std::filesystem::path(spec.path).lexically_normal();
    const std::string name = (path.has_filename() ? path : path.parent_path()).filename().string();
    return name.empty() || name == "." || name == ".." ? spec.scheme : name;
}

/// The specification without the folders above the data: pages are shown to others.
std::string data_fact(const RunReport& run) {
    const std::string title = data_title(run.data_spec), options = run.settings.data;
    const size_t comma = std::min(options.find(','), options.size());
    const std::string scheme = options.substr(0, comma);
    return (title == scheme ? title : scheme + ":" + title) + options.substr(comma);
}

std::string split_sizes(const RunReport& run) {
    std::string text = report::count(run.task.train_samples) + " for training";
    if (run.task.validation_samples > 0) text += ", " + report::count(run.task.validation_samples) + " for validation";
    if (run.task.test_samples > 0) text += ", " + report::count(run.task.test_samples) + " for testing";
    return text;
}

/// Which sample of the dataset the i-th of a pass was: damaged pictures were left out.
std::vector<int64_t> samples_of_pass(const data::Dataset& dataset, const data::DataLoader& loader) {
    const std::vector<int64_t> bad = loader.bad_samples();
    std::vector<int64_t> samples;
    for (int64_t i = 0; i < dataset.size(); ++i)
        if (!std::binary_search(bad.begin(), bad.end(), i)) samples.push_back(i);
    return samples;
}

/// What the last validation came to, as the metrics log has it.
train::EvalResult last_validation(const std::vector<train::EpochMetrics>& rows, int64_t samples) {
    train::EvalResult last{.samples = samples};
    for (const train::EpochMetrics& row : rows)
        if (row.val_loss) {
            last.loss = *row.val_loss;
            if (row.val_accuracy) last.accuracy = *row.val_accuracy;
        }
    return last;
}

/// The pass that is shown: the test, or else the last validation.
std::optional<report::EvaluatedSplit> evaluated(const RunReport& run, const std::vector<train::EpochMetrics>& rows) {
    const bool test = run.result.test.has_value();
    const auto dataset = test ? run.task.test_data() : run.task.validation_data();
    const data::DataLoader* loader = test ? run.test : run.validation;
    if (!dataset || loader == nullptr) return {};
    const std::vector<int64_t> samples = samples_of_pass(*dataset, *loader);
    const auto seen = static_cast<int64_t>(samples.size());
    const bool validated = std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.val_loss; });
    if (!test && !validated) return {};
    train::EvalResult result = test ? *run.result.test : last_validation(rows, seen);
    const std::string name = test ? "test" : "validation";
    // Texts have no predictions to show; and a pass that was stopped in the middle tells of some samples only.
    if (run.predictions.size() != seen) return report::EvaluatedSplit{.name = name, .result = result};
    report::ImageOf image;
    if (run.task.kind == train::Task::Kind::images)
        image = [&](int64_t i) {
            return data::to_file_image(std::get<data::Image>(dataset->get(samples[static_cast<size_t>(i)]).x));
        };
    result.mae = run.task.in_units(result.mae);
    report::EvaluatedSplit split = report::evaluated_split(name, result, run.predictions, run.info.class_names, image);
    if (run.task.table)
        for (auto& [target, output] : split.numbers)
            for (double* value : {&target, &output}) *value = run.task.in_units(*value) + run.task.table->target_mean;
    return split;
}

/// What the model writes after a line's end: a few hundred bytes, or as much as comes in some seconds.
std::string text_sample(const RunReport& run) {
    const Shape& out = run.model.output;
    const bool continues = run.model.tokens && out.rank() == 2 && out[1] <= 256;
    if (!continues || run.result.interrupted || !run.result.test || !std::isfinite(run.result.test->loss)) return "";
    constexpr int kPieces = 8;
    constexpr std::chrono::seconds kLongest{10};
    const auto start = std::chrono::steady_clock::now();
    run.model.net.eval();
    std::string text = "\n";
    for (int i = 0; i < kPieces && std::chrono::steady_clock::now() - start < kLongest; ++i)
        train::generate(run.model, std::string(text),
                        {.length = 60, .seed = run.settings.seed + static_cast<uint64_t>(i)},
                        [&](char c) { text += c; });
    run.model.net.train();
    return text.substr(1);
}

} // namespace

void write_run_report(const RunReport& run) {
    const train::TrainResult& result = run.result;
    report::ReportData data;
    data.title = run.info.name;
    data.data = data_title(run.data_spec);
    data.facts = {{"Recipe", run.settings.recipe.str()},
                  {"Data", data_fact(run)},
                  {"Samples", split_sizes(run)},
                  {"Computed on", run.device.str() + ", " + std::to_string(base::num_threads()) + " threads"},
                  {"Seed", std::to_string(run.settings.seed)},
                  {"Ingot", INGOT_VERSION}};
    data.interrupted = result.interrupted;
    data.epochs = result.epochs;
    data.planned_epochs = run.settings.recipe.epochs;
    data.steps = result.steps;
    data.parameters = run.model.net.num_parameters();
    data.train_loss = result.train_loss;
    data.seconds = result.seconds;
    data.samples_per_s = result.samples_per_s;
    data.loss_name = run.settings.recipe.loss == "cross_entropy" ? "cross entropy" : run.settings.recipe.loss;
    data.sample_noun = train::samples_of(run.task.kind);
    data.text = run.task.kind == train::Task::Kind::text;
    if (data.text) data.text_sample = text_sample(run);
    data.rows = report::read_epochs(run.out);
    data.class_names = run.info.class_names;
    data.evaluated = evaluated(run, data.rows);
    data.layers = run.model.layers;
    data.input = run.model.input;
    data.steps_seen = result.history.steps;
    data.statistics = result.history.statistics;
    if (data.statistics.empty()) // stopped early: the weights at least
        data.statistics = {{.step = result.steps,
                            .epoch = static_cast<double>(result.epochs),
                            .weights = train::tensor_statistics(run.model.net.named_parameters())}};
    const train::PhaseTimes& phases = result.history.phases;
    data.phases = {{"steps: submitting and waiting for them", phases.steps},
                   {"waiting for data", phases.data},
                   {"validation", phases.validation},
                   {"checkpoints and metrics", phases.checkpoints}};
    data.phase_seconds = phases.total;
    if (result.seconds > phases.total * 1.01 + 0.5) data.phase_note = "since the run was resumed";
    data.memory = report::memory_figures(run.device);
    data.footer =
        "Written by ingot " INGOT_VERSION ". The figures of every epoch are in metrics.csv, the best weights in "
        "best.safetensors: ingot eval and ingot predict read them.";
    report::write_report(run.out + "/report.html", data);
}

} // namespace ingot::cli
