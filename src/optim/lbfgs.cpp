// SPDX-License-Identifier: MIT
#include <ingot/optim/lbfgs.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include <ingot/compile.h>
#include <ingot/eval.h>
#include <ingot/ops.h>

namespace ingot::optim {

namespace {

double dot(const Tensor& a, const Tensor& b) { return sum(a * b).item(); }
double largest(const Tensor& a) { return max(abs(a)).item(); }

/// x + a y. The factor is data, not part of the graph: all calls share one executable.
Tensor add_scaled(const Tensor& x, double a, const Tensor& y) {
    return x + y * Tensor::from(std::vector<double>{a}, {1}, {.dtype = x.dtype(), .device = x.device()});
}

Tensor evaluated(Tensor t) {
    t.eval();
    return t;
}

/// Where the cubic through two points with these values and slopes has its minimum, within bounds.
double cubic_minimum(double x1, double f1, double g1, double x2, double f2, double g2, double low, double high) {
    const double d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2);
    const double square = d1 * d1 - g1 * g2;
    if (!(square >= 0)) return (low + high) / 2;
    const double d2 = std::sqrt(square);
    const double at = x1 <= x2 ? x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
                               : x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2));
    return std::min(std::max(at, low), high);
}

constexpr double kArmijo = 1e-4, kCurvature = 0.9;
constexpr int kMaxSearch = 25;

} // namespace

LBFGS::LBFGS(std::vector<Tensor> params, Options options) : params_(std::move(params)), options_(options) {
    if (params_.empty()) throw Error("LBFGS: the parameter list is empty");
    std::unordered_set<const graph::Node*> seen;
    for (size_t i = 0; i < params_.size(); ++i) {
        const Tensor& p = params_[i];
        const std::string what = "LBFGS: parameter " + std::to_string(i);
        if (!p.defined() || !p.is_cell()) throw Error(what + " is not a parameter: make it with Tensor::parameter");
        if (p.dtype() != f32 && p.dtype() != f64)
            throw DTypeError(what + " is " + name(p.dtype()) + ", not f32 or f64");
        if (p.dtype() != params_[0].dtype() || p.device() != params_[0].device())
            throw Error(what + " (" + p.str() + ") differs from the first (" + params_[0].str() +
                        "): all have one dtype and device");
        if (!seen.insert(p.node()).second) throw Error(what + " (" + p.str() + ") is in the optimizer twice");
        size_ += p.numel();
    }
    if (options_.max_iter < 1 || options_.history_size < 1)
        throw Error("LBFGS: max_iter and history_size must be at least 1");
    if (options_.max_eval <= 0) options_.max_eval = options_.max_iter * 5 / 4;
}

void LBFGS::zero_grad() const {
    for (const Tensor& p : params_) p.zero_grad();
}

Tensor LBFGS::gather_grad() const {
    std::vector<Tensor> parts;
    for (const Tensor& p : params_) {
        const Tensor g = p.grad();
        parts.push_back(g.defined() ? flatten(g.detach())
                                    : zeros({p.numel()}, {.dtype = p.dtype(), .device = p.device()}));
    }
    return evaluated(parts.size() == 1 ? parts[0] : concat(parts));
}

/// Puts the parameters at from + t direction.
void LBFGS::move_to(const std::vector<Tensor>& from, double t) {
    int64_t start = 0;
    for (size_t i = 0; i < params_.size(); ++i) {
        const Tensor& p = params_[i];
        const Tensor part = reshape(slice(direction_, 0, start, start + p.numel()), p.shape());
        p.assign(t == 0 ? from[i] : add_scaled(from[i], t, part));
        start += p.numel();
    }
    submit_pending();
}

/// Loss and gradient where the parameters are; not the slope.
LBFGS::Point LBFGS::evaluate(const Closure& closure, double t) {
    ++evaluations_;
    const Tensor loss = closure();
    return {t, loss.item(), gather_grad(), 0};
}

