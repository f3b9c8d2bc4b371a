// SPDX-License-Identifier: MIT
#include "train/models.h"

#include "train/json_keys.h"

namespace ingot::train {

namespace {

Json layer(const char* type, const Json& keys = Json::object()) {
    Json out{{"type", type}};
    out.update(keys);
    return out;
}
Json conv(int64_t out, int kernel, int stride, int padding) {
    Json keys{{"out", out}, {"kernel", kernel}};
    if (stride != 1) keys["stride"] = stride;
    if (padding != 0) keys["padding"] = padding;
    return layer("conv2d", keys);
}
Json linear(int64_t out, bool bias = true) {
    Json keys{{"out", out}};
    if (!bias) keys["bias"] = false;
    return layer("linear", keys);
}
Json max_pool() { return layer("max_pool2d", {{"kernel", 2}}); }
Json named(Json spec, const char* name) {
    spec["name"] = name;
    return spec;
}

/// 784-512-256-10 on MNIST; flattening takes no index.
Json mlp(int64_t classes) {
    return {named(layer("flatten"), "flatten"), named(linear(512), "0"),
            named(layer("relu"), "1"),          named(linear(256), "2"),
            named(layer("relu"), "3"),          named(linear(classes), "4")};
}

/// LeCun et al. 1998, with ReLU and max pooling.
Json lenet(int64_t classes) {
    return {conv(6, 5, 1, 2), layer("relu"), max_pool(),    conv(16, 5, 1, 0), layer("relu"), max_pool(),
            layer("flatten"), linear(120),   layer("relu"), linear(84),        layer("relu"), linear(classes)};
}

Json tiny_cnn(int64_t classes) {
    return {conv(8, 3, 1, 0), layer("relu"), layer("adaptive_avg_pool2d", {{"output_size", 1}}), layer("flatten"),
            linear(classes)};
}

Json cifar_cnn(int64_t classes) {
    return {conv(32, 3, 1, 1),
            layer("batch_norm2d"),
            layer("relu"),
            conv(32, 3, 2, 1),
            layer("relu"),
            conv(64, 3, 1, 1),
            layer("relu"),
            conv(64, 3, 2, 1),
            layer("relu"),
            layer("flatten"),
            linear(128),
            layer("relu"),
            layer("dropout", {{"p", 0.5}}),
            linear(classes)};
}

Json plain_conv(int64_t out, int kernel, int stride, int padding) {
    Json spec = conv(out, kernel, stride, padding);
    spec["bias"] = false;
    return spec;
}

Json block(int64_t in, int64_t out, int stride) {
    Json spec = layer("residual");
    spec["layers"] = {named(plain_conv(out, 3, stride, 1), "conv1"), named(layer("batch_norm2d"), "bn1"),
                      named(layer("relu"), "relu"), named(plain_conv(out, 3, 1, 1), "conv2"),
                      named(layer("batch_norm2d"), "bn2")};
    if (stride != 1 || in != out) spec["shortcut"] = {plain_conv(out, 1, stride, 0), layer("batch_norm2d")};
    spec["after"] = Json::array({layer("relu")});
    return spec;
}

/// He et al. 2016, in the form for small images: a 3x3 stem without pooling.
Json resnet18(int64_t classes) {
    Json layers{plain_conv(64, 3, 1, 1), layer("batch_norm2d"), layer("relu")};
    int64_t in = 64;
    for (const int64_t out : {64, 128, 256, 512}) {
        layers.push_back(block(in, out, out == 64 ? 1 : 2));
        layers.push_back(block(out, out, 1));
        in = out;
    }
    layers.push_back(layer("adaptive_avg_pool2d", {{"output_size", 1}}));
    layers.push_back(layer("flatten"));
    layers.push_back(linear(classes));
    return layers;
}

/// x + layers(x), whose keys are those of the layers.
Json beside(const Json& layers) { return named({{"type", "residual"}, {"layers", layers}}, ""); }

Json causal_attention(int heads) { return layer("self_attention", {{"heads", heads}, {"is_causal", true}}); }

Json token_embedding(int64_t vocabulary, int64_t size) {
    return layer("embedding", {{"num_embeddings", vocabulary}, {"embedding_dim", size}});
}

/// A transformer that predicts the next token, norms in front (Radford et al. 2019), in a size for CPUs: 4 blocks of 256,
/// 8 heads.
Json gpt_tiny(int64_t vocabulary) {
    constexpr int64_t kSize = 256;
    const Json block{{"type", "sequential"},
                     {"layers",
                      {beside({named(layer("layer_norm"), "ln1"), named(linear(3 * kSize), "qkv"),
                               named(causal_attention(8), "attention"), named(linear(kSize), "proj")}),
                       beside({named(layer("layer_norm"), "ln2"), named(linear(4 * kSize), "up"),
                               named(layer("gelu"), "gelu"), named(linear(kSize), "down")})}}};
    return {named(token_embedding(vocabulary, kSize), "tok"), named(layer("position_embedding"), "pos"),
            named({{"type", "sequential"}, {"layers", {block, block, block, block}}}, "layers"),
            named(layer("layer_norm"), "norm"), named(linear(vocabulary, false), "head")};
}

/// GPT-2 small (Radford et al. 2019): 12 blocks of 768, 12 heads, the head tied to the embedding.
Json gpt2(int64_t vocabulary) {
    constexpr int64_t kSize = 768;
    const Json mlp{{"type", "sequential"},
                   {"layers", {linear(4 * kSize), layer("gelu", {{"approximate", "tanh"}}), linear(kSize)}}};
    const Json block{{"type", "sequential"},
                     {"layers",
                      {beside({named(layer("layer_norm"), "l1"), named(linear(3 * kSize), "qkv"),
                               named(causal_attention(12), "attention"), named(linear(kSize), "o")}),
                       beside({named(layer("layer_norm"), "l2"), named(mlp, "m")})}}};
    Json tokens = token_embedding(vocabulary, kSize);
    tokens["std"] = 0.02;
    return {named(tokens, "e"), named(layer("position_embedding", {{"std", 0}, {"key", ""}}), "p"),
            named({{"type", "sequential"}, {"layers", Json(12, block)}}, "b"), named(layer("layer_norm"), "l"),
            named(layer("linear", {{"tie", "e"}, {"bias", false}}), "head")};
}

struct Named {
    const char* name;
    Json (*layers)(int64_t classes);
    int64_t input_rank; ///< 3: images, 1: tokens, 0: anything
};
constexpr Named kModels[] = {{"cifar-cnn", cifar_cnn, 3}, {"gpt-tiny", gpt_tiny, 1}, {"gpt2", gpt2, 1},
                             {"lenet", lenet, 3},         {"mlp", mlp, 0},           {"resnet18", resnet18, 3},
                             {"tiny-cnn", tiny_cnn, 3}};

} // namespace

const std::vector<std::string>& model_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> out;
        for (const Named& model : kModels) out.emplace_back(model.name);
        return out;
    }();
    return names;
}

std::string model_spec(const std::string& name, const Shape& input, int64_t classes) {
    if (classes < 1) throw Error("model " + name + ": " + std::to_string(classes) + " classes make no sense");
    for (const Named& model : kModels) {
        if (name != model.name) continue;
        const auto rank = static_cast<int64_t>(input.rank());
        if (model.input_rank == 3 && rank != 3)
            throw ShapeError("model " + name + ": needs images [channels, height, width], the data has " + input.str());
        if (model.input_rank == 1 && rank != 1)
            throw ShapeError("model " + name + ": needs text [tokens], the data has " + input.str());
        Json spec;
        spec["input"] = std::vector<int64_t>(input.begin(), input.end());
        spec["layers"] = model.layers(classes);
        return spec.dump();
    }
    std::string known;
    for (const auto& n : model_names()) known += (known.empty() ? "" : ", ") + n;
    throw Error("unknown model '" + name + "'; there are " + known);
}

} // namespace ingot::train
