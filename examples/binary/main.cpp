// SPDX-License-Identifier: MIT
// Binary classification: two interleaved half moons, a small MLP with one output, the loss on logits, and the measures one
// looks at for two classes. --full trains longer on more points.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ingot/ingot.h>

using namespace ingot;

namespace {

struct Points {
    Tensor x; ///< [N, 2]
    Tensor y; ///< [N, 1], 0 or 1
};

/// Two half circles that reach into each other, with noise.
Points moons(int64_t count) {
    Tensor angle = rand({count}) * M_PI;
    Tensor y = bernoulli({count});
    Tensor sign = 1 - 2 * y; // the second moon is the first one turned and moved
    Tensor x0 = cos(angle) * sign + y, x1 = sin(angle) * sign + 0.5 * y;
    return {(stack({x0, x1}, 1) + 0.1 * randn({count, 2})).eval(), unsqueeze(y, 1).eval()};
}

} // namespace

int main(int argc, char** argv) {
    const bool full = argc > 1 && std::strcmp(argv[1], "--full") == 0;
    manual_seed(1);
    const Points train = moons(full ? 20'000 : 1'000), test = moons(full ? 10'000 : 1'000);

    auto model = nn::Sequential{nn::Linear(2, 32), nn::ReLU(), nn::Linear(32, 32), nn::ReLU(), nn::Linear(32, 1)};
    auto opt = optim::AdamW(model.parameters(), {.lr = 1e-2});
    auto step = compile([&](const Tensor& x, const Tensor& y) {
        opt.zero_grad();
        Tensor loss = nn::bce_with_logits(model(x), y);
        loss.backward();
        opt.step();
        return loss;
    });
    const int steps = full ? 2'000 : 300;
    const int64_t batch = 128, count = train.x.size(0);
    for (int i = 0; i < steps; ++i) {
        Tensor rows = randint(0, count, {batch});
        Tensor loss = step(index_select(train.x, 0, rows), index_select(train.y, 0, rows));
        if (i % (steps / 5) == 0) std::printf("step %4d  loss %.4f\n", i, loss.item());
    }

    // Everything that is counted is one graph, read once.
    model.eval();
    Tensor probability = no_grad([&] { return sigmoid(model(test.x)); });
    Tensor said = (probability > 0.5).to(f32);
    const std::vector<float> counts =
        stack({sum(said * test.y), sum(said * (1 - test.y)), sum((1 - said) * test.y), sum((1 - said) * (1 - test.y))})
            .to_vector<float>();
    const double tp = counts[0], fp = counts[1], fn = counts[2], tn = counts[3];
    const double accuracy = (tp + tn) / (tp + fp + fn + tn), precision = tp / (tp + fp), recall = tp / (tp + fn);
    std::printf("accuracy %.4f  precision %.4f  recall %.4f  F1 %.4f\n", accuracy, precision, recall,
                2 * precision * recall / (precision + recall));
    return accuracy > 0.98 ? 0 : 1;
}
