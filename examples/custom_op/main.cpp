// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstdio>
#include <ingot/ingot.h>

using namespace ingot;

int main() {
    // y = x / (1 + exp(-b x)) and its gradient, for both float types: swish_f32, swish_f64 and so on.
    KernelLibrary library;
    auto forward = library.add_for<float, double>(
        "swish", []<class T>(const WorkGroup& group, std::span<const T> x, T b, std::span<T> y) {
            group.for_each([&](int64_t i) { y[i] = x[i] / (1 + std::exp(-b * x[i])); });
        });
    auto backward =
        library.add_for<float, double>("swish_backward", []<class T>(const WorkGroup& group, std::span<const T> x,
                                                                     std::span<const T> gy, T b, std::span<T> gx) {
            group.for_each([&](int64_t i) {
                T s = 1 / (1 + std::exp(-b * x[i]));
                gx[i] = gy[i] * (s + b * x[i] * s * (1 - s));
            });
        });
    CustomOp swish({.name = "swish", .forward = forward, .backward_kernels = backward});

    // The gradient is checked against central differences.
    gradcheck([&](const std::vector<Tensor>& in) { return swish({in[0]}, {1.5}); }, {randn({4, 3}, {.dtype = f64})});

    // It is an operator like any other: here inside a compiled training step.
    manual_seed(1);
    nn::Sequential first{nn::Linear(2, 32)}, second{nn::Linear(32, 1)};
    std::vector<Tensor> parameters = first.parameters();
    for (const Tensor& p : second.parameters()) parameters.push_back(p);
    optim::Adam opt(parameters, {.lr = 1e-2});
    auto step = compile([&](const Tensor& x, const Tensor& y) {
        Tensor loss = nn::mse_loss(second(swish({first(x)}, {1})), y);
        opt.zero_grad();
        loss.backward();
        opt.step();
        return loss;
    });
    float start = 0, end = 0;
    for (int i = 0; i < 300; ++i) {
        Tensor x = randn({64, 2});
        Tensor y = sum(x * x, {1}, true);
        end = step(x, y).item<float>();
        if (i == 0) start = end;
    }
    int kernels = 0;
    for (const auto& kernel : step.executable().report().kernels) kernels += kernel.name.starts_with("custom:");
    std::printf("loss %.3f -> %.3f, %d custom kernels in the step\n", start, end, kernels);
    return end < start / 10 && kernels == 2 ? 0 : 1; // the tests run this program
}
