// SPDX-License-Identifier: MIT
// Central differences along one random direction at a time (so that the cost does not grow with the number of elements), in
// double precision: (f(x + h d) - f(x - h d)) / 2h against <grad f(x), d>.
#include <cmath>
#include <sstream>

#include <ingot/grad.h>
#include <ingot/ops.h>

namespace ingot {

namespace {

/// splitmix64: the same numbers everywhere.
double uniform(uint64_t& state) {
    uint64_t z = (state += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53 * 2 - 1;
}

Tensor random_like(const Tensor& x, uint64_t& state) {
    std::vector<double> values(static_cast<size_t>(x.numel()));
    for (double& v : values) v = uniform(state);
    return Tensor::from<double>(values, x.shape(), {.device = x.device()});
}

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

void check(const Function& scalar, const std::vector<Tensor>& inputs, const GradcheckOptions& options,
           const char* what) {
    std::vector<Tensor> leaves;
    for (const Tensor& x : inputs) {
        Tensor leaf = Tensor::from<double>(x.to_vector<double>(), x.shape(), {.device = x.device()});
        leaves.push_back(leaf.set_requires_grad());
    }
    const Tensor value = scalar(leaves);
    if (!value.requires_grad())
        throw Error(std::string("gradcheck: ") + what + " does not depend on the inputs differentiably");
    const std::vector<Tensor> gradients = grad({value}, leaves, {}, {.retain_graph = true, .allow_unused = true});
    uint64_t state = options.seed + 1;
    for (int k = 0; k < options.directions; ++k) {
        const uint64_t direction_seed = state;
        std::vector<Tensor> plus, minus;
        double analytic = 0;
        for (size_t i = 0; i < inputs.size(); ++i) {
            const Tensor d = random_like(inputs[i], state);
            plus.push_back(inputs[i].detach() + d * options.eps);
            minus.push_back(inputs[i].detach() - d * options.eps);
            if (gradients[i].defined()) analytic += sum(gradients[i] * d).item<double>();
        }
        // Functions may differentiate inside: the shifted points are leaves again.
        auto at = [&](std::vector<Tensor>& xs) {
            for (Tensor& x : xs)
                x = Tensor::from<double>(x.to_vector<double>(), x.shape(), {.device = x.device()}).set_requires_grad();
            return scalar(xs).item<double>();
        };
        const double numeric = (at(plus) - at(minus)) / (2 * options.eps);
        const double scale = std::max({1.0, std::fabs(analytic), std::fabs(numeric)});
        if (!(std::fabs(analytic - numeric) <= options.tolerance * scale)) {
            std::ostringstream text;
            text.precision(12);
            text << "gradcheck: " << what << " differs along the direction of seed " << direction_seed << ": analytic "
                 << analytic << ", central difference " << numeric;
            throw Error(text.str());
        }
    }
}

} // namespace

void gradcheck(const Function& f, const std::vector<Tensor>& inputs, GradcheckOptions options) {
    for (const Tensor& x : inputs) {
        if (x.dtype() != f64) throw DTypeError(std::string("gradcheck: inputs must be f64, not ") + name(x.dtype()));
    }
    // Any output becomes a number by fixed random weights.
    uint64_t state = options.seed + 77;
    Tensor weights;
    const Function scalar = [&](const std::vector<Tensor>& xs) {
        const Tensor y = f(xs);
        if (!weights.defined()) weights = random_like(y, state);
        return sum(y * weights);
    };
    check(scalar, inputs, options, "the gradient");
    if (!options.second_order) return;
    uint64_t direction = options.seed + 99;
    std::vector<Tensor> directions;
    for (const Tensor& x : inputs) directions.push_back(random_like(x, direction));
    const Function slope = [&](const std::vector<Tensor>& xs) {
        const std::vector<Tensor> g = grad({scalar(xs)}, xs, {}, {.create_graph = true, .allow_unused = true});
        Tensor total;
        for (size_t i = 0; i < g.size(); ++i) {
            if (!g[i].defined()) continue;
            const Tensor part = sum(g[i] * directions[i]);
            total = total.defined() ? total + part : part;
        }
        if (!total.defined() || !total.requires_grad()) {
            // Linear functions: the slope is constant, its gradient zero.
            Tensor zero = sum(xs[0] * 0.0);
            total = total.defined() ? total + zero : zero;
        }
        return total;
    };
    check(slope, inputs, options, "the second gradient");
}

} // namespace ingot