/// A point along the direction that satisfies the strong Wolfe conditions, or the best one found.
LBFGS::Point LBFGS::search(const Closure& closure, const std::vector<Tensor>& from, const Point& start, double t) {
    const auto at = [&](double length) {
        move_to(from, length);
        Point p = evaluate(closure, length);
        p.slope = dot(p.grad, direction_);
        return p;
    };
    const auto too_high = [&](const Point& p) { return p.loss > start.loss + kArmijo * p.t * start.slope; };
    const auto flat = [&](const Point& p) { return std::abs(p.slope) <= -kCurvature * start.slope; };
    const double reach = largest(direction_);

    // First a bracket [low, high] that holds such a point; longer and longer steps until there is one.
    Point before = start, now = at(t), bracket[2];
    bool found = false;
    int count = 0;
    for (;; ++count) {
        if (count == kMaxSearch) {
            bracket[0] = start, bracket[1] = now;
            break;
        }
        if (too_high(now) || (count > 1 && now.loss >= before.loss) || (now.slope >= 0 && !flat(now))) {
            bracket[0] = before, bracket[1] = now;
            break;
        }
        if (flat(now)) return now;
        const double next = cubic_minimum(before.t, before.loss, before.slope, now.t, now.loss, now.slope,
                                          now.t + 0.01 * (now.t - before.t), now.t * 10);
        before = now;
        now = at(next);
    }
    // Then smaller and smaller ones.
    size_t low = bracket[0].loss <= bracket[1].loss ? 0 : 1;
    bool slow = false; // the last trial was close to an end
    for (; !found && count < kMaxSearch; ++count) {
        const double least = std::min(bracket[0].t, bracket[1].t), most = std::max(bracket[0].t, bracket[1].t);
        if ((most - least) * reach < options_.tolerance_change) break;
        double trial = cubic_minimum(bracket[0].t, bracket[0].loss, bracket[0].slope, bracket[1].t, bracket[1].loss,
                                     bracket[1].slope, least, most);
        const double margin = 0.1 * (most - least);
        const bool close = std::min(most - trial, trial - least) < margin;
        if (close && (slow || trial >= most || trial <= least)) {
            trial = most - trial < trial - least ? most - margin : least + margin;
            slow = false;
        } else {
            slow = close;
        }
        const Point point = at(trial);
        const size_t high = 1 - low;
        if (too_high(point) || point.loss >= bracket[low].loss) {
            bracket[high] = point;
            low = bracket[0].loss <= bracket[1].loss ? 0 : 1;
        } else {
            found = flat(point);
            if (!found && point.slope * (bracket[high].t - bracket[low].t) >= 0) bracket[high] = bracket[low];
            bracket[low] = point;
        }
    }
    return bracket[low];
}

/// The quasi-Newton direction by the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4).
void LBFGS::update_direction(const Tensor& grad) {
    if (iterations_ == 1) {
        direction_ = evaluated(-grad);
        return;
    }
    const Tensor y = evaluated(grad - prev_grad_);
    const Tensor s =
        evaluated(add_scaled(zeros({size_}, {.dtype = grad.dtype(), .device = grad.device()}), t_, direction_));
    if (const double ys = dot(y, s); ys > 1e-10) {
        if (static_cast<int64_t>(dirs_.size()) == options_.history_size) {
            dirs_.erase(dirs_.begin());
            steps_.erase(steps_.begin());
            ro_.erase(ro_.begin());
        }
        dirs_.push_back(y);
        steps_.push_back(s);
        ro_.push_back(1 / ys);
        h_diag_ = ys / dot(y, y);
    }
    std::vector<double> alpha(dirs_.size());
    Tensor q = evaluated(-grad);
    for (size_t i = dirs_.size(); i-- > 0;) {
        alpha[i] = dot(steps_[i], q) * ro_[i];
        q = evaluated(add_scaled(q, -alpha[i], dirs_[i]));
    }
    q = evaluated(q * Tensor::from(std::vector<double>{h_diag_}, {1}, {.dtype = q.dtype(), .device = q.device()}));
    for (size_t i = 0; i < dirs_.size(); ++i)
        q = evaluated(add_scaled(q, alpha[i] - dot(dirs_[i], q) * ro_[i], steps_[i]));
    direction_ = q;
}

/// One step along direction_, from where the parameters are. `last`: nobody needs the loss after it.
LBFGS::Point LBFGS::iterate(const Closure& closure, Point at, bool last) {
    std::vector<Tensor> from;
    for (const Tensor& p : params_) from.push_back(p.detach());
    try {
        if (options_.line_search == LineSearch::strong_wolfe) {
            const Point best = search(closure, from, at, t_);
            t_ = best.t;
            move_to(from, t_);
            return best;
        }
        move_to(from, t_);
        return last ? at : evaluate(closure, t_);
    } catch (...) {
        move_to(from, 0);
        throw;
    }
}

