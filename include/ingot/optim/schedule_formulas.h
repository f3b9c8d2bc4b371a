// SPDX-License-Identifier: MIT
// The learning-rate schedules that are formulas, and the one that follows a metric. Options and values are PyTorch's
// (torch.optim.lr_scheduler, in double precision); where PyTorch works recursively on the present rate, so do these, so that they
// can be chained. Letters: t the step, T a length in steps, b a group's base rate, r(t) its rate. Errors of all constructors:
// Error for options that make no sense.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ingot/optim/schedule.h>

namespace ingot::optim {

/// A schedule that is a function of the step, the base and the present rate.
class FormulaLR : public LRScheduler {
protected:
    /// r(t), for a group whose rate is `lr` now; t is one more than at the call before, or 0.
    virtual double rate(int64_t t, double base, double lr) const = 0;

private:
    void begin() override { set_rates(); }
    void advance(const double*) override { set_rates(); }
    void set_rates() const;
};

/// What all formulas have alike. `Self`: the schedule, which has options_ and check(); `Options`: its options.
template <class Self, class Options> class FormulaOf : public FormulaLR {
public:
    explicit FormulaOf(Options options) : options_(std::move(options)) {}
    std::unique_ptr<LRScheduler> clone() const override {
        return std::make_unique<Self>(static_cast<const Self&>(*this));
    }
    const Options& options() const { return options_; }

protected:
    Options options_;
};

struct StepLROptions {
    int64_t step_size = 30;
    double gamma = 0.1;
};
/// Times gamma every step_size steps.
class StepLR : public FormulaOf<StepLR, StepLROptions> {
public:
    explicit StepLR(StepLROptions options);
    StepLR(Optimizer& optimizer, StepLROptions options) : StepLR(options) { attach(optimizer); }
    std::string str() const override;

private:
    double rate(int64_t t, double base, double lr) const override;
};

struct MultiStepLROptions {
    std::vector<int64_t> milestones; ///< growing
    double gamma = 0.1;
};
/// Times gamma at each milestone.
class MultiStepLR : public FormulaOf<MultiStepLR, MultiStepLROptions> {
public:
    explicit MultiStepLR(MultiStepLROptions options);
    MultiStepLR(Optimizer& optimizer, MultiStepLROptions options) : MultiStepLR(std::move(options)) {
        attach(optimizer);
    }
    std::string str() const override;

private:
    double rate(int64_t t, double base, double lr) const override;
};

struct ExponentialLROptions {
    double gamma = 0.95;
};
/// Times gamma every step.
class ExponentialLR : public FormulaOf<ExponentialLR, ExponentialLROptions> {
public:
    explicit ExponentialLR(ExponentialLROptions options);
    ExponentialLR(Optimizer& optimizer, ExponentialLROptions options) : ExponentialLR(options) { attach(optimizer); }
    std::string str() const override;

private:
    double rate(int64_t t, double base, double lr) const override;
};

struct ConstantLROptions {
    double factor = 1.0 / 3;
    int64_t total_iters = 5;
};
/// b factor before step total_iters, then b.
class ConstantLR : public FormulaOf<ConstantLR, ConstantLROptions> {
public:
    explicit ConstantLR(ConstantLROptions options);
    ConstantLR(Optimizer& optimizer, ConstantLROptions options) : ConstantLR(options) { attach(optimizer); }
    std::string str() const override;

private:
    double rate(int64_t t, double base, double lr) const override;
};

struct LinearLROptions {
    double start_factor = 1.0 / 3; ///< above 0
    double end_factor = 1;
    int64_t total_iters = 5;
};
/// From b start_factor to b end_factor in a line of total_iters steps: a linear warm-up.
class LinearLR : public FormulaOf<LinearLR, LinearLROptions> {
public:
    explicit LinearLR(LinearLROptions options);
    LinearLR(Optimizer& optimizer, LinearLROptions options) : LinearLR(options) { attach(optimizer); }
    std::string str() const override;

private:
    double rate(int64_t t, double base, double lr) const override;
};

struct PolynomialLROptions {
    int64_t total_iters = 5;
    double power = 1;
};
/// b (1 - t / total_iters)^power, then 0.
class PolynomialLR : public FormulaOf<PolynomialLR, PolynomialLROptions> {
public:
    explicit PolynomialLR(PolynomialLROptions options);
    PolynomialLR(Optimizer& optimizer, PolynomialLROptions options) : PolynomialLR(options) { attach(optimizer); }
    std::string str() const override;

private:
    double rate(int64_t t, double base, double lr) const override;
};

struct CosineAnnealingLROptions {
    int64_t t_max = 100; ///< steps from the base to eta_min
    double eta_min = 0;
};
/// eta_min + (b - eta_min) (1 + cos(pi t / t_max)) / 2; rises again after t_max.
class CosineAnnealingLR : public FormulaOf<CosineAnnealingLR, CosineAnnealingLROptions> {
public:
    explicit CosineAnnealingLR(CosineAnnealingLROptions options);
    CosineAnnealingLR(Optimizer& optimizer, CosineAnnealingLROptions options) : CosineAnnealingLR(options) {
        attach(optimizer);
    }
    std::string str() const override;

private:
    double rate(int64_t t, double base, double lr) const override;
};

struct CosineAnnealingWarmRestartsOptions {
    int64_t t_0 = 10;   ///< steps until the first restart
    int64_t t_mult = 1; ///< each period is so many times as long as the one before
    double eta_min = 0;
};
/// eta_min + (b - eta_min) (1 + cos(pi s / T)) / 2, s steps after the last restart in a period of T steps.
class CosineAnnealingWarmRestarts : public FormulaOf<CosineAnnealingWarmRestarts, CosineAnnealingWarmRestartsOptions> {
public:
    explicit CosineAnnealingWarmRestarts(CosineAnnealingWarmRestartsOptions options);
    CosineAnnealingWarmRestarts(Optimizer& optimizer, CosineAnnealingWarmRestartsOptions options)
        : CosineAnnealingWarmRestarts(options) {
        attach(optimizer);
    }
    std::string str() const override;

private:
    double rate(int64_t t, double base, double lr) const override;
};

enum class Anneal : uint8_t { cos, linear };
struct OneCycleLROptions {
    int64_t total_steps = 0;
    double max_lr = 0;      ///< 0: the group's rate
    double pct_start = 0.3; ///< part of the steps that rise
    Anneal anneal = Anneal::cos;
    double div_factor = 25;        ///< the first rate is max_lr / div_factor
    double final_div_factor = 1e4; ///< the last one is the first / final_div_factor
    bool three_phase = false;      ///< down to the first rate as fast as up, then to the last one
};
/// Up to max_lr and down again (Smith's 1cycle policy). Momentum is left alone (PyTorch's cycle_momentum=False). Stepping beyond
/// total_steps keeps the last rate.
class OneCycleLR : public FormulaOf<OneCycleLR, OneCycleLROptions> {
public:
    explicit OneCycleLR(OneCycleLROptions options);
    OneCycleLR(Optimizer& optimizer, OneCycleLROptions options) : OneCycleLR(options) { attach(optimizer); }
    std::string str() const override;

private:
    double rate(int64_t t, double base, double lr) const override;
};

struct CosineOptions {
    int64_t warmup_steps = 0;
    int64_t total_steps = 0; ///< with the warm-up; must be larger than warmup_steps
    double min_lr_ratio = 0; ///< of the base rate that remains at the end
};
/// b (t + 1) / warmup_steps at first, then half a cosine: b (m + (1 - m) (1 + cos(pi (t - w) / (T - w))) / 2). Not one of
/// PyTorch's; the usual one for transformers and the default of `ingot train`.
class CosineWithWarmup : public FormulaOf<CosineWithWarmup, CosineOptions> {
public:
    explicit CosineWithWarmup(CosineOptions options);
    CosineWithWarmup(Optimizer& optimizer, CosineOptions options) : CosineWithWarmup(options) { attach(optimizer); }
    std::string str() const override;
    /// What base rates are multiplied by at step `t`.
    static double factor(int64_t t, const CosineOptions& options);

private:
    double rate(int64_t t, double base, double lr) const override;
};

enum class Mode : uint8_t { min, max };
enum class ThresholdMode : uint8_t { rel, abs };
struct ReduceLROnPlateauOptions {
    Mode mode = Mode::min;
    double factor = 0.1;
    int64_t patience = 10;   ///< steps without an improvement that are allowed; the one after them reduces the rate
    double threshold = 1e-4; ///< smaller improvements are none: relative to the best value, or absolute
    ThresholdMode threshold_mode = ThresholdMode::rel;
    int64_t cooldown = 0; ///< steps after a reduction in which nothing is counted
    double min_lr = 0;
    double eps = 1e-8; ///< smaller changes of the rate are not made
};
/// Times factor when a metric has stopped improving. A metric that is not a number is no improvement.
class ReduceLROnPlateau : public LRScheduler {
public:
    explicit ReduceLROnPlateau(ReduceLROnPlateauOptions options);
    ReduceLROnPlateau(Optimizer& optimizer, ReduceLROnPlateauOptions options = {}) : ReduceLROnPlateau(options) {
        attach(optimizer);
    }
    bool follows_metric() const override { return true; }
    std::string str() const override;
    std::unique_ptr<LRScheduler> clone() const override { return std::make_unique<ReduceLROnPlateau>(*this); }

private:
    void begin() override;
    void advance(const double* metric) override;
    std::vector<double> own_state() const override;
    void set_own_state(const std::vector<double>& state) override;
    bool better(double value) const;
    ReduceLROnPlateauOptions options_;
    double best_ = 0;
    int64_t bad_ = 0, cooldown_ = 0;
};

} // namespace ingot::optim
