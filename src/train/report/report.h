// SPDX-License-Identifier: MIT
// report.html: what a training run did, on one page for people. ReportData is plain data, gathered by the command
// (collect.h) or by a program; write_report() only draws. The page needs nothing besides itself, follows the reader's
// light or dark theme, and shows only the sections that there is data for. All texts are escaped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ingot/train/confusion.h>
#include <ingot/train/curves.h>
#include <ingot/train/evaluate.h>
#include <ingot/train/history.h>

#include "io/image.h"
#include "train/metrics_log.h"
#include "train/model_spec.h"

namespace ingot::train::report {

/// ROC and precision-recall of one class against the rest.
struct ClassCurves {
    std::string name;
    double roc_auc = 0, average_precision = 0; ///< NaN where undefined
    std::vector<CurvePoint> roc, precision_recall;
};

/// A sample of the evaluated data and what the model made of it.
struct ShownSample {
    int64_t index = 0;
    io::Image image;
    std::string label, prediction;
    double confidence = 0;  ///< probability of the prediction
    double probability = 0; ///< of the label
    bool right = false;
};

/// Figures of one pass over test or validation data.
struct EvaluatedSplit {
    std::string name; ///< "test", "validation"
    EvalResult result = {};
    std::optional<Confusion> confusion = {};
    std::vector<ClassCurves> curves = {};
    std::vector<ShownSample> errors = {}; ///< the worst first
    std::vector<ShownSample> right = {};
    int64_t wrong = 0;                                   ///< errors in all
    std::vector<std::pair<double, double>> numbers = {}; ///< target and output of a regression, at most a few thousand
};

/// A part of a whole, by name.
struct Part {
    std::string name;
    double seconds = 0;
};

struct ReportData {
    std::string title, data;                                ///< model and data, as the user named them
    std::vector<std::pair<std::string, std::string>> facts; ///< device, recipe, ...
    bool interrupted = false;
    int64_t epochs = 0, planned_epochs = 0, steps = 0, parameters = 0;
    double train_loss = 0, seconds = 0, samples_per_s = 0;
    std::string loss_name = "loss", sample_noun = "samples"; ///< "images", "rows", "windows"
    bool text = false;                                       ///< losses are nats per token: perplexity is shown
    std::string text_sample;

    std::vector<EpochMetrics> rows; ///< of metrics.csv
    std::vector<StepLoss> steps_seen;
    std::vector<std::string> class_names;
    std::optional<EvaluatedSplit> evaluated;
    std::vector<LayerInfo> layers;
    Shape input;
    std::vector<StatisticsAt> statistics; ///< by step
    std::vector<Part> phases;             ///< wall time; what is missing of phase_seconds is shown as "other"
    double phase_seconds = 0;
    std::string phase_note;        ///< "since the run went on"
    std::vector<Part> step_shares; ///< of a step's computation, as a profiler measured it; may be empty
    std::vector<std::pair<std::string, double>> memory; ///< bytes
    std::string footer;                                 ///< how the run can be repeated
};

/// The page as text.
std::string report_html(const ReportData& data);

/// Atomically. Errors: FileError.
void write_report(const std::string& path, const ReportData& data);

/// Whether the file is a report of a run that had come to its end, with `steps` steps.
bool shows_end(const std::string& path, int64_t steps);

} // namespace ingot::train::report
