// SPDX-License-Identifier: MIT
// How often each class was taken for each other one, and what follows from it. A plain value on the host: the metrics of
// metrics.h fill it, reports show it.
#pragma once

#include <cstdint>
#include <vector>

namespace ingot::train {

/// Scores of one class. tp, fp, fn: true positives, false positives, false negatives.
struct ClassScore {
    double precision = 0;  ///< tp / (tp + fp); NaN when the class was never predicted
    double recall = 0;     ///< tp / (tp + fn); NaN when the class does not occur
    double f1 = 0;         ///< 2 tp / (2 tp + fp + fn); NaN when it neither occurs nor was predicted
    double iou = 0;        ///< tp / (tp + fp + fn), intersection over union; NaN like f1
    int64_t support = 0;   ///< tp + fn: samples of the class
    int64_t predicted = 0; ///< tp + fp
};

/// How scores of classes become one number.
enum class Average : uint8_t {
    macro, ///< the mean over the classes that occur or were predicted; what is undefined for such a class counts as 0
    micro, ///< of the summed counts; for single labels precision = recall = f1 = accuracy
    weighted, ///< like macro, each class weighted by its support
};

struct Confusion {
    int64_t classes = 0;
    std::vector<int64_t> counts; ///< [classes, classes]: rows are true classes, columns predicted ones

    explicit Confusion(int64_t classes = 0);
    int64_t at(int64_t label, int64_t prediction) const;
    void count(int64_t label, int64_t prediction);
    int64_t total() const;
    /// Part of the samples on the diagonal; NaN when there are none.
    double accuracy() const;
    ClassScore score(int64_t label) const;
    std::vector<ClassScore> scores() const;
    /// NaN when there are no samples.
    double precision(Average average = Average::macro) const;
    double recall(Average average = Average::macro) const;
    double f1(Average average = Average::macro) const;
    double iou(Average average = Average::macro) const;
};

} // namespace ingot::train
