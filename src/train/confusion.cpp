// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <string>

#include <ingot/error.h>
#include <ingot/train/confusion.h>

namespace ingot::train {

namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

double ratio(int64_t part, int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : kUndefined;
}

double averaged(const Confusion& c, double ClassScore::*score, Average average) {
    const int64_t total = c.total();
    if (total == 0) return kUndefined;
    double sum = 0, weights = 0;
    for (const ClassScore& s : c.scores()) {
        if (s.support + s.predicted == 0) continue;
        const double weight = average == Average::macro ? 1 : static_cast<double>(s.support);
        sum += weight * (std::isnan(s.*score) ? 0 : s.*score);
        weights += weight;
    }
    return sum / weights;
}

} // namespace

Confusion::Confusion(int64_t n) : classes(n), counts(static_cast<size_t>(n * n)) {}

int64_t Confusion::at(int64_t label, int64_t prediction) const {
    return counts[static_cast<size_t>(label * classes + prediction)];
}

void Confusion::count(int64_t label, int64_t prediction) {
    const auto check = [&](int64_t index, const char* what) {
        if (index < 0 || index >= classes)
            throw Error(std::string(what) + " " + std::to_string(index) + " is not in 0.." +
                        std::to_string(classes - 1));
    };
    check(label, "label");
    check(prediction, "prediction");
    ++counts[static_cast<size_t>(label * classes + prediction)];
}

int64_t Confusion::total() const {
    int64_t sum = 0;
    for (const int64_t n : counts) sum += n;
    return sum;
}

double Confusion::accuracy() const {
    int64_t right = 0;
    for (int64_t i = 0; i < classes; ++i) right += at(i, i);
    return ratio(right, total());
}

ClassScore Confusion::score(int64_t label) const {
    ClassScore s;
    const int64_t tp = at(label, label);
    for (int64_t i = 0; i < classes; ++i) {
        s.support += at(label, i);
        s.predicted += at(i, label);
    }
    s.precision = ratio(tp, s.predicted);
    s.recall = ratio(tp, s.support);
    s.f1 = ratio(2 * tp, s.support + s.predicted);
    s.iou = ratio(tp, s.support + s.predicted - tp);
    return s;
}

std::vector<ClassScore> Confusion::scores() const {
    std::vector<ClassScore> out;
    for (int64_t i = 0; i < classes; ++i) out.push_back(score(i));
    return out;
}

// With one label and one prediction per sample the summed false positives and false negatives are both the errors.
double Confusion::precision(Average average) const {
    return average == Average::micro ? accuracy() : averaged(*this, &ClassScore::precision, average);
}

double Confusion::recall(Average average) const {
    return average == Average::micro ? accuracy() : averaged(*this, &ClassScore::recall, average);
}

double Confusion::f1(Average average) const {
    return average == Average::micro ? accuracy() : averaged(*this, &ClassScore::f1, average);
}

double Confusion::iou(Average average) const {
    if (average == Average::micro) {
        const double right = accuracy();
        return right / (2 - right);
    }
    return averaged(*this, &ClassScore::iou, average);
}

} // namespace ingot::train
