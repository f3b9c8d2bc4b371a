// SPDX-License-Identifier: MIT
#include "cli/bench_workload.h"

#include <cmath>
#include <numbers>
#include <numeric>

#include <ingot/ops.h>

#include "cli/arguments.h"
#include "cli/bench_op.h"
#include <ingot/data/random.h>

namespace ingot::cli {

namespace {

constexpr size_t kRing = 16;

template <class Optimizer, class Options>
std::unique_ptr<optim::Optimizer> make(const std::vector<Tensor>& p, Options o) {
    return std::make_unique<Optimizer>(p, o);
}
std::unique_ptr<optim::Optimizer> sgd(const std::vector<Tensor>& p) {
    return make<optim::SGD>(p, optim::SGDOptions{.lr = 0.01});
}
std::unique_ptr<optim::Optimizer> sgd_momentum(const std::vector<Tensor>& p) {
    return make<optim::SGD>(p, optim::SGDOptions{.lr = 0.01, .momentum = 0.9});
}
std::unique_ptr<optim::Optimizer> adam(const std::vector<Tensor>& p) {
    return make<optim::Adam>(p, optim::AdamOptions{.lr = 1e-3});
}

std::unique_ptr<optim::Optimizer> adamw_slow(const std::vector<Tensor>& p) {
    return make<optim::AdamW>(p, optim::AdamWOptions{.lr = 3e-4});
}
std::unique_ptr<optim::Optimizer> adamw(const std::vector<Tensor>& p) {
    return make<optim::AdamW>(p, optim::AdamWOptions{.lr = 1e-3});
}

const Workload kWorkloads[] = {
    {"tiny-cnn", {3, 32, 32}, 2, 32, sgd},
    {"mlp", {1, 28, 28}, 10, 64, adam},
    {"lenet", {1, 28, 28}, 10, 64, adam},
    {"cifar-cnn", {3, 32, 32}, 10, 32, adam},
    {"resnet18", {3, 32, 32}, 10, 32, sgd_momentum},
    {"gpt-tiny", {128}, 1000, 8, adamw_slow},
    {"gpt2", {1024}, 50304, 16, adamw},
};

/// Tokens drawn evenly; the label of each is a fixed permutation of the vocabulary.
std::vector<BenchBatch> make_token_ring(const Workload& w, int64_t batch, Device device) {
    const int64_t length = w.input[0], vocabulary = w.classes;
    int64_t factor = vocabulary * 5 / 8 + 1;
    while (std::gcd(factor, vocabulary) != 1) ++factor;
    std::vector<BenchBatch> ring;
    for (size_t b = 0; b < kRing; ++b) {
        data::Random random(1, b);
        std::vector<int64_t> x, y;
        for (int64_t i = 0; i < batch * length; ++i) {
            x.push_back(static_cast<int64_t>(random.below(static_cast<uint64_t>(vocabulary))));
            y.push_back((x.back() * factor + 3) % vocabulary);
        }
        ring.push_back({Tensor::from(x, {batch, length}, {.device = device}),
                        Tensor::from(y, {batch, length}, {.device = device})});
    }
    return ring;
}

/// Class k as a phase: of the colour where there are colours, else of a wave across the image.
float pattern(const Workload& w, int64_t k, int64_t channel, int64_t column) {
    const double phase = static_cast<double>(k) / static_cast<double>(w.classes) +
                         (w.input[0] > 1 ? static_cast<double>(channel) / static_cast<double>(w.input[0])
                                         : static_cast<double>(column) / static_cast<double>(w.input[2]));
    return static_cast<float>(std::cos(2 * std::numbers::pi * phase));
}

/// Nearly normal, deviation 1: the sum of four uniform 16-bit numbers.
float noise(data::Random& random) {
    const uint64_t bits = random.next();
    const auto sum =
        static_cast<double>((bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48));
    return static_cast<float>((sum / 65535 - 2) * std::sqrt(3.0));
}

/// Images with a weak pattern.
std::vector<BenchBatch> make_image_ring(const Workload& w, int64_t batch, Device device) {
    const int64_t channels = w.input[0], height = w.input[1], width = w.input[2], pixels = w.input.numel();
    std::vector<std::vector<float>> patterns(static_cast<size_t>(w.classes)); // [classes][C, H, W]
    for (int64_t k = 0; k < w.classes; ++k)
        for (int64_t c = 0; c < channels; ++c)
            for (int64_t i = 0; i < height * width; ++i)
                patterns[static_cast<size_t>(k)].push_back(pattern(w, k, c, i % width));
    std::vector<BenchBatch> ring;
    for (size_t b = 0; b < kRing; ++b) {
        data::Random random(1, b);
        std::vector<float> x;
        std::vector<int64_t> y;
        x.reserve(static_cast<size_t>(batch * pixels));
        for (int64_t n = 0; n < batch; ++n) {
            const auto& mine = patterns[random.below(static_cast<uint64_t>(w.classes))];
            const size_t first = x.size();
            for (const float value : mine) x.push_back(value + noise(random));
            int64_t label = 0;
            double best = -1e30;
            for (int64_t k = 0; k < w.classes; ++k) {
                double fit = 0;
                const auto& p = patterns[static_cast<size_t>(k)];
                for (size_t i = 0; i < p.size(); ++i)
                    fit += static_cast<double>(p[i]) * static_cast<double>(x[first + i]);
                if (fit > best) best = fit, label = k;
            }
            y.push_back(label);
        }
        ring.push_back({Tensor::from(x, {batch, channels, height, width}, {.device = device}),
                        Tensor::from(y, {batch}, {.device = device})});
    }
    return ring;
}

} // namespace

const Workload& find_workload(const std::string& name) {
    std::string list;
    for (const Workload& w : kWorkloads) {
        if (name == w.name) return w;
        list += (list.empty() ? "" : ", ") + std::string(w.name);
    }
    for (const std::string& op : op_workloads()) list += ", " + op;
    throw UsageError("workload '" + name + "' is not available; there are " + list);
}

std::vector<BenchBatch> make_ring(const Workload& w, int64_t batch, Device device) {
    auto ring = w.tokens() ? make_token_ring(w, batch, device) : make_image_ring(w, batch, device);
    for (const BenchBatch& entry : ring) {
        entry.x.eval();
        entry.y.eval();
    }
    return ring;
}

Tensor bench_loss(const Workload& w, const Tensor& output, const Tensor& labels) {
    if (!w.tokens()) return cross_entropy(output, labels);
    return cross_entropy(reshape(output, {-1, w.classes}), reshape(labels, {-1}));
}

} // namespace ingot::cli
