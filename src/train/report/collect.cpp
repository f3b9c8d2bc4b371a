// SPDX-License-Identifier: MIT
#include "train/report/collect.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include <sys/resource.h>

#include <ingot/error.h>
#include <ingot/memory.h>

#include "io/file.h"

namespace ingot::train::report {

namespace {

constexpr size_t kErrors = 24, kRight = 12, kNumbers = 1500;
constexpr int64_t kMaxMetricsBytes = int64_t{1} << 30;
constexpr double kDistance = 0.004; ///< points of a curve that are nearer look like one

std::vector<CurvePoint> simplified(const std::vector<CurvePoint>& curve) {
    std::vector<CurvePoint> out;
    for (size_t i = 0; i < curve.size(); ++i) {
        const bool end = i == 0 || i + 1 == curve.size();
        if (end || std::abs(curve[i].x - out.back().x) + std::abs(curve[i].y - out.back().y) >= kDistance)
            out.push_back(curve[i]);
    }
    return out;
}

ClassCurves curves_of(const Predictions& p, int64_t label, const std::string& name) {
    const auto n = static_cast<size_t>(p.size()), classes = static_cast<size_t>(p.classes());
    std::vector<double> scores(n);
    std::vector<uint8_t> positive(n);
    for (size_t i = 0; i < n; ++i) {
        scores[i] = static_cast<double>(p.scores()[i * classes + static_cast<size_t>(label)]);
        positive[i] = p.labels()[i] == label;
    }
    ClassCurves out{name, roc_auc(scores, positive), average_precision(scores, positive), {}, {}};
    out.roc = simplified(roc_curve(scores, positive));
    out.precision_recall = simplified(precision_recall_curve(scores, positive));
    return out;
}

std::vector<ShownSample> shown(const Predictions& p, const std::vector<size_t>& samples,
                               const std::vector<std::string>& names, const ImageOf& image) {
    const auto name = [&](int32_t c) {
        const auto at = static_cast<size_t>(c);
        return c >= 0 && at < names.size() ? names[at] : std::to_string(c);
    };
    std::vector<ShownSample> out;
    for (const size_t i : samples) {
        std::optional<io::Image> picture = image(static_cast<int64_t>(i));
        if (!picture) continue;
        out.push_back({.index = static_cast<int64_t>(i),
                       .image = std::move(*picture),
                       .label = name(p.labels()[i]),
                       .prediction = name(p.predicted()[i]),
                       .confidence = static_cast<double>(p.confidence()[i]),
                       .probability = static_cast<double>(p.probability()[i]),
                       .right = p.labels()[i] == p.predicted()[i]});
    }
    return out;
}

void add_classes(EvaluatedSplit& split, const Predictions& p, const std::vector<std::string>& names,
                 const ImageOf& image) {
    split.confusion = Confusion(p.classes());
    std::vector<size_t> wrong, right;
    for (size_t i = 0; i < p.labels().size(); ++i) {
        if (p.labels()[i] < 0) continue; // ignored
        split.confusion->count(p.labels()[i], p.predicted()[i]);
        (p.labels()[i] == p.predicted()[i] ? right : wrong).push_back(i);
    }
    split.wrong = static_cast<int64_t>(wrong.size());
    if (!p.scores().empty())
        for (int64_t c = 0; c < p.classes(); ++c) {
            const auto at = static_cast<size_t>(c);
            split.curves.push_back(curves_of(p, c, at < names.size() ? names[at] : std::to_string(c)));
        }
    if (!image) return;
    std::stable_sort(wrong.begin(), wrong.end(),
                     [&](size_t a, size_t b) { return p.probability()[a] < p.probability()[b]; });
    if (wrong.size() > kErrors) wrong.resize(kErrors);
    std::vector<size_t> some;
    for (size_t i = 0; i < std::min(kRight, right.size()); ++i)
        some.push_back(right[i * right.size() / std::min(kRight, right.size())]);
    split.errors = shown(p, wrong, names, image);
    split.right = shown(p, some, names, image);
}

} // namespace

EvaluatedSplit evaluated_split(const std::string& name, const EvalResult& result, const Predictions& predictions,
                               const std::vector<std::string>& class_names, const ImageOf& image) {
    EvaluatedSplit split{.name = name, .result = result};
    if (predictions.kind() == Predictions::Kind::classes) add_classes(split, predictions, class_names, image);
    if (predictions.kind() == Predictions::Kind::numbers) {
        const auto n = static_cast<size_t>(predictions.size()), used = std::min(n, kNumbers);
        for (size_t i = 0; i < used; ++i) {
            const size_t at = i * n / used;
            split.numbers.emplace_back(predictions.targets()[at], predictions.outputs()[at]);
        }
    }
    return split;
}

std::vector<EpochMetrics> read_epochs(const std::string& folder) {
    const std::string path = folder + "/metrics.jsonl";
    if (!std::filesystem::exists(path)) return {};
    const std::vector<uint8_t> file = io::read_file(path, kMaxMetricsBytes);
    std::vector<EpochMetrics> rows;
    for (auto at = file.begin(); at != file.end();) {
        const auto end = std::find(at, file.end(), '\n');
        rows.push_back(epoch_from_json(std::string(at, end), path + ": line " + std::to_string(rows.size() + 1)));
        at = end == file.end() ? end : end + 1;
    }
    return rows;
}

std::vector<std::pair<std::string, double>> memory_figures(Device device) {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    const MemoryStats stats = memory_stats(device);
#ifdef __APPLE__
    const double unit = 1;
#else
    const double unit = 1024; // Linux counts in KiB
#endif
    return {{"Most resident memory of the process", static_cast<double>(usage.ru_maxrss) * unit},
            {"Most in tensors and compiled steps", static_cast<double>(stats.peak)},
            {"In tensors and compiled steps at the end", static_cast<double>(stats.used_memory)},
            {"Kept for reuse by the allocator", static_cast<double>(stats.total_free)}};
}

} // namespace ingot::train::report
