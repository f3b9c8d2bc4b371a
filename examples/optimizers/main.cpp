// SPDX-License-Identifier: MIT
// Optimizers side by side on one problem: a deep narrow network fits a bumpy function, each optimizer with a learning rate
// that suits it. The table shows the loss on the way. --full trains longer.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <ingot/ingot.h>
#include <memory>
#include <string>
#include <vector>

using namespace ingot;

namespace {

using Make = std::function<std::unique_ptr<optim::Optimizer>(const std::vector<Tensor>&)>;

template <class O, class Options> Make make(Options options) {
    return [options](const std::vector<Tensor>& parameters) { return std::make_unique<O>(parameters, options); };
}

} // namespace

int main(int argc, char** argv) {
    const bool full = argc > 1 && std::strcmp(argv[1], "--full") == 0;
    const int steps = full ? 5'000 : 400;
    manual_seed(0);
    Tensor x = (4 * rand({512, 1}) - 2).eval();
    Tensor y = (sin(3 * x) + 0.3 * sin(11 * x)).eval();

    const std::vector<std::pair<std::string, Make>> all = {
        {"SGD", make<optim::SGD>(optim::SGDOptions{.lr = 0.05})},
        {"SGD momentum", make<optim::SGD>(optim::SGDOptions{.lr = 0.05, .momentum = 0.9})},
        {"SGD Nesterov", make<optim::SGD>(optim::SGDOptions{.lr = 0.02, .momentum = 0.9, .nesterov = true})},
        {"Adam", make<optim::Adam>(optim::AdamOptions{.lr = 5e-3})},
        {"AdamW", make<optim::AdamW>(optim::AdamWOptions{.lr = 5e-3, .weight_decay = 1e-3})},
    };
    std::printf("%-14s", "loss at step");
    for (int at = 1; at <= 4; ++at) std::printf(" %9d", steps * at / 4);
    std::printf("\n");
    double sgd = 0, best = INFINITY;
    for (const auto& [name, make_optimizer] : all) {
        manual_seed(7); // the same first weights for all
        auto model = nn::Sequential{nn::Linear(1, 64), nn::Tanh(), nn::Linear(64, 64), nn::Tanh(), nn::Linear(64, 1)};
        const auto opt = make_optimizer(model.parameters());
        auto step = compile([&] {
            opt->zero_grad();
            Tensor loss = nn::mse_loss(model(x), y);
            loss.backward();
            opt->step();
            return loss;
        });
        std::printf("%-14s", name.c_str());
        double last = 0;
        for (int i = 1; i <= steps; ++i) {
            Tensor loss = step();
            if (i % (steps / 4) == 0) std::printf(" %9.5f", last = loss.item());
        }
        std::printf("\n");
        if (!std::isfinite(last)) return 1;
        if (name == "SGD") sgd = last;
        best = std::min(best, last);
    }
    return best < 0.1 * sgd ? 0 : 1;
}
