// SPDX-License-Identifier: MIT
// Several classes: three spiral arms, an MLP that is a class of its own (a Module with members), cross entropy, a cosine
// schedule with warm-up, and the confusion matrix. --full trains longer.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ingot/ingot.h>

using namespace ingot;

namespace {

constexpr int64_t kClasses = 3;

/// A model of one's own: layers are members, forward() uses them.
class Classifier : public nn::Module {
public:
    explicit Classifier(int64_t width) : in_(2, width), hidden_(width, width), out_(width, kClasses), norm_({width}) {
        register_module("in", in_);
        register_module("hidden", hidden_);
        register_module("out", out_);
        register_module("norm", norm_);
    }
    Tensor forward(Tensor x) override {
        x = gelu(in_(x));
        x = x + gelu(hidden_(norm_(x))); // a residual connection
        return out_(x);
    }

private:
    nn::Linear in_, hidden_, out_;
    nn::LayerNorm norm_;
};

/// Points of three arms of a spiral: x [N, 2] and labels [N].
std::pair<Tensor, Tensor> spirals(int64_t count) {
    Tensor label = randint(0, kClasses, {count});
    Tensor radius = rand({count});
    Tensor angle = 4 * radius + label.to(f32) * (2 * M_PI / kClasses) + 0.1 * randn({count});
    return {stack({radius * cos(angle), radius * sin(angle)}, 1).eval(), label.eval()};
}

} // namespace

int main(int argc, char** argv) {
    const bool full = argc > 1 && std::strcmp(argv[1], "--full") == 0;
    manual_seed(2);
    const auto [x, y] = spirals(full ? 10'000 : 1'500);
    const auto [test_x, test_y] = spirals(1'500);

    Classifier model(32);
    std::printf("%lld parameters:", static_cast<long long>(model.num_parameters()));
    for (const std::string& name : model.named_parameters().names()) std::printf(" %s", name.c_str());
    std::printf("\n");

    const int64_t steps = full ? 4'000 : 400;
    auto opt = optim::AdamW(model.parameters(), {.lr = 1e-2});
    optim::CosineWithWarmup schedule(opt, {.warmup_steps = steps / 20, .total_steps = steps});
    auto step = compile([&](const Tensor& images, const Tensor& labels) {
        opt.zero_grad();
        Tensor loss = nn::cross_entropy(model(images), labels, {.label_smoothing = 0.01});
        loss.backward();
        opt.step();
        return loss;
    });
    for (int64_t i = 0; i < steps; ++i) {
        Tensor rows = randint(0, x.size(0), {128});
        Tensor loss = step(index_select(x, 0, rows), index_select(y, 0, rows));
        if (i % (steps / 5) == 0)
            std::printf("step %4lld  loss %.4f  lr %.4f\n", static_cast<long long>(i), loss.item(), opt.lr());
        schedule.step(); // a new learning rate never compiles anew
    }
    std::printf("variants compiled: %lld\n", static_cast<long long>(step.variants()));

    // The confusion matrix: labels x predictions, counted by a product of one-hot rows.
    model.eval();
    Tensor predicted = no_grad([&] { return argmax(model(test_x), {1}); });
    Tensor confusion = matmul(transpose(one_hot(test_y, kClasses, f32), 0, 1), one_hot(predicted, kClasses, f32));
    const std::vector<float> counts = confusion.to_vector<float>();
    double right = 0;
    for (int64_t i = 0; i < kClasses; ++i) {
        for (int64_t j = 0; j < kClasses; ++j) std::printf("%6.0f", counts[static_cast<size_t>(i * kClasses + j)]);
        std::printf("\n");
        right += counts[static_cast<size_t>(i * kClasses + i)];
    }
    const double accuracy = right / static_cast<double>(test_y.size(0));
    std::printf("accuracy %.4f\n", accuracy);
    return accuracy > 0.97 && step.variants() == 1 ? 0 : 1;
}
