// SPDX-License-Identifier: MIT
// Explicit graphs: placeholders, binding, reports, errors.
#include "runtime/rules_testing.h"

#include <ingot/graph.h>

using namespace ingot;
using namespace ingot::rulestest;

namespace {

TEST(ExplicitGraph, RunsWithOtherData) {
    Graph g;
    const Tensor x = g.placeholder({2, 3});
    const Tensor w = Tensor::from(Floats{1, 0, 0, 1, 1, 1}, {3, 2});
    const Tensor y = g.relu(g.matmul(x, w));
    EXPECT_EQ(y.shape(), (Shape{2, 2}));
    const auto executable = g.compile(Device::cpu(), {x}, {y});
    EXPECT_EQ(values(executable.run({Tensor::from(Floats{1, 2, 3, -1, -2, -3}, {2, 3})})[0]), (Floats{4, 5, 0, 0}));
    EXPECT_EQ(values(executable.run({ones({2, 3})})[0]), (Floats{2, 2, 2, 2})); // pending inputs
    EXPECT_EQ(executable.report().submissions, 1);
    EXPECT_GE(executable.report().launches(), 1);
}

TEST(ExplicitGraph, SeveralInputsAndOutputs) {
    Graph g;
    const Tensor a = g.placeholder({2}), b = g.placeholder({2});
    const Tensor total = g.add(a, b), product = g.mul(a, b);
    const auto executable = g.compile(Device::cpu(), {b, a}, {product, total, a, g.constant(4, {3})});
    for (float k = 0; k < 3; ++k) {
        const auto out = executable.run({vec({10, 20}), vec({k, 1})});
        ASSERT_EQ(out.size(), 4u);
        EXPECT_EQ(values(out[0]), (Floats{10 * k, 20}));
        EXPECT_EQ(values(out[1]), (Floats{10 + k, 21}));
        EXPECT_EQ(values(out[2]), (Floats{k, 1}));
        EXPECT_EQ(values(out[3]), Floats(3, 4));
    }
}

TEST(ExplicitGraph, EveryDevice) {
    for (const Device device : {Device::cpu(), Device::reference()}) {
        Graph g;
        const Tensor x = g.placeholder({1, 1, 4, 4}, f32, device);
        const Tensor w = full({2, 1, 3, 3}, 1.0, {.device = device});
        const Tensor y = g.softmax(g.reshape(g.max_pool2d(g.conv2d(x, w), 2), {1, 2}), 1);
        const auto executable = g.compile(device, {x}, {y, g.sum(y, {})});
        const auto out = executable.run({full({1, 1, 4, 4}, 0.5, {.device = device})});
        EXPECT_TRUE(near(values(out[0]), {0.5, 0.5}, 1e-6));
        EXPECT_NEAR(out[1].item(), 1, 1e-6);
    }
}

TEST(ExplicitGraph, ResultsStay) {
    Graph g;
    const Tensor x = g.placeholder({2});
    const auto executable = g.compile(Device::cpu(), {x}, {x * 2 + 1});
    const Tensor first = executable.run({vec({1, 2})})[0], second = executable.run({vec({3, 4})})[0];
    EXPECT_EQ(values(first), (Floats{3, 5}));
    EXPECT_EQ(values(second), (Floats{7, 9}));
    EXPECT_EQ(values(first + second), (Floats{10, 14}));
}

TEST(ExplicitGraph, TheExecutableOutlivesTheGraph) {
    GraphExecutable executable;
    {
        Graph g;
        const Tensor x = g.placeholder({2});
        executable = g.compile(Device::cpu(), {x}, {g.tanh(x)});
    }
    clear_cache();
    EXPECT_TRUE(near(values(executable.run({vec({0, 1})})[0]), {0, 0.76159416f}, 1e-6));
}

TEST(ExplicitGraph, Errors) {
    Graph g;
    const Tensor x = g.placeholder({2, 3}), z = g.placeholder({2, 3});
    EXPECT_TRUE(fails_with([&] { values(x); }, {"placeholder"}));
    EXPECT_FALSE(error_of([&] { values(x + 1); }).empty());
    EXPECT_TRUE(fails_with([&] { g.matmul(x, x); }, {"matmul", "[2, 3]"}));
    EXPECT_TRUE(fails_with([&] { g.compile(Device::cpu(), {x}, {x + z}); }, {"placeholder"}));
    EXPECT_FALSE(error_of([&] { g.compile(Device::reference(), {x}, {x + 1}); }).empty());
    const auto executable = g.compile(Device::cpu(), {x}, {x + 1});
    EXPECT_TRUE(fails_with([&] { executable.run({zeros({3, 2})}); }, {"[2, 3]", "[3, 2]"}));
    EXPECT_TRUE(fails_with([&] { executable.run({zeros({2, 3}, {.dtype = f64})}); }, {"f32", "f64"}));
    EXPECT_FALSE(error_of([&] { executable.run({}); }).empty());
    EXPECT_FALSE(error_of([&] { executable.run({zeros({2, 3}, {.device = Device::reference()})}); }).empty());
    EXPECT_EQ(values(executable.run({zeros({2, 3})})[0]), Floats(6, 1));
    // Placeholders that are around do not disturb other work.
    EXPECT_EQ(values(vec({1}) + 1), Floats{2});
}

} // namespace
