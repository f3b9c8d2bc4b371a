// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstdio>
#include <ingot/ingot.h>

using namespace ingot;

int main() {
    manual_seed(1);
    nn::Sequential model{nn::Linear(64, 256), nn::GELU(), nn::Linear(256, 10)};
    optim::AdamW opt(model.parameters(), {.lr = 1e-3});
    auto step = compile([&](const Tensor& x, const Tensor& y) {
        Tensor loss = nn::cross_entropy(model(x), y);
        opt.zero_grad();
        loss.backward();
        opt.step();
        return loss;
    });
    step(randn({128, 64}), randint(0, 10, {128})).eval(); // compiles

    profiler::start("trace.json");
    for (int i = 0; i < 50; ++i) {
        Tensor x, y;
        {
            profiler::Scope scope("make a batch", profiler::Phase::data); // a part of your own
            x = randn({128, 64}).eval();
            y = randint(0, 10, {128}).eval();
        }
        step(x, y).eval();
    }
    profiler::stop(); // writes trace.json

    profiler::Summary summary = profiler::summary();
    std::printf("%s", summary.str().c_str());
    double measured = summary.host_seconds;
    for (double seconds : summary.phase_seconds) measured += seconds;
    double forward = summary.phase_seconds[static_cast<int>(profiler::Phase::forward)];
    return forward > 0 && std::abs(measured - summary.seconds) < 1e-6 ? 0 : 1; // the tests run this program
}
