// SPDX-License-Identifier: MIT
// Gradients: backward() as in PyTorch, grad() as a function, higher orders, and how to check a gradient of your own.
#include <cmath>
#include <cstdio>
#include <ingot/ingot.h>

using namespace ingot;

int main() {
    // backward() adds to the leaves' grad(), until zero_grad().
    Tensor w = Tensor::from(std::vector<float>{1, 2, 3}, {3}, {.requires_grad = true});
    sum(square(w)).backward();
    sum(3 * w).backward();
    std::printf("d/dw of w^2 + 3 w at 1, 2, 3:");
    for (const float g : w.grad().to_vector<float>()) std::printf(" %g", g); // 5 7 9
    w.zero_grad();
    std::printf("; after zero_grad() grad() is %s\n", w.grad().defined() ? "defined" : "undefined");

    // Without recording: inside no_grad(), or from a detached tensor.
    Tensor frozen = no_grad([&] { return w * 2; });
    std::printf("no_grad: %s, detach: %s\n", frozen.requires_grad() ? "records" : "does not record",
                w.detach().requires_grad() ? "records" : "does not record");

    // grad() gives gradients as values. With create_graph they can be differentiated again: Newton's method on
    // f(x) = x^3 - 2 x - 5, whose root Newton himself computed (2.0945514815).
    Tensor x = Tensor::scalar(2.0, {.dtype = f64});
    for (int i = 0; i < 5; ++i) {
        x = x.detach().set_requires_grad();
        Tensor f = x * x * x - 2 * x - 5;
        Tensor slope = grad({f}, {x})[0];
        x = x.detach() - f.detach() / slope;
    }
    const double root = x.item();
    std::printf("root of x^3 - 2 x - 5: %.10f\n", root);

    // Second derivative of sin at 1: -sin(1).
    Tensor t = Tensor::scalar(1.0, {.dtype = f64, .requires_grad = true});
    Tensor first = grad({sin(t)}, {t}, {}, {.create_graph = true})[0];
    Tensor second = grad({first}, {t})[0];
    std::printf("sin''(1) = %.6f\n", second.item());

    // gradcheck compares with central differences and throws if they differ. Inputs are f64.
    manual_seed(0);
    const auto formula = [](const std::vector<Tensor>& in) { return tanh(matmul(in[0], in[1])) * exp(-in[0]); };
    gradcheck(formula, {randn({3, 3}, {.dtype = f64}).eval(), randn({3, 3}, {.dtype = f64}).eval()},
              {.second_order = true});
    std::printf("gradcheck: first and second order agree with differences\n");

    return std::abs(root - 2.0945514815) < 1e-9 && std::abs(second.item() + std::sin(1.0)) < 1e-12 ? 0 : 1;
}
