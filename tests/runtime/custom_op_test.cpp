// SPDX-License-Identifier: MIT
// Operators made from users' kernels: plain style, compile(), both devices, gradients of both forms, reports, errors.
#include <atomic>
#include <stdexcept>

#include <ingot/custom_op.h>
#include <ingot/graph.h>

#include "runtime/rules_testing.h"

namespace ingot {
namespace {

using namespace rulestest;

/// y = x * sigmoid(beta x) and its gradient, for f32 and f64.
struct Swish {
    KernelLibrary library;
    std::vector<Kernel> forward = library.add_for<float, double>(
        "swish", []<class T>(const WorkGroup& g, std::span<const T> x, T beta, std::span<T> y) {
            for (auto i = static_cast<size_t>(g.begin.x); i < static_cast<size_t>(g.end.x); ++i)
                y[i] = x[i] / (1 + std::exp(-beta * x[i]));
        });
    std::vector<Kernel> backward =
        library.add_for<float, double>("swish_backward", []<class T>(const WorkGroup& g, std::span<const T> x,
                                                                     std::span<const T> gy, T beta, std::span<T> gx) {
            for (auto i = static_cast<size_t>(g.begin.x); i < static_cast<size_t>(g.end.x); ++i) {
                const T s = 1 / (1 + std::exp(-beta * x[i]));
                gx[i] = gy[i] * (s + beta * x[i] * s * (1 - s));
            }
        });
    CustomOp by_kernel{{.name = "swish", .forward = forward, .backward_kernels = backward}};
    CustomOp by_function{{.name = "swish", .forward = forward, .backward = [](const CustomOpGradient& g) {
                              const Tensor &x = g.inputs[0], s = sigmoid(x * g.numbers[0]);
                              return std::vector<Tensor>{g.grads[0] * (s + x * g.numbers[0] * s * (1.0 - s))};
                          }}};
};

const Swish& swish() {
    static const Swish* s = new Swish;
    return *s;
}

Tensor reference_swish(const Tensor& x, double beta) { return x * sigmoid(x * beta); }

TEST(CustomOp, ComputesInPlainStyleWithOtherOperators) {
    const Tensor x = pattern({3, 5});
    const Tensor y = relu(swish().by_kernel({x + 1.0}, {2.0}) * 3.0);
    EXPECT_EQ(y.shape(), (Shape{3, 5}));
    EXPECT_TRUE(near(values(y), values(relu(reference_swish(x + 1.0, 2.0) * 3.0)), 1e-6));
    EXPECT_EQ(swish().by_kernel.name(), "swish");
    const Tensor d = swish().by_kernel({x.to(f64)}, {2});
    EXPECT_EQ(d.dtype(), f64);
    EXPECT_TRUE(near(values(d), values(reference_swish(x, 2.0)), 1e-6));
}

TEST(CustomOp, CountsAsOneKernelInTheReport) {
    const Tensor x = pattern({64, 32});
    const CustomOp op({.name = "swish",
                       .forward = swish().forward,
                       .flops = [](const std::vector<Shape>& s, const std::vector<double>&) {
                           return 5.0 * static_cast<double>(s[0].numel());
                       }});
    const Tensor y = exp(op({x * 2.0}, {1}) + 1.0);
    y.eval();
    const Report report = last_executable();
    ASSERT_EQ(report.kernels.size(), 3u) << report.str(); // before, the operator, behind
    EXPECT_EQ(report.launches(), 3);
    EXPECT_EQ(report.kernels[1].name, "custom:swish");
    EXPECT_EQ(report.kernels[1].ops, "swish");
    EXPECT_EQ(report.kernels[1].bytes, 2 * 64 * 32 * 4);
    EXPECT_EQ(report.kernels[1].flops, 5 * 64 * 32);
}

TEST(CustomOp, TheReferenceDeviceAgrees) {
    const Tensor x = pattern({40});
    for (const DType t : {f32, f64}) {
        const Tensor there = x.to(t).to(Device::reference());
        const Tensor y = swish().by_kernel({there + 0.5}, {1.5});
        EXPECT_EQ(y.device(), Device::reference());
        EXPECT_TRUE(near(values(y), values(reference_swish(x + 0.5, 1.5)), 1e-6));
    }
}

TEST(CustomOp, GradientsOfBothFormsAreRight) {
    for (const CustomOp* op : {&swish().by_kernel, &swish().by_function}) {
        const Tensor x = pattern({4, 3}).to(f64);
        gradcheck([&](const std::vector<Tensor>& v) { return (*op)({sin(v[0])}, {1.5}) * v[0]; }, {x});
        Tensor leaf = pattern({7}), twin = pattern({7});
        leaf.set_requires_grad();
        twin.set_requires_grad();
        sum((*op)({leaf}, {2.0})).backward();
        sum(reference_swish(twin, 2.0)).backward();
        EXPECT_TRUE(near(values(leaf.grad()), values(twin.grad()), 1e-5));
    }
}

TEST(CustomOp, HigherOrdersNeedAGradientMadeOfTensors) {
    const Tensor x = pattern({5}).to(f64);
    gradcheck([&](const std::vector<Tensor>& v) { return swish().by_function({v[0]}, {1.5}); }, {x},
              {.second_order = true});
    Tensor leaf = pattern({5});
    leaf.set_requires_grad();
    const Tensor first = grad({sum(swish().by_kernel({leaf}, {1}))}, {leaf}, {}, {.create_graph = true})[0];
    EXPECT_TRUE(fails_with([&] { grad({sum(first)}, {leaf}); },
                           {"swish: its gradient is a kernel and cannot be differentiated again"}));
}

TEST(CustomOp, NeverDropsAGradientSilently) {
    const CustomOp op({.name = "opaque", .forward = swish().forward});
    Tensor leaf = pattern({5});
    leaf.set_requires_grad();
    const Tensor y = sum(op({leaf}, {1}) + leaf); // a path around it would hide the loss
    EXPECT_TRUE(fails_with([&] { y.backward(); }, {"opaque: it has no gradient", "detach()"}));
    sum(op({leaf.detach()}, {1}) + leaf).backward();
    EXPECT_EQ(values(leaf.grad()), Floats(5, 1));
}

TEST(CustomOp, TrainsTheSameInPlainAndCompiledStyle) {
    const auto train = [](bool compiled, bool custom) {
        manual_seed(3);
        nn::Sequential model{nn::Linear(6, 16), nn::Linear(16, 3)};
        auto opt = optim::Adam(model.parameters(), {.lr = 1e-2});
        const auto step = [&](const Tensor& x, const Tensor& y) {
            const Tensor h = model[0](x);
            const Tensor out = model[1](custom ? swish().by_kernel({h}, {1}) : reference_swish(h, 1));
            const Tensor loss = nn::cross_entropy(out, y);
            opt.zero_grad();
            loss.backward();
            opt.step();
            return loss;
        };
        auto fast = compile(step);
        Floats losses;
        for (int i = 0; i < 12; ++i) {
            const Tensor x = pattern({20, 6}, i % 3), y = labels(20, 3, i % 3);
            losses.push_back((compiled ? fast(x, y) : step(x, y)).item<float>());
        }
        if (compiled && custom) {
            int calls = 0;
            for (const Report::Kernel& k : fast.executable().report().kernels) {
                calls += k.name == "custom:swish" || k.name == "custom:swish backward";
            }
            EXPECT_EQ(calls, 2);
            EXPECT_EQ(fast.variants(), 1);
        }
        return losses;
    };
    const Floats plain = train(false, true), compiled = train(true, true), composed = train(true, false);
    EXPECT_EQ(plain, compiled); // bit for bit
    EXPECT_TRUE(near(plain, composed, 1e-4));
    EXPECT_LT(plain.back(), plain.front());
}

TEST(CustomOp, ExplicitGraphsTakeItToo) {
    Graph g;
    const Tensor x = g.placeholder({8});
    const GraphExecutable exe = g.compile(Device::cpu(), {x}, {swish().by_kernel({x}, {1}) + 1.0});
    for (int salt = 0; salt < 3; ++salt) {
        const Tensor in = pattern({8}, salt);
        EXPECT_TRUE(near(values(exe.run({in})[0]), values(reference_swish(in, 1) + 1.0), 1e-6));
    }
}

/// Row sums and the index of the largest element: several outputs, other shapes and dtypes, an integer input.
const CustomOp& row_op() {
    static const auto* op = [] {
        KernelLibrary library;
        const Kernel forward =
            library.add("rows", [](const WorkGroup& g, std::span<const float> x, std::span<const int64_t> order,
                                   int64_t columns, std::span<float> sums, std::span<int64_t> largest) {
                g.for_each([&](int64_t row) {
                    const auto from = static_cast<size_t>(order[static_cast<size_t>(row)] * columns);
                    float total = 0;
                    size_t best = 0;
                    for (size_t i = 0; i < static_cast<size_t>(columns); ++i) {
                        total += x[from + i];
                        if (x[from + i] > x[from + best]) best = i;
                    }
                    sums[static_cast<size_t>(row)] = total;
                    largest[static_cast<size_t>(row)] = static_cast<int64_t>(best);
                });
            });
        // With the operator's outputs, to see that they arrive.
        const Kernel backward =
            library.add("rows_backward", [](const WorkGroup& g, std::span<const float>, std::span<const int64_t> order,
                                            std::span<const float>, std::span<const int64_t> largest,
                                            std::span<const float> gy, int64_t columns, std::span<float> gx) {
                g.for_each([&](int64_t row) {
                    const auto to = static_cast<size_t>(order[static_cast<size_t>(row)] * columns);
                    for (size_t i = 0; i < static_cast<size_t>(columns); ++i) gx[to + i] = gy[static_cast<size_t>(row)];
                    gx[to + static_cast<size_t>(largest[static_cast<size_t>(row)])] += 100;
                });
            });
        const auto rows = [](const std::vector<Shape>& s, const std::vector<double>&) { return Dim3(s[1].numel()); };
        return new CustomOp({.name = "rows",
                             .forward = {forward},
                             .shapes =
                                 [](const std::vector<Shape>& s, const std::vector<double>& n) {
                                     if (s[0].rank() != 2 || s[0][1] != static_cast<int64_t>(n[0]))
                                         throw ShapeError("rows: " + s[0].str() + " is no matrix of such rows");
                                     return std::vector<Shape>{s[1], s[1]};
                                 },
                             .grid = rows,
                             .group = 1,
                             .backward_kernels = {backward},
                             .backward_grid = rows});
    }();
    return *op;
}

TEST(CustomOp, SeveralOutputsShapesAndDtypes) {
    Tensor x = Tensor::from<float>({1, 5, 2, 9, 0, 3}, {2, 3});
    x.set_requires_grad();
    const std::vector<Tensor> y = row_op().all({x, ids({1, 0})}, {3});
    ASSERT_EQ(y.size(), 2u);
    EXPECT_EQ(values(y[0]), (Floats{12, 8}));
    EXPECT_EQ(y[1].to_vector<int64_t>(), (std::vector<int64_t>{0, 1}));
    sum(y[0] * vec({10, 20})).backward();
    EXPECT_EQ(values(x.grad()), (Floats{20, 120, 20, 110, 10, 10}));
    EXPECT_TRUE(fails_with([&] { row_op()({x, ids({1, 0})}, {3}); }, {"rows: it has 2 outputs"}));
    EXPECT_TRUE(fails_with([&] { row_op().all({x, ids({1, 0})}, {4}); }, {"rows: [2, 3] is no matrix"}));
}

TEST(CustomOp, EmptyTensorsRunNothing) {
    const Tensor y = swish().by_kernel({zeros({0, 4})}, {1});
    EXPECT_EQ(y.shape(), (Shape{0, 4}));
    EXPECT_TRUE(values(y).empty());
}

TEST(CustomOp, NumbersArePartOfTheStructure) {
    const Tensor x = pattern({9});
    EXPECT_TRUE(near(values(swish().by_kernel({x}, {1})), values(reference_swish(x, 1)), 1e-6));
    EXPECT_TRUE(near(values(swish().by_kernel({x}, {3})), values(reference_swish(x, 3)), 1e-6));
    const auto before = cache_stats().compiles;
    EXPECT_TRUE(
        near(values(swish().by_kernel({pattern({9}, 5)}, {3})), values(reference_swish(pattern({9}, 5), 3)), 1e-6));
    EXPECT_LE(cache_stats().compiles - before, 1); // the comparison's own
}

TEST(CustomOp, EqualApplicationsRunOnceAndUnusedOnesNever) {
    static std::atomic<int> calls{0};
    KernelLibrary library;
    const CustomOp op(
        {.name = "count",
         .forward = {library.add("count", [](const WorkGroup&, std::span<const float> x, std::span<float> y) {
             ++calls;
             EXPECT_EQ(x.size(), 1u);
             EXPECT_EQ(y.size(), 1u);
             y[0] = x[0];
         })}});
    const Tensor x = vec({2});
    EXPECT_EQ(values(op({x}) + op({x})), Floats{4});
    EXPECT_EQ(calls, 1);
    { const Tensor dropped = op({x * 2.0}); }
    eval({});
    EXPECT_EQ(calls, 1);
}

TEST(CustomOp, WhatTheKernelThrowsBelongsToTheResults) {
    KernelLibrary library;
    const CustomOp op(
        {.name = "strict",
         .forward = {library.add("strict", [](const WorkGroup&, std::span<const float> x, std::span<float> y) {
             if (x[0] < 0) throw std::domain_error("negative");
             y[0] = x[0];
         })}});
    const Tensor cell = Tensor::buffer(vec({1}));
    values(cell);
    const Tensor bad = op({vec({-1})}), after = bad + 1.0;
    EXPECT_THROW(values(after), std::domain_error);
    EXPECT_THROW(values(bad), std::domain_error);
    EXPECT_THROW(values(bad * 2.0), std::domain_error); // dependents fail with the same error
    EXPECT_EQ(values(op({vec({4})})), Floats{4});       // others do not
    auto step = compile([&](const Tensor& x) { return op({x}) * 2.0; });
    EXPECT_THROW(values(step(vec({-1}))), std::domain_error);
    EXPECT_EQ(values(step(vec({3}))), Floats{6});
}

TEST(CustomOp, MistakesAreNamed) {
    const Tensor x = pattern({4});
    EXPECT_TRUE(fails_with([&] { swish().by_kernel({x}); }, {"swish: 1 tensors and 0 numbers", "it takes 1 and 1"}));
    EXPECT_TRUE(fails_with([&] { swish().by_kernel({x, x}, {1}); }, {"swish: 2 tensors and 1 numbers"}));
    EXPECT_TRUE(fails_with([&] { swish().by_kernel({ids({1})}, {1}); },
                           {"swish: no kernel takes (i64)", "there are kernels for (f32) or (f64)"}));
    KernelLibrary lib;
    const auto make = [](CustomOpOptions o) { return error_of([&] { CustomOp op(o); }); };
    const Kernel none = lib.add("none", [](const WorkGroup&, std::span<const float>) {});
    const Kernel words = lib.add("words", [](const WorkGroup&, std::span<const uint16_t>, std::span<float>) {});
    struct Pair {
        int a, b;
    };
    const Kernel pair = lib.add("pair", [](const WorkGroup&, std::span<const float>, std::span<float>, Pair) {});
    const Kernel two =
        lib.add("two", [](const WorkGroup&, std::span<const float>, std::span<const float>, std::span<float>) {});
    const Kernel mixed =
        lib.add("mixed", [](const WorkGroup&, std::span<const float>, std::span<int64_t>, std::span<float>) {});
    const Kernel whole = lib.add("whole", [](const WorkGroup&, std::span<const float> x, int32_t n,
                                             std::span<float> y) { y[0] = x[0] + static_cast<float>(n); });
    EXPECT_NE(make({.name = "", .forward = {two}}).find("the name is empty"), std::string::npos);
    EXPECT_NE(make({.name = "a", .forward = {}}).find("a: a custom operator needs at least one forward kernel"),
              std::string::npos);
    EXPECT_NE(make({.name = "a", .forward = {Kernel()}}).find("a: a kernel is empty"), std::string::npos);
    EXPECT_NE(make({.name = "a", .forward = {none}}).find("a: none(const f32[]) needs at least one"),
              std::string::npos);
    EXPECT_NE(make({.name = "a", .forward = {words}}).find("no dtype of tensors"), std::string::npos);
    EXPECT_NE(make({.name = "a", .forward = {pair}}).find("a value that is no number"), std::string::npos);
    EXPECT_NE(make({.name = "a", .forward = {two, whole}}).find("differ in the number"), std::string::npos);
    EXPECT_NE(make({.name = "a", .forward = {mixed}}).find("the first output must be a float"), std::string::npos);
    EXPECT_NE(make({.name = "a", .forward = {two}, .backward_kernels = {two}}).find("must take 3 inputs"),
              std::string::npos);
    const auto nothing = [](const CustomOpGradient&) { return std::vector<Tensor>{}; };
    EXPECT_NE(make({.name = "a", .forward = {two}, .backward = nothing, .backward_kernels = {two}}).find("not both"),
              std::string::npos);

    const CustomOp plus({.name = "plus", .forward = {two}, .backward = nothing});
    EXPECT_TRUE(fails_with([&] { plus({x, pattern({5})}); }, {"plus: shapes [4] and [5] differ"}));
    EXPECT_TRUE(fails_with([&] { plus({x, Tensor()}); }, {"plus", "undefined"}));
    EXPECT_TRUE(fails_with([&] { plus({x, x.to(Device::reference())}); }, {"plus: operands on cpu and reference"}));
    Tensor leaf = pattern({4});
    leaf.set_requires_grad();
    EXPECT_TRUE(fails_with(
        [&] {
            sum(plus({leaf, x})).backward();
        },
        {"plus: its backward gave 0 gradients for 2 inputs"}));
    const CustomOp wrong({.name = "wrong", .forward = {two}, .backward = [](const CustomOpGradient& g) {
                              return std::vector<Tensor>{g.grads[0], sum(g.grads[0])};
                          }});
    EXPECT_TRUE(fails_with(
        [&] {
            sum(wrong({leaf, leaf})).backward();
        },
        {"wrong: its backward gave", "as the gradient of input 1"}));
    const CustomOp shapeless(
        {.name = "s", .forward = {two}, .shapes = [](const auto&, const auto&) { return std::vector<Shape>{}; }});
    EXPECT_TRUE(fails_with([&] { shapeless({x, x}); }, {"s: its rule gave 0 shapes for 1 outputs"}));
    const CustomOp negative(
        {.name = "s", .forward = {two}, .shapes = [](const auto&, const auto&) { return std::vector<Shape>{{-2}}; }});
    EXPECT_TRUE(fails_with([&] { negative({x, x}); }, {"s: its rule gave the shape [-2]"}));
    const CustomOp number({.name = "whole", .forward = {whole}});
    EXPECT_EQ(values(number({vec({1})}, {2})), Floats{3});
    EXPECT_TRUE(fails_with([&] { number({vec({1})}, {2.5}); }, {"whole: number 0 is 2.5", "which does not fit i32"}));
    const CustomOp grid({.name = "grid", .forward = {two}, .grid = [](const auto&, const auto&) { return Dim3(-1); }});
    EXPECT_TRUE(fails_with([&] { values(grid({x, x})); }, {"dispatch of grid", "negative extent"}));
}

} // namespace
} // namespace ingot