double LBFGS::step(const Closure& closure) {
    if (compiling()) throw Error("LBFGS: a step reads the loss, so it cannot be compiled");
    const int64_t evaluations_before = evaluations_;
    Point at = evaluate(closure, 0);
    const double first_loss = at.loss;
    for (int64_t i = 1; largest(at.grad) > options_.tolerance_grad; ++i) {
        ++iterations_;
        {
            const NoGrad guard;
            update_direction(at.grad);
            prev_grad_ = at.grad;
            prev_loss_ = at.loss;
            t_ = iterations_ == 1 ? std::min(1.0, 1 / sum(abs(at.grad)).item()) * options_.lr : options_.lr;
            at.slope = dot(at.grad, direction_);
        }
        at.t = 0;
        if (at.slope > -options_.tolerance_change) break;
        at = iterate(closure, at, i == options_.max_iter);
        if (i == options_.max_iter || evaluations_ - evaluations_before >= options_.max_eval) break;
        if (largest(direction_) * std::abs(t_) <= options_.tolerance_change) break;
        if (std::abs(at.loss - prev_loss_) < options_.tolerance_change) break;
    }
    return first_loss;
}

StateDict LBFGS::state_dict() const {
    StateDict out;
    const Tensor none = zeros({0, size_}, {.dtype = params_[0].dtype(), .device = params_[0].device()});
    if (iterations_ > 0) {
        out.add("d", direction_);
        out.add("prev_grad", prev_grad_);
    }
    out.add("old_dirs", dirs_.empty() ? none : stack(dirs_));
    out.add("old_stps", steps_.empty() ? none : stack(steps_));
    out.add("ro", Tensor::from(ro_, {static_cast<int64_t>(ro_.size())}));
    const std::vector<double> scalars{
        options_.lr, t_, h_diag_, prev_loss_, static_cast<double>(iterations_), static_cast<double>(evaluations_)};
    out.add("scalars", Tensor::from(scalars, {6}));
    return out;
}

void LBFGS::load_state_dict(const StateDict& state) {
    const auto need = [&](const char* key, const Shape& shape) {
        const Tensor* value = state.find(key);
        if (!value || !value->defined()) throw Error(std::string("LBFGS.load_state_dict: '") + key + "' is missing");
        if (value->shape() != shape)
            throw ShapeError(std::string("LBFGS.load_state_dict: '") + key + "' has shape " + value->shape().str() +
                             ", needed is " + shape.str());
        return *value;
    };
    const auto scalars = need("scalars", {6}).to_vector<double>();
    const Tensor* ro = state.find("ro");
    const int64_t count = ro && ro->defined() ? ro->numel() : 0;
    const auto values = need("ro", {count}).to_vector<double>();
    const Tensor dirs = need("old_dirs", {count, size_}), steps = need("old_stps", {count, size_});
    const bool begun = scalars[4] > 0;
    Tensor d, prev;
    if (begun) {
        d = need("d", {size_});
        prev = need("prev_grad", {size_});
    }
    for (const auto& [key, value] : state)
        if (key != "scalars" && key != "ro" && key != "old_dirs" && key != "old_stps" &&
            !(begun && (key == "d" || key == "prev_grad")))
            throw Error("LBFGS.load_state_dict: '" + key + "' is unexpected");

    const NoGrad guard;
    const auto here = [&](const Tensor& t) { return evaluated(t.to(params_[0].device()).to(params_[0].dtype())); };
    direction_ = begun ? here(d) : Tensor{};
    prev_grad_ = begun ? here(prev) : Tensor{};
    dirs_.clear();
    steps_.clear();
    for (int64_t i = 0; i < count; ++i) {
        dirs_.push_back(here(select(dirs, 0, i)));
        steps_.push_back(here(select(steps, 0, i)));
    }
    ro_ = values;
    options_.lr = scalars[0];
    t_ = scalars[1];
    h_diag_ = scalars[2];
    prev_loss_ = scalars[3];
    iterations_ = static_cast<int64_t>(scalars[4]);
    evaluations_ = static_cast<int64_t>(scalars[5]);
}

} // namespace ingot::optim
