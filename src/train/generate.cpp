// SPDX-License-Identifier: MIT
#include "train/generate.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <ingot/compile.h>
#include <ingot/data/random.h>
#include <ingot/ops.h>

namespace ingot::train {

void check_text_model(const Model& model) {
    const Shape &in = model.input, &out = model.output;
    if (!model.tokens || in.rank() != 1 || out.rank() != 2 || out[0] != in[0] || out[1] > 256)
        throw Error("the model does not continue texts: it takes " + in.str() + (model.tokens ? " tokens" : "") +
                    " and gives " + out.str() + ", not a row of at most 256 logits for each of its tokens");
}

int64_t sample_token(const float* logits, int64_t count, const GenerateOptions& options, double uniform) {
    if (options.temperature == 0) return std::max_element(logits, logits + count) - logits;
    std::vector<int64_t> order(static_cast<size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return logits[a] > logits[b]; });
    if (options.top_k > 0 && options.top_k < count) order.resize(static_cast<size_t>(options.top_k));
    const double top = logits[order[0]];
    std::vector<double> below; // sums of the weights so far
    double total = 0;
    for (const int64_t i : order)
        below.push_back(total += std::exp((static_cast<double>(logits[i]) - top) / options.temperature));
    const auto chosen = std::upper_bound(below.begin(), below.end(), uniform * total) - below.begin();
    return order[std::min(static_cast<size_t>(chosen), order.size() - 1)];
}

void generate(Model& model, const std::string& prompt, const GenerateOptions& options,
              const std::function<void(char)>& out) {
    check_text_model(model);
    if (!(options.temperature >= 0) || std::isinf(options.temperature))
        throw Error("generate: the temperature must be a number of at least 0");
    if (options.length < 0 || options.top_k < 0) throw Error("generate: length and top-k must not be negative");
    const int64_t window = model.input[0], vocabulary = model.output[1];
    std::vector<int64_t> text;
    for (const char c : prompt) {
        text.push_back(static_cast<unsigned char>(c));
        if (text.back() >= vocabulary)
            throw Error("generate: byte " + std::to_string(text.back()) + " of the prompt is outside of the model's " +
                        std::to_string(vocabulary) + " tokens");
    }
    if (text.empty()) throw Error("generate: the prompt is empty; give the text to continue");
    // One window for all lengths, so that there is one executable: what stands behind the text changes nothing before it.
    auto next = compile([&](Tensor x, Tensor last) {
        const NoGrad guard;
        return index_select(reshape(model.net(x), {window, vocabulary}), 0, last);
    });
    const Device device = model.net.parameters().empty() ? Device::cpu() : model.net.parameters()[0].device();
    data::Random random(options.seed, 1);
    for (int64_t i = 0; i < options.length; ++i) {
        const auto seen = std::min<int64_t>(window, static_cast<int64_t>(text.size()));
        std::vector<int64_t> x(text.end() - seen, text.end());
        x.resize(static_cast<size_t>(window), 0);
        const std::vector<float> logits = next(Tensor::from(x, {1, window}, {.device = device}),
                                               Tensor::from<int64_t>({seen - 1}, {1}, {.device = device}))
                                              .template to_vector<float>();
        for (const float v : logits)
            if (!std::isfinite(v)) throw Error("generate: the model's output is not finite");
        const double uniform = random.uniform();
        text.push_back(sample_token(logits.data(), vocabulary, options, uniform));
        out(static_cast<char>(text.back()));
    }
}

} // namespace ingot::train
