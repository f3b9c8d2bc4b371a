// SPDX-License-Identifier: MIT
// L-BFGS against values captured from PyTorch (losses, parameters, numbers of evaluations), and what it promises beside.
#include <stdexcept>

#include <gtest/gtest.h>

#include <ingot/compile.h>
#include <ingot/eval.h>
#include <ingot/ops.h>
#include <ingot/optim.h>

#include "nn/golden.h"

using namespace ingot;
using optim::LBFGS;
using optim::LineSearch;

namespace {

using Params = std::vector<Tensor>;
using Function = Tensor (*)(const Tensor& x);

Tensor rosenbrock(const Tensor& x) {
    const Tensor a = slice(x, 0, 0, 5), b = slice(x, 0, 1, 6);
    return sum(100 * square(b - a * a) + square(1 - a));
}

Tensor bowl(const Tensor& x) {
    const Tensor i = arange(6, {.dtype = x.dtype()});
    return sum((i + 1) * square(x - i / 2) + square(x * x) / 10);
}

LBFGS::Closure closure_of(const Params& params, Function function) {
    return [=] {
        for (const Tensor& p : params) p.zero_grad();
        const Tensor loss = function(concat({flatten(params[0]), params[1]}));
        loss.backward();
        return loss;
    };
}

Params initial(const golden::File& file) {
    return {Tensor::parameter(file.at("init/param0")), Tensor::parameter(file.at("init/param1"))};
}

struct Case {
    std::string variant;
    Function function;
    optim::LBFGSOptions options;
    bool search;
};

std::vector<Case> cases() {
    constexpr LineSearch wolfe = LineSearch::strong_wolfe, none = LineSearch::none;
    return {
        {"wolfe", rosenbrock, {.max_iter = 4, .line_search = wolfe}, true},
        {"wolfe.short_memory", rosenbrock, {.lr = 0.5, .max_iter = 4, .history_size = 3, .line_search = wolfe}, true},
        {"wolfe.bowl", bowl, {.lr = 10, .max_iter = 2, .line_search = wolfe}, true},
        {"fixed", bowl, {.lr = 0.1, .max_iter = 3, .line_search = none}, false},
        {"fixed.one", bowl, {.lr = 0.2, .max_iter = 1, .line_search = none}, false}};
}

void compare(const Case& c, const std::string& values, int steps, double tolerance) {
    const golden::File file(values);
    const Params params = initial(file);
    LBFGS optimizer(params, c.options);
    const auto closure = closure_of(params, c.function);
    for (int t = 0; t < steps; ++t) {
        const std::string at = "/" + golden::step(t);
        const double expected = file.at(c.variant + "/loss" + at).item();
        EXPECT_NEAR(optimizer.step(closure), expected, tolerance * std::max(1.0, expected)) << c.variant << at;
        for (int i = 0; i < 2; ++i) {
            const std::string key = c.variant + "/param" + std::to_string(i) + at;
            golden::expect_close(params[static_cast<size_t>(i)], file.at(key), key, tolerance);
        }
        EXPECT_EQ(optimizer.evaluations(), file.at(c.variant + "/evaluations" + at).item<int64_t>()) << c.variant << at;
    }
}

TEST(LBFGSGolden, Double) {
    // Each iteration multiplies differences of rounding by a few.
    for (const Case& c : cases()) compare(c, "lbfgs_f64", golden::kSteps, 1e-8);
}

TEST(LBFGSGolden, Single) {
    for (const Case& c : cases()) compare(c, "lbfgs", c.search ? 6 : golden::kSteps, c.search ? 1e-3 : 1e-5);
}

TEST(LBFGSTest, FindsTheMinimum) {
    manual_seed(3);
    const Params params{Tensor::parameter(randn({2, 2}, {.dtype = f64})),
                        Tensor::parameter(randn({2}, {.dtype = f64}))};
    LBFGS optimizer(params);
    const auto closure = closure_of(params, rosenbrock);
    for (int i = 0; i < 5; ++i) optimizer.step(closure);
    for (const Tensor& p : params)
        for (const double v : p.to_vector<double>()) EXPECT_NEAR(v, 1, 1e-4);
    // There it stops after one look.
    const int64_t before = optimizer.evaluations();
    optimizer.step(closure);
    EXPECT_EQ(optimizer.evaluations(), before + 1);
}

TEST(LBFGSTest, StateGoesOnInAnotherOne) {
    const golden::File file("lbfgs_f64");
    const Params a = initial(file), b = initial(file);
    const optim::LBFGSOptions options{.max_iter = 3, .max_eval = 20, .history_size = 4};
    LBFGS first(a, options), second(b, options);
    second.load_state_dict(first.state_dict()); // before the first step, too
    const auto one = closure_of(a, rosenbrock), two = closure_of(b, rosenbrock);
    for (int i = 0; i < 3; ++i) first.step(one);
    for (int i = 0; i < 2; ++i) b[static_cast<size_t>(i)].assign(a[static_cast<size_t>(i)]);
    second.load_state_dict(first.state_dict());
    EXPECT_EQ(second.iterations(), first.iterations());
    EXPECT_GT(second.iterations(), 4); // the memory is full
    for (int i = 0; i < 3; ++i) EXPECT_EQ(first.step(one), second.step(two));
    for (size_t i = 0; i < 2; ++i) EXPECT_EQ(a[i].to_vector<double>(), b[i].to_vector<double>());

    StateDict state = first.state_dict();
    state["d"] = zeros({5});
    EXPECT_THROW(second.load_state_dict(state), ShapeError);
    StateDict more = first.state_dict();
    more.add("extra", zeros({1}));
    EXPECT_THROW(second.load_state_dict(more), Error);
    EXPECT_THROW(second.load_state_dict({{"scalars", zeros({6})}}), Error);
}

TEST(LBFGSTest, AClosureThatThrowsChangesNothing) {
    for (const LineSearch search : {LineSearch::none, LineSearch::strong_wolfe}) {
        const Params params = initial(golden::File("lbfgs_f64"));
        LBFGS optimizer(params, {.lr = 0.1, .line_search = search});
        const auto good = closure_of(params, bowl);
        const auto before = params[0].to_vector<double>();
        int calls = 0;
        const auto bad = [&] {
            if (++calls == 2) throw std::runtime_error("no");
            return good();
        };
        EXPECT_THROW(optimizer.step(bad), std::runtime_error);
        EXPECT_EQ(params[0].to_vector<double>(), before);
        const double loss = optimizer.step(good);
        EXPECT_LT(good().item(), loss); // and goes on
    }
}

TEST(LBFGSTest, RepeatedIterationsCompileNothing) {
    const Params params = initial(golden::File("lbfgs"));
    LBFGS optimizer(params, {.max_iter = 5, .history_size = 2});
    const auto closure = closure_of(params, rosenbrock);
    for (int i = 0; i < 2; ++i) optimizer.step(closure);
    const int64_t compiled = cache_stats().compiles;
    for (int i = 0; i < 3; ++i) optimizer.step(closure);
    EXPECT_EQ(cache_stats().compiles, compiled);
}

TEST(LBFGSTest, Errors) {
    EXPECT_THROW(LBFGS({}), Error);
    EXPECT_THROW(LBFGS({zeros({2})}), Error);
    EXPECT_THROW(LBFGS({Tensor::parameter(zeros({2}, {.dtype = bf16}))}), DTypeError);
    const Tensor p = Tensor::parameter(zeros({2}));
    EXPECT_THROW(LBFGS({p, p}), Error);
    EXPECT_THROW(LBFGS({p, Tensor::parameter(zeros({2}, {.dtype = f64}))}), Error);
    EXPECT_THROW(LBFGS({p}, {.max_iter = 0}), Error);
    LBFGS optimizer({p});
    auto step = compile([&](Tensor x) {
        optimizer.step([&] { return sum(p * x); });
        return x;
    });
    EXPECT_THROW(step(ones({2})), Error);
}

} // namespace
