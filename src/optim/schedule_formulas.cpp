// SPDX-License-Identifier: MIT
#include <ingot/optim/schedule_formulas.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>

#include <ingot/error.h>

namespace ingot::optim {

namespace {

constexpr double kPi = std::numbers::pi;

template <class T> std::string number(T value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

void check(bool ok, const LRScheduler& schedule, const char* what) {
    if (!ok) throw Error(schedule.str() + ": " + what);
}

double cosine(int64_t t, int64_t of) { return std::cos(kPi * static_cast<double>(t) / static_cast<double>(of)); }

} // namespace

void FormulaLR::set_rates() const {
    for (size_t g = 0; g < base_lr().size(); ++g)
        optimizer().set_lr(rate(last_step(), base_lr()[g], optimizer().lr(g)), g);
}

StepLR::StepLR(StepLROptions options) : FormulaOf(options) {
    check(options.step_size >= 1, *this, "step_size must be at least 1");
    check(options.gamma >= 0, *this, "gamma must not be negative");
}
double StepLR::rate(int64_t t, double, double lr) const {
    return t == 0 || t % options_.step_size != 0 ? lr : lr * options_.gamma;
}
std::string StepLR::str() const {
    return "StepLR step_size=" + number(options_.step_size) + " gamma=" + number(options_.gamma);
}

MultiStepLR::MultiStepLR(MultiStepLROptions options) : FormulaOf(std::move(options)) {
    check(std::is_sorted(options_.milestones.begin(), options_.milestones.end()), *this, "milestones must grow");
    check(options_.milestones.empty() || options_.milestones.front() >= 1, *this, "milestones must be at least 1");
    check(options_.gamma >= 0, *this, "gamma must not be negative");
}
double MultiStepLR::rate(int64_t t, double, double lr) const {
    const auto count = std::count(options_.milestones.begin(), options_.milestones.end(), t);
    return count == 0 ? lr : lr * std::pow(options_.gamma, static_cast<double>(count));
}
std::string MultiStepLR::str() const {
    std::string list;
    for (const int64_t m : options_.milestones) list += (list.empty() ? "" : ",") + number(m);
    return "MultiStepLR milestones=" + list + " gamma=" + number(options_.gamma);
}

ExponentialLR::ExponentialLR(ExponentialLROptions options) : FormulaOf(options) {
    check(options.gamma > 0, *this, "gamma must be above 0");
}
double ExponentialLR::rate(int64_t t, double, double lr) const { return t == 0 ? lr : lr * options_.gamma; }
std::string ExponentialLR::str() const { return "ExponentialLR gamma=" + number(options_.gamma); }

ConstantLR::ConstantLR(ConstantLROptions options) : FormulaOf(options) {
    check(options.factor > 0 && options.factor <= 1, *this, "factor must be above 0 and at most 1");
    check(options.total_iters >= 1, *this, "total_iters must be at least 1");
}
double ConstantLR::rate(int64_t t, double, double lr) const {
    if (t == 0) return lr * options_.factor;
    return t == options_.total_iters ? lr * (1 / options_.factor) : lr;
}
std::string ConstantLR::str() const {
    return "ConstantLR factor=" + number(options_.factor) + " total_iters=" + number(options_.total_iters);
}

LinearLR::LinearLR(LinearLROptions options) : FormulaOf(options) {
    check(options.start_factor > 0 && options.start_factor <= 1, *this, "start_factor must be above 0 and at most 1");
    check(options.end_factor >= 0 && options.end_factor <= 1, *this, "end_factor must be from 0 to 1");
    check(options.total_iters >= 1, *this, "total_iters must be at least 1");
}
double LinearLR::rate(int64_t t, double, double lr) const {
    const auto& [start, end, total] = options_;
    if (t == 0) return lr * start;
    if (t > total) return lr;
    return lr * (1 + (end - start) / (static_cast<double>(total) * start + static_cast<double>(t - 1) * (end - start)));
}
std::string LinearLR::str() const {
    return "LinearLR start_factor=" + number(options_.start_factor) + " end_factor=" + number(options_.end_factor) +
           " total_iters=" + number(options_.total_iters);
}

PolynomialLR::PolynomialLR(PolynomialLROptions options) : FormulaOf(options) {
    check(options.total_iters >= 1, *this, "total_iters must be at least 1");
    check(options.power >= 0, *this, "power must not be negative");
}
double PolynomialLR::rate(int64_t t, double, double lr) const {
    if (t == 0 || t > options_.total_iters) return lr;
    const auto total = static_cast<double>(options_.total_iters);
    const double left = 1 - static_cast<double>(t) / total, before = 1 - static_cast<double>(t - 1) / total;
    return lr * std::pow(left / before, options_.power);
}
std::string PolynomialLR::str() const {
    return "PolynomialLR total_iters=" + number(options_.total_iters) + " power=" + number(options_.power);
}

CosineAnnealingLR::CosineAnnealingLR(CosineAnnealingLROptions options) : FormulaOf(options) {
    check(options.t_max >= 1, *this, "t_max must be at least 1");
}
double CosineAnnealingLR::rate(int64_t t, double base, double lr) const {
    const auto& [t_max, eta_min] = options_;
    if (t == 0) return lr;
    // Where the recursion would divide by zero.
    if ((t - 1 - t_max) % (2 * t_max) == 0) return lr + (base - eta_min) * (1 - cosine(1, t_max)) / 2;
    return (1 + cosine(t, t_max)) / (1 + cosine(t - 1, t_max)) * (lr - eta_min) + eta_min;
}
std::string CosineAnnealingLR::str() const {
    return "CosineAnnealingLR t_max=" + number(options_.t_max) + " eta_min=" + number(options_.eta_min);
}

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(CosineAnnealingWarmRestartsOptions options)
    : FormulaOf(options) {
    check(options.t_0 >= 1, *this, "t_0 must be at least 1");
    check(options.t_mult >= 1, *this, "t_mult must be at least 1");
}
double CosineAnnealingWarmRestarts::rate(int64_t t, double base, double) const {
    int64_t since = t, period = options_.t_0;
    if (options_.t_mult == 1) since %= period;
    while (since >= period) {
        since -= period;
        period *= options_.t_mult;
    }
    return options_.eta_min + (base - options_.eta_min) * (1 + cosine(since, period)) / 2;
}
std::string CosineAnnealingWarmRestarts::str() const {
    return "CosineAnnealingWarmRestarts t_0=" + number(options_.t_0) + " t_mult=" + number(options_.t_mult) +
           " eta_min=" + number(options_.eta_min);
}

OneCycleLR::OneCycleLR(OneCycleLROptions options) : FormulaOf(options) {
    check(options.total_steps >= 1, *this, "total_steps must be at least 1");
    check(options.max_lr >= 0, *this, "max_lr must not be negative");
    check(options.pct_start >= 0 && options.pct_start <= 1, *this, "pct_start must be from 0 to 1");
    check(options.div_factor > 0 && options.final_div_factor > 0, *this, "the factors must be above 0");
}
double OneCycleLR::rate(int64_t t, double base, double) const {
    const OneCycleLROptions& o = options_;
    const double top = o.max_lr > 0 ? o.max_lr : base, first = top / o.div_factor, last = first / o.final_div_factor;
    const auto total = static_cast<double>(o.total_steps);
    struct Phase {
        double end, from, to;
    };
    std::vector<Phase> phases{{o.pct_start * total - 1, first, top}};
    if (o.three_phase) phases.push_back({2 * o.pct_start * total - 2, top, first});
    phases.push_back({total - 1, o.three_phase ? first : top, last});
    const double at = std::min(static_cast<double>(t), total - 1);
    double begin = 0;
    for (size_t i = 0;; begin = phases[i++].end) {
        const auto& [end, from, to] = phases[i];
        if (at > end && i + 1 < phases.size()) continue;
        const double done = end > begin ? (at - begin) / (end - begin) : 1; // a phase without steps
        if (o.anneal == Anneal::linear) return (to - from) * done + from;
        return to + (from - to) / 2 * (std::cos(kPi * done) + 1);
    }
}
std::string OneCycleLR::str() const {
    const OneCycleLROptions& o = options_;
    return "OneCycleLR total_steps=" + number(o.total_steps) + " max_lr=" + number(o.max_lr) +
           " pct_start=" + number(o.pct_start) + " anneal=" + (o.anneal == Anneal::cos ? "cos" : "linear") +
           " div_factor=" + number(o.div_factor) + " final_div_factor=" + number(o.final_div_factor) +
           (o.three_phase ? " three_phase" : "");
}

CosineWithWarmup::CosineWithWarmup(CosineOptions options) : FormulaOf(options) {
    check(options.warmup_steps >= 0 && options.total_steps > options.warmup_steps, *this,
          "total_steps must be larger than warmup_steps, which is at least 0");
    check(options.min_lr_ratio >= 0 && options.min_lr_ratio <= 1, *this, "min_lr_ratio must be from 0 to 1");
}
double CosineWithWarmup::factor(int64_t t, const CosineOptions& o) {
    if (t < o.warmup_steps) return static_cast<double>(t + 1) / static_cast<double>(o.warmup_steps);
    const double done = static_cast<double>(t - o.warmup_steps) / static_cast<double>(o.total_steps - o.warmup_steps);
    const double wave = (1 + std::cos(kPi * std::min(done, 1.0))) / 2;
    return o.min_lr_ratio + (1 - o.min_lr_ratio) * wave;
}
double CosineWithWarmup::rate(int64_t t, double base, double) const { return base * factor(t, options_); }
std::string CosineWithWarmup::str() const {
    return "CosineWithWarmup warmup_steps=" + number(options_.warmup_steps) +
           " total_steps=" + number(options_.total_steps) + " min_lr_ratio=" + number(options_.min_lr_ratio);
}

ReduceLROnPlateau::ReduceLROnPlateau(ReduceLROnPlateauOptions options) : options_(options) {
    check(options.factor > 0 && options.factor < 1, *this, "factor must be above 0 and below 1");
    check(options.patience >= 0 && options.cooldown >= 0, *this, "patience and cooldown must not be negative");
    check(options.threshold >= 0 && options.min_lr >= 0 && options.eps >= 0, *this,
          "threshold, min_lr and eps must not be negative");
}
void ReduceLROnPlateau::begin() {
    best_ = (options_.mode == Mode::min ? 1 : -1) * std::numeric_limits<double>::infinity();
    bad_ = cooldown_ = 0;
}
bool ReduceLROnPlateau::better(double value) const {
    const double sign = options_.mode == Mode::min ? -1 : 1;
    const double bar = options_.threshold_mode == ThresholdMode::rel ? best_ * (1 + sign * options_.threshold)
                                                                     : best_ + sign * options_.threshold;
    return options_.mode == Mode::min ? value < bar : value > bar;
}
void ReduceLROnPlateau::advance(const double* metric) {
    if (better(*metric)) {
        best_ = *metric;
        bad_ = 0;
    } else {
        ++bad_;
    }
    if (cooldown_ > 0) {
        --cooldown_;
        bad_ = 0;
    }
    if (bad_ <= options_.patience) return;
    for (size_t g = 0; g < base_lr().size(); ++g) {
        const double now = optimizer().lr(g), lower = std::max(now * options_.factor, options_.min_lr);
        if (now - lower > options_.eps) optimizer().set_lr(lower, g);
    }
    cooldown_ = options_.cooldown;
    bad_ = 0;
}
std::vector<double> ReduceLROnPlateau::own_state() const {
    return {best_, static_cast<double>(bad_), static_cast<double>(cooldown_)};
}
void ReduceLROnPlateau::set_own_state(const std::vector<double>& state) {
    best_ = state[0];
    bad_ = static_cast<int64_t>(state[1]);
    cooldown_ = static_cast<int64_t>(state[2]);
}
std::string ReduceLROnPlateau::str() const {
    const ReduceLROnPlateauOptions& o = options_;
    return std::string("ReduceLROnPlateau mode=") + (o.mode == Mode::min ? "min" : "max") +
           " factor=" + number(o.factor) + " patience=" + number(o.patience) + " threshold=" + number(o.threshold) +
           (o.threshold_mode == ThresholdMode::rel ? " rel" : " abs") + " cooldown=" + number(o.cooldown) +
           " min_lr=" + number(o.min_lr) + " eps=" + number(o.eps);
}

} // namespace ingot::optim
