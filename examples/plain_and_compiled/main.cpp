// SPDX-License-Identifier: MIT
// Plain style and compiled style are the same thing at two prices. Plain code records each step anew and may do whatever C++
// can (look at values, branch, stop); compile() records once and then only submits. Both write the same parameters, draw the
// same random numbers and round the same way, so they can be mixed: here a plain warm-up, compiled steps, a plain look.
#include <cstdio>
#include <ingot/ingot.h>
#include <vector>

using namespace ingot;

namespace {

/// A model, its optimizer and both ways of making a step.
struct Training {
    nn::Sequential model;
    optim::SGD opt;
    Training()
        : model((manual_seed(3), nn::Sequential{nn::Linear(16, 64), nn::ReLU(), nn::Dropout(0.2), nn::Linear(64, 4)})),
          opt(model.parameters(), {.lr = 0.1, .momentum = 0.9}) {}

    /// Plain: looks eager, records forward, backward and update; opt.step() submits all of it.
    Tensor plain(const Tensor& x, const Tensor& y) {
        opt.zero_grad();
        Tensor loss = nn::cross_entropy(model(x), y);
        loss.backward();
        opt.step();
        return loss;
    }
};

} // namespace

int main() {
    manual_seed(0);
    Tensor x = randn({256, 16}).eval();
    Tensor y = argmax(slice(x, 1, 0, 4), {1}).eval();
    constexpr int kSteps = 60;

    // Only plain.
    Training a;
    std::vector<float> plain_losses;
    for (int i = 0; i < kSteps; ++i) plain_losses.push_back(a.plain(x, y).item<float>());

    // Mixed: every third step is plain, the others go through the compiled function.
    Training b;
    auto compiled = compile([&](const Tensor& images, const Tensor& labels) { return b.plain(images, labels); });
    std::vector<float> mixed_losses;
    for (int i = 0; i < kSteps; ++i)
        mixed_losses.push_back((i % 3 == 0 ? b.plain(x, y) : compiled(x, y)).item<float>());

    int equal = 0;
    for (size_t i = 0; i < kSteps; ++i) equal += plain_losses[i] == mixed_losses[i];
    std::printf("loss %.4f -> %.4f; %d of %d losses have the same bits in both styles\n", plain_losses.front(),
                plain_losses.back(), equal, kSteps);

    // What plain code can do and compiled code cannot: read a value and decide. Inside compile() that throws.
    try {
        compile([&](const Tensor& t) { return t.numel() > 0 && sum(t).item() > 0 ? t : -t; })(x);
        return 1;
    } catch (const Error& error) { std::printf("inside compile(): %s\n", error.what()); }

    // A new shape is a new variant; evaluation mode is one too. Both are compiled at their first call.
    compiled(slice(x, 0, 0, 100), slice(y, 0, 0, 100)).item();
    std::printf("variants: %lld\n", static_cast<long long>(compiled.variants()));
    return equal == kSteps && compiled.variants() == 2 && plain_losses.back() < plain_losses.front() / 2 ? 0 : 1;
}
