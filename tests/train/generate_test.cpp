// SPDX-License-Identifier: MIT
// Continuing texts: what is drawn, from which bytes, and which models can.
#include <cmath>

#include <gtest/gtest.h>

#include <ingot/nn.h>
#include <ingot/ops.h>

#include "train/generate.h"

using namespace ingot;
using train::generate;
using train::GenerateOptions;

namespace {

/// Each byte's logits are a row of a table: what follows depends on the byte before only.
train::Model bigrams(int64_t window, const std::vector<std::pair<char, char>>& follow, double certainty = 30) {
    auto model =
        train::build_model(R"({"input": [)" + std::to_string(window) +
                           R"(], "layers": [{"type": "embedding", "num_embeddings": 256, "embedding_dim": 256}]})");
    std::vector<float> rows(256 * 256, 0);
    for (const auto& [from, to] : follow) rows[static_cast<size_t>(from * 256 + to)] = static_cast<float>(certainty);
    model.net.parameters()[0].assign(Tensor::from(rows, {256, 256}));
    model.net.eval();
    return model;
}

std::string text_of(train::Model& model, const std::string& prompt, const GenerateOptions& options) {
    std::string text;
    generate(model, prompt, options, [&](char c) { text += c; });
    return text;
}

TEST(Generate, FollowsTheModelBeyondItsWindow) {
    auto model = bigrams(4, {{'a', 'b'}, {'b', 'c'}, {'c', 'a'}});
    EXPECT_EQ(text_of(model, "a", {.length = 11, .temperature = 0}), "bcabcabcabc");
    EXPECT_EQ(text_of(model, "xxxxxxxxxb", {.length = 5, .temperature = 0}), "cabca");
    EXPECT_EQ(text_of(model, "a", {.length = 0}), "");
}

TEST(Generate, SeesTheWholeWindowAndNothingElse) {
    // The mean of the embeddings of all positions so far: causal attention without queries.
    auto model = train::build_model(R"({"input": [4], "layers": [
        {"type": "embedding", "num_embeddings": 256, "embedding_dim": 3},
        {"type": "self_attention", "heads": 1, "is_causal": true}, {"type": "linear", "out": 256, "bias": false}]})");
    model.net.eval();
    // Tokens 'a', 'b' have values +1, -1; queries and keys 0. A positive mean is answered by 'a', a negative one by 'b'.
    std::vector<float> table(256 * 3, 0), head(256, 0);
    table['a' * 3 + 2] = 1;
    table['b' * 3 + 2] = -1;
    head['a'] = 50;
    head['b'] = -50;
    model.net.parameters()[0].assign(Tensor::from(table, {256, 3}));
    model.net.parameters()[1].assign(Tensor::from(head, {256, 1}));
    EXPECT_EQ(text_of(model, "aab", {.length = 1, .temperature = 0}), "a");
    EXPECT_EQ(text_of(model, "bba", {.length = 1, .temperature = 0}), "b");
    EXPECT_EQ(text_of(model, "bbbaaab", {.length = 1, .temperature = 0}), "a"); // the window holds "aaab"
}

TEST(Generate, SeedsAndTemperature) {
    auto model = bigrams(8, {}, 0); // everything is equally likely
    const std::string one = text_of(model, "x", {.length = 64, .seed = 1});
    EXPECT_EQ(one, text_of(model, "x", {.length = 64, .seed = 1}));
    EXPECT_NE(one, text_of(model, "x", {.length = 64, .seed = 2}));
    auto sure = bigrams(8, {{'a', 'a'}}, 3);
    EXPECT_EQ(text_of(sure, "a", {.length = 64, .temperature = 0.1}), std::string(64, 'a'));
    EXPECT_NE(text_of(sure, "a", {.length = 64, .temperature = 3}), std::string(64, 'a'));
}

TEST(Generate, SampleToken) {
    const float logits[] = {1, 4, 2, 3};
    GenerateOptions options{.temperature = 1};
    // Shares by descending logit: 1, e^-1, e^-2, e^-3 of their sum 1.5530.
    EXPECT_EQ(train::sample_token(logits, 4, options, 0.0), 1);
    EXPECT_EQ(train::sample_token(logits, 4, options, 0.64), 1);
    EXPECT_EQ(train::sample_token(logits, 4, options, 0.65), 3);
    EXPECT_EQ(train::sample_token(logits, 4, options, 0.87), 3);
    EXPECT_EQ(train::sample_token(logits, 4, options, 0.89), 2);
    EXPECT_EQ(train::sample_token(logits, 4, options, 0.9999999), 0);
    options.top_k = 2;
    EXPECT_EQ(train::sample_token(logits, 4, options, 0.72), 1); // 1 of 1.3679
    EXPECT_EQ(train::sample_token(logits, 4, options, 0.9999999), 3);
    options.temperature = 0.5; // e^-2 instead of e^-1
    EXPECT_EQ(train::sample_token(logits, 4, options, 0.88), 1);
    options.temperature = 0;
    EXPECT_EQ(train::sample_token(logits, 4, options, 0.9999999), 1);
}

TEST(Generate, Errors) {
    auto model = bigrams(4, {});
    const auto quiet = [](char) {};
    EXPECT_THROW(generate(model, "", {}, quiet), Error);
    EXPECT_THROW(generate(model, "a", {.temperature = -1}, quiet), Error);
    EXPECT_THROW(generate(model, "a", {.top_k = -1}, quiet), Error);
    EXPECT_THROW(generate(model, "a", {.length = -1}, quiet), Error);
    auto small = train::build_model(
        R"({"input": [4], "layers": [{"type": "embedding", "num_embeddings": 98, "embedding_dim": 98}]})");
    small.net.eval();
    EXPECT_EQ(text_of(small, "a", {.length = 1}).size(), 1u);
    EXPECT_THROW(generate(small, "b", {}, quiet), Error); // token 98
    small.net.parameters()[0].assign(full({98, 98}, NAN));
    EXPECT_THROW(generate(small, "a", {}, quiet), Error);
    auto images =
        train::build_model(R"({"input": [3, 8, 8], "layers": [{"type": "flatten"}, {"type": "linear", "out": 2}]})");
    EXPECT_THROW(generate(images, "a", {}, quiet), Error);
    auto whole = train::build_model(R"({"input": [4], "layers": [
        {"type": "embedding", "num_embeddings": 256, "embedding_dim": 2}, {"type": "flatten"}, {"type": "linear", "out": 256}]})");
    EXPECT_THROW(generate(whole, "a", {}, quiet), Error); // one row for the window, not one per token
}

} // namespace
