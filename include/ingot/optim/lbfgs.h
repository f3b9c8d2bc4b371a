// SPDX-License-Identifier: MIT
// L-BFGS: a quasi-Newton method for whole-batch problems. Not an Optimizer: a step evaluates the loss as often as it needs, so
// it takes a closure, waits for the device at every evaluation, and cannot stand inside compile(). All parameters are updated
// together, as one vector; they have one float dtype (f32 or f64) and one device. Keeps its parameters alive. Not
// synchronised.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <ingot/state_dict.h>
#include <ingot/tensor.h>

namespace ingot::optim {

enum class LineSearch : uint8_t {
    none,        ///< steps of length lr (the first: lr min(1, 1 / |g|_1))
    strong_wolfe ///< Nocedal and Wright 2006, algorithms 3.5 and 3.6, with cubic interpolation
};

struct LBFGSOptions {
    double lr = 1;
    int64_t max_iter = 20;          ///< iterations per step()
    int64_t max_eval = 0;           ///< evaluations per step(); 0: 5/4 max_iter
    double tolerance_grad = 1e-7;   ///< stops when no element of the gradient is larger
    double tolerance_change = 1e-9; ///< stops when neither the loss nor any parameter changes by more
    int64_t history_size = 100;     ///< pairs of steps and gradient changes that are remembered
    LineSearch line_search = LineSearch::strong_wolfe;
};

/// Formulas, order of evaluation and stopping rules are PyTorch's (its default for line_search is none).
class LBFGS {
public:
    using Options = LBFGSOptions;
    explicit LBFGS(std::vector<Tensor> params, Options options = {});

    /// Clears the gradients, computes the loss (one element), calls backward() and returns the loss.
    using Closure = std::function<Tensor()>;
    /// Minimizes for up to max_iter iterations. Returns the loss at the start. Parameters without a gradient stay. If the
    /// closure throws, the parameters are where the last complete iteration left them.
    double step(const Closure& closure);
    void zero_grad() const;

    double lr() const { return options_.lr; }
    void set_lr(double lr) { options_.lr = lr; }
    const std::vector<Tensor>& parameters() const { return params_; }
    /// Iterations and evaluations since construction.
    int64_t iterations() const { return iterations_; }
    int64_t evaluations() const { return evaluations_; }

    /// Everything that going on needs: "d", "prev_grad" [n], "old_dirs", "old_stps" [k, n] (those that exist), "ro" [k] and
    /// "scalars" (f64: lr, t, H_diag, prev_loss, iterations, evaluations).
    StateDict state_dict() const;
    /// Checks everything before it changes anything. Errors: Error naming a missing or unexpected key, ShapeError.
    void load_state_dict(const StateDict& state);

private:
    /// A place on the line that is searched: the step's length, the loss, the gradient and its product with the direction.
    struct Point {
        double t = 0, loss = 0;
        Tensor grad;
        double slope = 0;
    };
    Tensor gather_grad() const;
    void move_to(const std::vector<Tensor>& from, double t);
    Point evaluate(const Closure& closure, double t);
    Point search(const Closure& closure, const std::vector<Tensor>& from, const Point& start, double t);
    void update_direction(const Tensor& grad);
    Point iterate(const Closure& closure, Point at, bool last);

    std::vector<Tensor> params_;
    Options options_;
    int64_t size_ = 0;
    // What the iterations remember; undefined before the first.
    Tensor direction_, prev_grad_;
    std::vector<Tensor> dirs_, steps_; ///< gradient changes y, steps s
    std::vector<double> ro_;           ///< 1 / (y s)
    double t_ = 0, h_diag_ = 1, prev_loss_ = 0;
    int64_t iterations_ = 0, evaluations_ = 0;
};

} // namespace ingot::optim
