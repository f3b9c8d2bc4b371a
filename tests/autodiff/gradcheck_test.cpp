// SPDX-License-Identifier: MIT
// gradcheck() itself: it accepts right gradients and catches wrong ones. Wrong ones are made with detach().
#include "runtime/rules_testing.h"

using namespace ingot;
using namespace ingot::rulestest;

namespace {

using Inputs = std::vector<Tensor>;

Tensor leaf(const std::vector<double>& v) {
    return Tensor::from(v, Shape{static_cast<int64_t>(v.size())}, {.requires_grad = true});
}
/// Known values in (-1, 1).
Tensor leaf(const Shape& shape, int64_t salt) {
    return Tensor::from(pattern(shape, salt).to_vector<double>(), shape, {.requires_grad = true});
}

TEST(Gradcheck, AcceptsRightGradients) {
    gradcheck([](const Inputs& in) { return exp(in[0]) * in[1] + tanh(in[0]); }, {leaf({0.1, 0.5}), leaf({2, -1})});
    gradcheck([](const Inputs& in) { return softmax(matmul(in[0], in[1])); },
              {leaf(Shape{2, 3}, 1), leaf(Shape{3, 2}, 2)}, {.second_order = true});
}

TEST(Gradcheck, CatchesAWrongGradient) {
    // The value is x^2, but half of the gradient is cut off.
    const std::string text = error_of([] {
        gradcheck([](const Inputs& in) { return in[0] * in[0].detach(); }, {leaf({1, 2, 3})});
    });
    EXPECT_NE(text.find("seed"), std::string::npos) << text;
}

TEST(Gradcheck, CatchesAWrongGradientOfOneInput) {
    EXPECT_THROW(
        gradcheck([](const Inputs& in) { return in[0] * in[1] + in[1].detach() * 0.01; }, {leaf({1, 2}), leaf({3, 4})}),
        Error);
}

TEST(Gradcheck, CatchesASmallError) {
    EXPECT_THROW(gradcheck([](const Inputs& in) { return in[0] * 0.9999 + in[0].detach() * 0.0001; }, {leaf({1, 2})}),
                 Error);
}

TEST(Gradcheck, CatchesAWrongSecondGradient) {
    // Value and first gradient are those of x^2, the second gradient is 0.
    const auto f = [](const Inputs& in) { return in[0] * in[0].detach() * 2 - square(in[0].detach()); };
    gradcheck(f, {leaf({1, 2})});
    EXPECT_THROW(gradcheck(f, {leaf({1, 2})}, {.second_order = true}), Error);
}

TEST(Gradcheck, CatchesRandomness) {
    EXPECT_THROW(gradcheck([](const Inputs& in) { return in[0] + rand({2}, {.dtype = f64}); }, {leaf({1, 2})}), Error);
}

TEST(Gradcheck, WantsDoubles) {
    EXPECT_TRUE(fails_with(
        [] {
            gradcheck([](const Inputs& in) { return in[0] * 2; }, {vec({1, 2}, {.requires_grad = true})});
        },
        {"f64"}));
}

TEST(Gradcheck, WholeNetworks) {
    const Tensor x = pattern({2, 2, 5, 5}).to(f64).eval();
    gradcheck(
        [&](const Inputs& in) {
            const Tensor h = tanh(conv2d(x, in[0], in[1], {.padding = 1}));
            const Tensor n = batch_norm_train(h, in[2], in[3]).y;
            return cross_entropy(reshape(avg_pool2d(n, 5), {2, 3}), ids({0, 2}));
        },
        {leaf(Shape{3, 2, 3, 3}, 2), leaf({0.1, 0.2, 0.3}), leaf({1, 2, 3}), leaf({0, 1, 2})}, {.tolerance = 1e-5});
}

} // namespace
