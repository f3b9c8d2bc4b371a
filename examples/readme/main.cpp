// SPDX-License-Identifier: MIT
#include <cstdio>
#include <ingot/ingot.h>

using namespace ingot;

int main() {
    manual_seed(1);
    auto model = nn::Sequential{nn::Conv2d(1, 16, {.kernel = 3, .padding = 1}), nn::ReLU(), nn::MaxPool2d(2),
                                nn::Flatten(), nn::Linear(16 * 6 * 6, 10)};
    auto opt = optim::AdamW(model.parameters(), {.lr = 2e-3});

    // Forward, loss, backward and update become one executable; later calls only submit it.
    auto step = compile([&](const Tensor& images, const Tensor& labels) {
        opt.zero_grad();
        Tensor loss = nn::cross_entropy(model(images), labels);
        loss.backward();
        opt.step();
        return loss;
    });

    Tensor patterns = randn({10, 1, 12, 12}); // ten classes; an image is its class's pattern under noise
    float first = 0, last = 0;
    for (int i = 0; i <= 100; ++i) {
        Tensor labels = randint(0, 10, {64});
        Tensor images = index_select(patterns, 0, labels) + 2.0 * randn({64, 1, 12, 12});
        last = step(images, labels).item<float>();
        if (i == 0) first = last;
        if (i % 20 == 0) std::printf("step %3d  loss %.3f\n", i, last);
    }
    return last < first / 4 ? 0 : 1; // the tests run this program
}
