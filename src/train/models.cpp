// SPDX-License-Identifier: MIT
#include "train/models.h"

#include "train/spec_keys.h"

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
Json linear(int64_t out) { return layer("linear", {{"out", out}}); }
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

struct Named {
    const char* name;
    Json (*layers)(int64_t classes);
};
constexpr Named kModels[] = {
    {"cifar-cnn", cifar_cnn}, {"lenet", lenet}, {"mlp", mlp}, {"resnet18", resnet18}, {"tiny-cnn", tiny_cnn}};

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
        if (input.rank() != 3 && name != "mlp")
            throw ShapeError("model " + name + ": needs images [channels, height, width], the data has " + input.str());
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
