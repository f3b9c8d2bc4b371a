// SPDX-License-Identifier: MIT
// A language model of bytes: a small transformer learns to say what comes next, then goes on from a beginning. The dataset is
// a class of the example's own that draws windows at random places. --full trains a larger one on
// $INGOT_DATA/tinyshakespeare.txt, when that is there.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <ingot/ingot.h>
#include <iterator>
#include <string>
#include <vector>

using namespace ingot;

namespace {

/// Windows of `length` bytes and, as targets, the same windows one byte later.
class Windows : public data::Dataset {
public:
    Windows(std::string text, int64_t length) : text_(std::move(text)), length_(length) {}
    int64_t size() const override { return (static_cast<int64_t>(text_.size()) - 1) / length_; }
    data::Sample get(int64_t i) const override { return window(i * length_); }
    /// Training sees every window at another place in each pass. What is drawn depends on (seed, epoch, i) only.
    data::Sample draw(int64_t, data::Random& random) const override {
        return window(random.between(0, static_cast<int64_t>(text_.size()) - length_ - 1));
    }

private:
    data::Sample window(int64_t first) const {
        std::vector<int64_t> x, y;
        for (int64_t i = 0; i < length_; ++i) {
            x.push_back(static_cast<unsigned char>(text_[static_cast<size_t>(first + i)]));
            y.push_back(static_cast<unsigned char>(text_[static_cast<size_t>(first + i + 1)]));
        }
        return {data::Array(std::move(x), {length_}), data::Array(std::move(y), {length_})};
    }
    std::string text_;
    int64_t length_;
};

/// `count` more bytes after `text`, drawn from what the model thinks.
std::string go_on(nn::Module& model, std::string text, int64_t length, int count, double temperature) {
    auto next = compile([&](const Tensor& ids) { return log_softmax(model(ids) * (1 / temperature)); });
    data::Random random(7);
    for (int n = 0; n < count; ++n) {
        // The last `length` bytes; a shorter beginning is filled up behind, where no position looks.
        const size_t used = std::min(text.size(), static_cast<size_t>(length));
        std::vector<int64_t> ids(static_cast<size_t>(length), 0);
        for (size_t i = 0; i < used; ++i) ids[i] = static_cast<unsigned char>(text[text.size() - used + i]);
        const auto all = next(Tensor::from(ids, {1, length})).to_vector<float>(); // [1, length, 256]
        const float* row = all.data() + (used - 1) * 256;
        double left = random.uniform();
        int byte = 0;
        while (byte < 255 && (left -= std::exp(row[byte])) > 0) ++byte;
        text += static_cast<char>(byte);
    }
    return text;
}

} // namespace

int main(int argc, char** argv) {
    const bool full = argc > 1 && std::strcmp(argv[1], "--full") == 0;
    std::string text;
    if (const char* data = std::getenv("INGOT_DATA"); full && data != nullptr) {
        std::ifstream in(std::string(data) + "/tinyshakespeare.txt", std::ios::binary);
        text.assign(std::istreambuf_iterator<char>(in), {});
    }
    const bool shakespeare = !text.empty();
    if (!shakespeare) // counting songs: easy to learn, and one sees whether it was
        for (int verse = 0; verse < 200; ++verse)
            for (const char* n : {"ten", "nine", "eight", "seven", "six", "five", "four", "three", "two", "one"})
                text += std::string(n) + " green bottles hanging on the wall,\n";

    const int64_t length = shakespeare ? 128 : 48, width = shakespeare ? 128 : 48, layers = shakespeare ? 4 : 2;
    const size_t cut = text.size() * 9 / 10;
    data::DataLoader train(Windows(text.substr(0, cut), length),
                           {.batch = shakespeare ? 16 : 8, .seed = 1, .steps = shakespeare ? 1'500 : 0});
    data::DataLoader test(Windows(text.substr(cut), length), {.batch = 16, .steps = shakespeare ? 50 : 4});

    manual_seed(1);
    nn::Sequential model{nn::Embedding(256, width), nn::PositionEmbedding(length, width, {.std = 0.02})};
    for (int64_t i = 0; i < layers; ++i)
        model.add(nn::TransformerEncoderLayer(width, 4,
                                              {.dim_feedforward = 4 * width,
                                               .dropout = 0,
                                               .activation = nn::FeedForwardActivation::gelu,
                                               .norm_first = true,
                                               .is_causal = true}));
    model.add(nn::LayerNorm({width}));
    model.add(nn::Linear(width, 256));
    std::printf("%lld parameters, %zu bytes of text\n", static_cast<long long>(model.num_parameters()), text.size());

    const int64_t epochs = shakespeare ? 1 : 4;
    auto opt = optim::AdamW(model.parameters(), {.lr = shakespeare ? 1e-3 : 3e-3});
    // Every position predicts its next byte: [N, T, 256] against [N, T].
    const auto loss = [](const Tensor& scores, const Tensor& ids) {
        return nn::cross_entropy(flatten(scores, 0, 1), flatten(ids));
    };
    train::Trainer trainer(
        model, opt, loss,
        {.epochs = epochs,
         .schedule = optim::CosineWithWarmup({.warmup_steps = 20, .total_steps = epochs * train.steps()}),
         .progress = full});
    const train::TrainResult result = trainer.fit(train, test);
    std::printf("test loss %.3f nats per byte (%.2f bits), accuracy %.3f\n", result.test->loss,
                result.test->loss / std::log(2.0), result.test->accuracy);

    model.eval();
    const std::string song = no_grad(
        [&] { return go_on(model, shakespeare ? "ROMEO:\n" : "six green", length, shakespeare ? 400 : 120, 0.5); });
    std::printf("---\n%s\n---\n", song.c_str());
    if (shakespeare) return result.test->loss < 1.9 ? 0 : 1;
    return result.test->loss < 0.2 && song.find("green bottles hanging on the wall,\n") != std::string::npos ? 0 : 1;
}
