// SPDX-License-Identifier: MIT
// What all optimizers share. State (moments, momentum buffers) lives on the parameters' device and exists from construction,
// so that every step has one structure; learning rate and bias corrections are host scalars, so that changing them never
// recompiles. step() records the update of every parameter that has a gradient and submits everything that is pending,
// without waiting. An optimizer keeps its parameters alive. Not synchronised: step on the thread that recorded the
// gradients.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
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

    /// The class.
    virtual const char* name() const = 0;
    /// The options of a group (below num_groups()) besides its learning rate, as numbers: {"momentum", 0.9}, {"nesterov", 1}.
    using NamedOptions = std::vector<std::pair<const char*, double>>;
    virtual NamedOptions options(size_t group) const = 0;

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
    /// A state tensor of a parameter, of the parameter's shape: its name in state_dict() and its first value.
    struct State {
        std::string name;
        double initial = 0;
    };
    /// A parameter and its state tensors, in the order in which add_group() got them.
    struct Slot {
        Tensor param;
        std::vector<std::string> names;
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
    /// Derived constructors call this once per group, then finish_construction(). `states`: those of one parameter.
    void add_group(const std::vector<Tensor>& params, double lr,
                   const std::function<std::vector<State>(const Tensor& param)>& states);
    void add_group(const std::vector<Tensor>& params, double lr, const std::vector<State>& states) {
        add_group(params, lr, [&](const Tensor&) { return states; });
    }
    void finish_construction() const;
    /// Records the update of `items`, which belong to `group` and have one dtype and one clock.
    virtual void update(size_t group, const std::vector<Item>& items, Scalars& scalars) = 0;

private:
    void record_group(size_t index);
    std::vector<std::shared_ptr<Group>> groups_; ///< shared with the scalars of compiled steps
};

} // namespace ingot::optim
