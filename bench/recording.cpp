// SPDX-License-Identifier: MIT
// What plain style costs the host: recording, differentiating, keying, binding and submitting a lenet training step, with
// the kernels left out. Prints one JSON line; us_per_op is the budget of docs/architecture.md (2 us).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include <ingot/ingot.h>

#include "runtime/executable.h"

using namespace ingot;

namespace {

nn::Sequential lenet() {
    return nn::Sequential{nn::Conv2d(1, 6, {.kernel = 5, .padding = 2}),
                          nn::ReLU(),
                          nn::MaxPool2d(2),
                          nn::Conv2d(6, 16, {.kernel = 5}),
                          nn::ReLU(),
                          nn::MaxPool2d(2),
                          nn::Flatten(),
                          nn::Linear(400, 120),
                          nn::ReLU(),
                          nn::Linear(120, 84),
                          nn::ReLU(),
                          nn::Linear(84, 10)};
}

} // namespace

int main() {
    auto model = lenet();
    optim::Adam opt(model.parameters(), {.lr = 1e-3});
    const Tensor x = randn({64, 1, 28, 28}), y = zeros({64}, {.dtype = i64});
    eval({x, y});
    const auto step = [&] {
        const Tensor loss = nn::cross_entropy(model(x), y);
        opt.zero_grad();
        loss.backward();
        opt.step();
    };
    for (int i = 0; i < 3; ++i) step();
    runtime::stub_execution(true);
    const auto seconds = [] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    };
    std::vector<double> windows;
    int64_t ops = 0;
    const int steps = 200;
    for (int w = 0; w < 7; ++w) {
        const EvalStats before = eval_stats();
        const double begin = seconds();
        for (int i = 0; i < steps; ++i) step();
        windows.push_back((seconds() - begin) / steps * 1e6);
        ops = (eval_stats().recorded - before.recorded) / steps;
    }
    std::sort(windows.begin(), windows.end());
    const double us = windows[windows.size() / 2];
    std::printf("{\"bench\":\"recording\",\"ops_per_step\":%lld,\"us_per_step\":%.2f,\"us_per_op\":%.4f,\"min\":%.2f,"
                "\"max\":%.2f}\n",
                static_cast<long long>(ops), us, us / static_cast<double>(ops), windows.front(), windows.back());
    return 0;
}
