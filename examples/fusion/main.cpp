// SPDX-License-Identifier: MIT
// Fusion: a chain of operations that is read at its end becomes one pass over memory; the same chain, evaluated operation by
// operation as eager frameworks do, writes and reads every intermediate value. The report says what was launched.
// --full measures longer, on larger tensors.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ingot/ingot.h>

using namespace ingot;

namespace {

/// Seconds of the fastest of `times` runs of f.
template <class F> double fastest(int times, const F& f) {
    double best = INFINITY;
    for (int i = 0; i < times; ++i) {
        const auto start = std::chrono::steady_clock::now();
        f();
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

/// A layer's tail: bias, GELU (tanh form), scale and residual. `each` is applied to every intermediate tensor.
template <class Each> Tensor tail(const Tensor& x, const Tensor& bias, const Tensor& residual, const Each& each) {
    Tensor v = each(x + bias);
    Tensor cubic = each(each(each(v * v) * v) * 0.044715);
    Tensor inner = each(each(v + cubic) * 0.7978845608);
    Tensor gate = each(each(tanh(inner)) + 1.0);
    return each(each(each(v * 0.5) * gate) + residual);
}

} // namespace

int main(int argc, char** argv) {
    const bool full = argc > 1 && std::strcmp(argv[1], "--full") == 0;
    const int64_t rows = full ? 4096 : 512;
    const int times = full ? 50 : 5;
    manual_seed(0);
    Tensor x = randn({rows, 1024}).eval(), bias = randn({1024}).eval(), residual = randn({rows, 1024}).eval();

    const auto fused = [&] { return tail(x, bias, residual, [](const Tensor& t) { return t; }).eval(); };
    const auto one_by_one = [&] { return tail(x, bias, residual, [](const Tensor& t) { return t.eval(); }); };
    const double difference = max(abs(fused() - one_by_one())).item();

    fused();
    const Report report = last_executable();
    std::printf("one expression:\n%s", report.str().c_str());
    double bytes = 0;
    for (const Report::Kernel& kernel : report.kernels) bytes += kernel.bytes;
    const double fused_s = fastest(times, fused), single_s = fastest(times, one_by_one);
    std::printf("fused %.2f ms (%.1f GB/s), operation by operation %.2f ms: %.1f times as long\n", fused_s * 1e3,
                bytes / fused_s / 1e9, single_s * 1e3, single_s / fused_s);

    // A whole training step: forward, loss, backward and update. The elementwise work joins the products around it or each
    // other, and the update of all parameters is one launch.
    auto model = nn::Sequential{nn::Linear(256, 512), nn::GELU(), nn::LayerNorm({512}), nn::Linear(512, 10)};
    auto opt = optim::AdamW(model.parameters(), {.lr = 1e-3});
    auto step = compile([&](const Tensor& images, const Tensor& labels) {
        opt.zero_grad();
        Tensor loss = nn::cross_entropy(model(images), labels);
        loss.backward();
        opt.step();
        return loss;
    });
    step(randn({64, 256}), randint(0, 10, {64})).item();
    const Report whole = step.executable().report();
    std::printf("a training step: %zu kernels, %lld operators share one with others, %lld submission\n",
                whole.kernels.size(), static_cast<long long>(whole.fused), static_cast<long long>(whole.submissions));

    // Times depend on the machine and on who else uses it, so only what must hold everywhere is checked.
    return report.kernels.size() == 1 && report.fused >= 10 && difference < 1e-5 && whole.submissions == 1 &&
                   single_s > fused_s
               ? 0
               : 1;
}
