// SPDX-License-Identifier: MIT
// Trains one linear layer with the installed library, so that headers, library and what it links to are all used.
#include <cstdio>
#include <ingot/ingot.h>

using namespace ingot;

int main() {
    manual_seed(1);
    auto model = nn::Sequential{nn::Linear(4, 1)};
    auto opt = optim::SGD(model.parameters(), {.lr = 0.1});
    Tensor x = randn({64, 4});
    Tensor y = sum(x, {1}, true);
    float first = 0, last = 0;
    for (int step = 0; step < 50; ++step) {
        Tensor loss = nn::mse_loss(model(x), y);
        opt.zero_grad();
        loss.backward();
        opt.step();
        last = loss.item<float>();
        if (step == 0) first = last;
    }
    if (!(last < 0.1f * first)) {
        std::printf("loss went from %g to %g\n", first, last);
        return 1;
    }
    std::printf("loss fell from %g to %g\n", first, last);
}
