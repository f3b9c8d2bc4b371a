// SPDX-License-Identifier: MIT
// Optimizers, gradient clipping and learning-rate schedules. State (moments, momentum buffers) lives on the parameters'
// device and exists from construction, so that every step has one structure; learning rate and bias corrections are host
// scalars, so that changing them never recompiles. step() records the update of every parameter that has a gradient and
// submits everything that is pending, without waiting. Formulas are PyTorch's. An optimizer keeps its parameters alive.
// Not synchronised: step on the thread that recorded the gradients.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ingot/state_dict.h>
#include <ingot/tensor.h>

namespace ingot::optim {

/// Parameters that share options, as in SGD({{params, {.lr = 0.1}}, {other, {.lr = 0.01}}}).
template <class Options> struct ParamGroup {
    std::vector<Tensor> params;
    Options options = {};
};

class Optimizer {
public:
    virtual ~Optimizer() = default;
    Optimizer(const Optimizer&) = delete;
    Optimizer& operator=(const Optimizer&) = delete;
    Optimizer(Optimizer&&) = default;
    Optimizer& operator=(Optimizer&&) = default;

    /// Updates every parameter that has a gradient. Inside compile() the update becomes part of the step.
    void step();
    /// Clears the gradients of all parameters.
    void zero_grad() const;

    size_t num_groups() const { return groups_.size(); }
    double lr(size_t group = 0) const;
    /// Sets the learning rate of all groups, or of one.
    void set_lr(double lr);
    void set_lr(double lr, size_t group);
    /// All parameters, group after group.
    std::vector<Tensor> parameters() const;

    /// Everything that training on needs: "<parameter>.<state>" (for example "3.exp_avg", parameters numbered as in
    /// parameters()), "step" (i64, steps made per parameter) and "lr" (f64, per group).
    StateDict state_dict() const;
    /// Checks everything before it changes anything. Errors: Error naming a missing or unexpected key, ShapeError.
    void load_state_dict(const StateDict& state);

protected:
    /// Counts the steps of the parameters that were always updated together, so that they share their scalars.
    struct Clock {
        int64_t steps = 0;
    };
    /// A parameter and its state tensors (in the order of state_names()).
    struct Slot {
        Tensor param;
        std::vector<Tensor> state;
        std::shared_ptr<Clock> clock;
    };
    struct Group {
        std::vector<Slot> slots;
        double lr = 0;
        uint64_t clock_changes = 0; ///< compiled steps of before then do not fit any more
    };
    /// The formula of a number that depends on the learning rate and on t, the number of this step (from 1).
    using Formula = std::function<double(double lr, int64_t t)>;
    /// Makes the host scalars of one update; they are shared by the parameters that are updated together.
    class Scalars {
    public:
        Scalars(std::shared_ptr<Group> group, std::shared_ptr<Clock> clock, DType dtype, bool tick)
            : group_(std::move(group)), clock_(std::move(clock)), dtype_(dtype), tick_(tick) {}
        Tensor operator()(Formula formula);

    private:
        std::shared_ptr<Group> group_;
        std::shared_ptr<Clock> clock_;
        DType dtype_;
        bool tick_; ///< the first scalar of a step advances the clock, also when a compiled step runs again
    };
    struct Item {
        Slot* slot;
        Tensor grad; ///< in the dtype of the state: f64 for f64 parameters, else f32
    };

    Optimizer() = default;
    /// Derived constructors call this once per group, then finish_construction().
    void add_group(const std::vector<Tensor>& params, double lr, const std::vector<std::string>& state_names);
    void finish_construction() const;
    /// Records the update of `items`, which belong to `group` and have one dtype and one clock.
    virtual void update(size_t group, const std::vector<Item>& items, Scalars& scalars) = 0;
    /// The class and its options in error messages.
    virtual const char* name() const = 0;

private:
    void record_group(size_t index);
    std::vector<std::shared_ptr<Group>> groups_; ///< shared with the scalars of compiled steps
    std::vector<std::vector<std::string>> state_names_;
};

struct SGDOptions {
    double lr = 1e-3;
    double momentum = 0;
    double dampening = 0; ///< not applied in the first step
    double weight_decay = 0;
    bool nesterov = false;
};

/// d = g + weight_decay p; buf = momentum buf + (1 - dampening) d; p -= lr (nesterov ? d + momentum buf : buf).
class SGD : public Optimizer {
public:
    using Options = SGDOptions;
    explicit SGD(const std::vector<Tensor>& params, Options options = {})
        : SGD(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit SGD(const std::vector<ParamGroup<Options>>& groups);

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    const char* name() const override { return "SGD"; }
    std::vector<Options> options_;
};

struct AdamOptions {
    double lr = 1e-3;
    double beta1 = 0.9, beta2 = 0.999;
    double eps = 1e-8;
    double weight_decay = 0; ///< added to the gradient
};

/// g += weight_decay p; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
/// p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps) (Kingma and Ba 2015, arithmetic as in PyTorch).
class Adam : public Optimizer {
public:
    using Options = AdamOptions;
    explicit Adam(const std::vector<Tensor>& params, Options options = {})
        : Adam(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit Adam(const std::vector<ParamGroup<Options>>& groups);

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    const char* name() const override { return "Adam"; }
    std::vector<Options> options_;
};

struct AdamWOptions {
    double lr = 1e-3;
    double beta1 = 0.9, beta2 = 0.999;
    double eps = 1e-8;
    double weight_decay = 0.01; ///< decoupled
};

/// Adam with p *= 1 - lr weight_decay instead of the gradient's term (Loshchilov and Hutter 2019).
class AdamW : public Optimizer {
public:
    using Options = AdamWOptions;
    explicit AdamW(const std::vector<Tensor>& params, Options options = {})
        : AdamW(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit AdamW(const std::vector<ParamGroup<Options>>& groups);

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    const char* name() const override { return "AdamW"; }
    std::vector<Options> options_;
};

/// Scales the gradients of `params` by min(1, max_norm / (norm + 1e-6)), where norm is the 2-norm of all of them
/// together, which is returned (a scalar on the device; nothing waits). Parameters without a gradient are left out.
Tensor clip_grad_norm_(const std::vector<Tensor>& params, double max_norm);

struct CosineOptions {
    int64_t warmup_steps = 0;
    int64_t total_steps = 0; ///< with the warm-up; must be larger than warmup_steps
    double min_lr_ratio = 0; ///< of the learning rate that remains at the end
};

/// Learning rate per step: rises linearly over the warm-up, then falls along half a cosine:
/// s < w: (s + 1) / w; else m + (1 - m) (1 + cos(pi (s - w) / (total - w))) / 2, times the rate the group had at first.
class CosineWithWarmup {
public:
    /// Sets the rate of step 0. The optimizer must outlive the schedule. Errors: Error for options that make no sense.
    CosineWithWarmup(Optimizer& optimizer, CosineOptions options);
    /// To be called after each optimizer step (outside compile()): sets the rate of the next one.
    void step() { set_step(step_ + 1); }
    /// Sets the rate of step `step`, counted from 0: for resuming.
    void set_step(int64_t step);
    int64_t current_step() const { return step_; }
    /// What the groups' first rates are multiplied by at `step`.
    static double factor(int64_t step, const CosineOptions& options);

private:
    Optimizer* optimizer_;
    CosineOptions options_;
    std::vector<double> base_lr_;
    int64_t step_ = 0;
};

} // namespace ingot::optim
