// SPDX-License-Identifier: MIT
// Functional gradients: nothing is stored, any order, any inputs.
#include "runtime/rules_testing.h"

using namespace ingot;
using namespace ingot::rulestest;

namespace {

TEST(Grad, StoresNothing) {
    const Tensor w = param({1, 2}), x = vec({3, 4}, {.requires_grad = true});
    const auto g = grad({sum(w * x)}, {x, w});
    ASSERT_EQ(g.size(), 2u);
    EXPECT_EQ(values(g[0]), (Floats{1, 2}));
    EXPECT_EQ(values(g[1]), (Floats{3, 4}));
    EXPECT_FALSE(w.grad().defined());
    EXPECT_FALSE(x.grad().defined());
    EXPECT_FALSE(g[0].requires_grad());
}

TEST(Grad, SecondOrder) {
    const Tensor x = vec({2, 3}, {.requires_grad = true});
    const Tensor y = sum(x * x * x);
    const Tensor first = grad({y}, {x}, {}, {.create_graph = true})[0];
    EXPECT_TRUE(first.requires_grad());
    const Tensor second = grad({sum(first)}, {x})[0];
    EXPECT_EQ(values(first), (Floats{12, 27}));
    EXPECT_EQ(values(second), (Floats{12, 18}));
}

TEST(Grad, OrdersUpToFour) {
    const Tensor x = vec({0.3, 0.7}, {.requires_grad = true});
    Tensor y = sin(x);
    for (int order = 1; order <= 4; ++order) y = grad({sum(y)}, {x}, {}, {.create_graph = true})[0];
    EXPECT_TRUE(near(values(y), values(sin(x)), 1e-5)); // sin'''' = sin
}

TEST(Grad, SecondOrderAfterReadingTheFirst) {
    const Tensor x = vec({2, 3}, {.requires_grad = true});
    const Tensor first = grad({sum(exp(x) * x)}, {x}, {}, {.create_graph = true})[0]; // (x + 1) e^x
    values(first);
    const Tensor second = grad({sum(first)}, {x})[0]; // (x + 2) e^x
    EXPECT_TRUE(near(values(second), {4 * std::exp(2.0f), 5 * std::exp(3.0f)}, 1e-5));
}

TEST(Grad, MixedDerivatives) {
    const Tensor x = vec({2}, {.requires_grad = true}), y = vec({3}, {.requires_grad = true});
    const Tensor f = x * x * y * y * y;
    const Tensor fx = grad({f}, {x}, {}, {.create_graph = true})[0]; // 2 x y^3
    const auto second = grad({fx}, {x, y});
    EXPECT_EQ(second[0].item(), 54);         // 2 y^3
    EXPECT_EQ(second[1].item(), 2 * 2 * 27); // 6 x y^2
}

TEST(Grad, APenaltyOnTheGradientTrains) {
    const Tensor w = param({1, 2});
    const Tensor loss = sum(w * w * w); // gradient 3 w^2
    const Tensor g = grad({loss}, {w}, {}, {.create_graph = true})[0];
    (loss + sum(g * g)).backward(); // 3 w^2 + 36 w^3
    EXPECT_EQ(values(w.grad()), (Floats{39, 300}));
}

TEST(Grad, SeveralOutputsAndWeights) {
    const Tensor x = vec({1, 2}, {.requires_grad = true});
    const Tensor a = x * 2, b = x * x;
    const auto g = grad({a, b}, {x}, {vec({1, 10}), vec({100, 1000})});
    EXPECT_EQ(values(g[0]), (Floats{2 + 200, 20 + 4000}));
    const auto partial = grad({sum(x * 2), sum(x * x)}, {x});
    EXPECT_EQ(values(partial[0]), (Floats{4, 6}));
}

TEST(Grad, OfWhatIsNotALeaf) {
    const Tensor x = vec({1, 2}, {.requires_grad = true});
    const Tensor h = x * 3;
    const auto g = grad({sum(h * h)}, {h, x});
    EXPECT_EQ(values(g[0]), (Floats{6, 12}));
    EXPECT_EQ(values(g[1]), (Floats{18, 36}));
}

TEST(Grad, UnusedInputs) {
    const Tensor x = vec({1, 2}, {.requires_grad = true}), unused = vec({1}, {.requires_grad = true});
    const Tensor y = sum(x * x);
    EXPECT_FALSE(error_of([&] { grad({y}, {x, unused}, {}, {.retain_graph = true}); }).empty());
    const auto g = grad({y}, {x, unused}, {}, {.allow_unused = true});
    EXPECT_EQ(values(g[0]), (Floats{2, 4}));
    EXPECT_FALSE(g[1].defined());
}

TEST(Grad, Errors) {
    const Tensor x = vec({1, 2}, {.requires_grad = true}), data = vec({1, 2});
    EXPECT_FALSE(error_of([&] { grad({sum(data)}, {data}); }).empty());
    EXPECT_TRUE(fails_with([&] { grad({x * 2}, {x}); }, {"[2]"}));
    EXPECT_TRUE(fails_with([&] { grad({x * 2}, {x}, {ones({3})}); }, {"[2]", "[3]"}));
    const Tensor y = sum(x * x);
    grad({y}, {x});
    EXPECT_TRUE(fails_with([&] { grad({y}, {x}); }, {"retain_graph"}));
}

TEST(Grad, RetainGraph) {
    const Tensor x = vec({1, 2}, {.requires_grad = true});
    const Tensor y = sum(x * x);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(values(grad({y}, {x}, {}, {.retain_graph = true})[0]), (Floats{2, 4}));
    y.backward();
    EXPECT_EQ(values(x.grad()), (Floats{2, 4}));
}

TEST(Grad, WithDropoutTheSecondOrderUsesTheSameMask) {
    manual_seed(3);
    const Tensor x = param(Floats(64, 2));
    const Tensor y = dropout(x * x * x, 0.5);
    const Tensor first = grad({sum(y)}, {x}, {}, {.create_graph = true})[0];
    const Tensor second = grad({sum(first)}, {x}, {}, {.retain_graph = true})[0];
    const Floats vy = values(y), v1 = values(first), v2 = values(second);
    for (size_t i = 0; i < 64; ++i) {
        EXPECT_TRUE(near({v1[i], v2[i]}, vy[i] == 0 ? Floats{0, 0} : Floats{24, 24}, 1e-5)) << i;
    }
}

} // namespace
