// SPDX-License-Identifier: MIT
#include "train/model_spec.h"

#include <map>

#include <ingot/ops.h>

#include "train/spec_keys.h"

namespace ingot::train {

namespace {

using Layer = std::shared_ptr<nn::Module>;

// More than any real model has; larger numbers are mistakes or attacks, and products of them could overflow.
constexpr int kMaxDepth = 16;
constexpr size_t kMaxLayers = 10'000;
constexpr int64_t kMaxElements = int64_t{1} << 36;

/// Shape of one sample: without the batch axis of the probe.
Shape sample_shape(const Tensor& probe) {
    return Shape(std::vector<int64_t>(probe.shape().begin() + 1, probe.shape().end()));
}

/// "out 32, kernel 3"
std::string options_text(const Json& spec) {
    std::string text;
    for (const auto& [key, value] : spec.items()) {
        if (key == "type" || key == "name" || value.is_object() ||
            (value.is_array() && !value.empty() && value[0].is_object()))
            continue;
        text += (text.empty() ? "" : ", ") + key + " " + (value.is_string() ? value.get<std::string>() : value.dump());
    }
    return text;
}

class Builder {
public:
    explicit Builder(std::string source) : source_(std::move(source)) {}

    [[noreturn]] void fail(const std::string& message) const { throw Named(source_ + ": " + message); }

    /// Builds a list of layers. `probe` is a recorded tensor [2, sample..] that is never computed: applying each layer to
    /// it infers shapes with the operators' own rules and errors.
    nn::Sequential list(const Json& layers, Tensor& probe, const std::string& path, int depth) {
        const std::string what = path.empty() ? "\"layers\"" : "layer " + path;
        if (!layers.is_array()) fail(what + " must be a list of layers");
        if (depth > kMaxDepth) fail(what + ": nested deeper than " + std::to_string(kMaxDepth) + " levels");
        nn::Sequential net;
        for (size_t i = 0; i < layers.size(); ++i) {
            if (++count_ > kMaxLayers) fail("more than " + std::to_string(kMaxLayers) + " layers");
            one(net, layers[i], probe, path.empty() ? std::to_string(i) : path + "." + std::to_string(i), depth);
        }
        return net;
    }

    std::vector<LayerInfo> layers;

private:
    void one(nn::Sequential& net, const Json& spec, Tensor& probe, const std::string& path, int depth) {
        std::string where = "layer " + path;
        if (!spec.is_object()) fail(where + " must be an object such as {\"type\": \"relu\"}");
        const auto type = spec.find("type");
        if (type == spec.end() || !type->is_string()) fail(where + " has no \"type\"");
        where += " (" + show(*type);
        if (const auto name = spec.find("name"); name != spec.end() && name->is_string()) where += ", " + show(*name);
        where += ")";
        // Everything that goes wrong inside names this layer, once.
        try {
            Keys keys(spec);
            const size_t at = layers.size();
            layers.push_back(
                {.path = path, .type = type->get<std::string>(), .input = sample_shape(probe), .depth = depth});
            Layer layer = make(type->get<std::string>(), keys, probe, path, depth);
            const std::string name = keys.text("name", std::to_string(net.size()));
            keys.finish();
            if (const auto* table = dynamic_cast<const nn::Embedding*>(layer.get()); table && depth == 0)
                embeddings_[name] = table->weight;
            layer->eval(); // nothing is written while shapes are inferred
            probe = (*layer)(probe);
            layer->train();
            net.add(name, layer);
            layers[at].name = name;
            layers[at].options = options_text(spec);
            layers[at].output = sample_shape(probe);
            layers[at].parameters = layer->num_parameters();
            layers[at].container = spec.contains("layers");
        } catch (const Named&) { throw; } catch (const Error& e) {
            fail(where + ": " + e.what());
        }
    }

    /// An error that names its layer already.
    struct Named : Error {
        using Error::Error;
    };

    static void need_rank(const Tensor& probe, int64_t least, int64_t most, const char* text) {
        if (probe.rank() - 1 < least || probe.rank() - 1 > most)
            throw ShapeError(std::string("needs ") + text + ", but its input is " + sample_shape(probe).str());
    }

    static void limit(std::initializer_list<int64_t> sizes) {
        int64_t product = 1;
        for (const int64_t s : sizes)
            if (__builtin_mul_overflow(product, s, &product) || product > kMaxElements)
                throw ShapeError("its weight would have more than " + std::to_string(kMaxElements) + " elements");
    }

    Layer make(const std::string& type, Keys& keys, const Tensor& probe, const std::string& path, int depth) {
        if (type == "linear") return linear(keys, probe);
        if (type == "conv2d") return conv2d(keys, probe);
        if (type == "batch_norm1d" || type == "batch_norm2d") return batch_norm(keys, probe, type == "batch_norm2d");
        if (type == "layer_norm") return layer_norm(keys, probe);
        if (type == "embedding") {
            const int64_t rows = keys.size("num_embeddings"), columns = keys.size("embedding_dim");
            limit({rows, columns});
            return std::make_shared<nn::Embedding>(rows, columns, nn::EmbeddingOptions{keys.number("std", 1)});
        }
        if (type == "position_embedding") return position_embedding(keys, probe);
        if (type == "self_attention" || type == "multihead_attention") return attention(keys, probe, type[0] == 's');
        if (type == "transformer_encoder_layer") return transformer_encoder_layer(keys, probe);
        if (type == "dropout") return std::make_shared<nn::Dropout>(keys.number("p", 0.5));
        if (type == "max_pool2d" || type == "avg_pool2d") return pool(keys, probe, type == "avg_pool2d");
        if (type == "adaptive_avg_pool2d" || type == "global_avg_pool2d") {
            need_rank(probe, 3, 3, "images [C, H, W]");
            return std::make_shared<nn::AdaptiveAvgPool2d>(type[0] == 'a' ? keys.pair("output_size", 1, 1) : Int2(1));
        }
        if (type == "flatten") {
            const int64_t start = keys.integer("start", 1), stop = keys.integer("stop", -1);
            return std::make_shared<nn::Flatten>(start, stop);
        }
        if (type == "identity") return std::make_shared<nn::Identity>();
        if (type == "relu") return std::make_shared<nn::ReLU>();
        if (type == "leaky_relu") return std::make_shared<nn::LeakyReLU>(keys.number("slope", 0.01));
        if (type == "gelu")
            return std::make_shared<nn::GELU>(
                choice(keys, "approximate", {"none", "tanh"}) == 0 ? nn::Approximate::none : nn::Approximate::tanh);
        if (type == "silu") return std::make_shared<nn::SiLU>();
        if (type == "sigmoid") return std::make_shared<nn::Sigmoid>();
        if (type == "tanh") return std::make_shared<nn::Tanh>();
        if (type == "softmax") return std::make_shared<nn::Softmax>(keys.integer("axis", -1));
        if (type == "sequential") {
            Tensor inner = probe;
            return std::make_shared<nn::Sequential>(list(keys.value("layers"), inner, path, depth + 1));
        }
        if (type == "residual") return residual(keys, probe, path, depth);
        throw Error(
            "unknown type; there are adaptive_avg_pool2d, avg_pool2d, batch_norm1d, batch_norm2d, conv2d, dropout, "
            "embedding, flatten, gelu, global_avg_pool2d, identity, layer_norm, leaky_relu, linear, max_pool2d, "
            "multihead_attention, position_embedding, relu, residual, self_attention, sequential, sigmoid, silu, "
            "softmax, tanh, transformer_encoder_layer");
    }

    /// Which of `names` the text is; the first one when it is missing.
    static size_t choice(Keys& keys, const char* key, const std::vector<std::string>& names) {
        const std::string text = keys.text(key, names.front());
        std::string list;
        for (size_t i = 0; i < names.size(); ++i) {
            if (text == names[i]) return i;
            list += (i ? " or " : "") + show(names[i]);
        }
        throw Error(std::string("\"") + key + "\" must be " + list + ", not " + show(text));
    }

    Layer linear(Keys& keys, const Tensor& probe) const {
        need_rank(probe, 1, 8, "at least one axis");
        if (const Json* tie = keys.optional("tie")) {
            const auto found = tie->is_string() ? embeddings_.find(tie->get<std::string>()) : embeddings_.end();
            if (found == embeddings_.end())
                throw Error("\"tie\" must name an embedding before it in the outermost list, not " + show(*tie));
            return std::make_shared<nn::Linear>(found->second, nn::LinearOptions{keys.boolean("bias", true)});
        }
        const int64_t out = keys.size("out");
        limit({out, probe.shape().back()});
        return std::make_shared<nn::Linear>(probe.shape().back(), out, nn::LinearOptions{keys.boolean("bias", true)});
    }

    static Layer conv2d(Keys& keys, const Tensor& probe) {
        need_rank(probe, 3, 3, "images [C, H, W]");
        const int64_t out = keys.size("out");
        nn::Conv2dOptions o;
        o.kernel = keys.pair("kernel", 3, 1);
        o.stride = keys.pair("stride", 1, 1);
        o.padding = keys.pair("padding", 0, 0);
        o.dilation = keys.pair("dilation", 1, 1);
        o.groups = keys.size("groups", 1);
        o.bias = keys.boolean("bias", true);
        limit({out, probe.size(1), o.kernel.h, o.kernel.w});
        return std::make_shared<nn::Conv2d>(probe.size(1), out, o);
    }

    static Layer batch_norm(Keys& keys, const Tensor& probe, bool two) {
        nn::BatchNormOptions o;
        o.eps = keys.number("eps", o.eps);
        o.momentum = keys.number("momentum", o.momentum);
        o.affine = keys.boolean("affine", true);
        o.track_running_stats = keys.boolean("track_running_stats", true);
        if (two) {
            need_rank(probe, 3, 3, "images [C, H, W]");
            return std::make_shared<nn::BatchNorm2d>(probe.size(1), o);
        }
        need_rank(probe, 1, 2, "[C] or [C, L]");
        return std::make_shared<nn::BatchNorm1d>(probe.size(1), o);
    }

    static Layer layer_norm(Keys& keys, const Tensor& probe) {
        need_rank(probe, 1, 8, "at least one axis");
        const Shape shape = keys.shape("normalized_shape", Shape{probe.shape().back()});
        nn::LayerNormOptions o;
        o.eps = keys.number("eps", o.eps);
        o.elementwise_affine = keys.boolean("elementwise_affine", true);
        o.bias = keys.boolean("bias", true);
        return std::make_shared<nn::LayerNorm>(shape, o);
    }

    static Layer position_embedding(Keys& keys, const Tensor& probe) {
        need_rank(probe, 2, 8, "positions [.., T, E]");
        nn::PositionEmbeddingOptions o;
        o.std = keys.number("std", o.std);
        o.key = keys.text("key", o.key);
        const int64_t length = keys.size("length", probe.size(-2));
        limit({length, probe.size(-1)});
        return std::make_shared<nn::PositionEmbedding>(length, probe.size(-1), o);
    }

    static Layer attention(Keys& keys, const Tensor& probe, bool without_parameters) {
        need_rank(probe, 2, 7, "positions [.., T, E]");
        const int64_t heads = keys.size("heads");
        const double dropout = keys.number("dropout", 0);
        const bool causal = keys.boolean("is_causal", false);
        if (without_parameters)
            return std::make_shared<nn::SelfAttention>(heads, nn::SelfAttentionOptions{causal, dropout});
        limit({3, probe.size(-1), probe.size(-1)});
        return std::make_shared<nn::MultiheadAttention>(
            probe.size(-1), heads, nn::MultiheadAttentionOptions{dropout, keys.boolean("bias", true), causal});
    }

    static Layer transformer_encoder_layer(Keys& keys, const Tensor& probe) {
        need_rank(probe, 2, 2, "positions [T, E]");
        const int64_t heads = keys.size("heads"), width = probe.size(-1);
        nn::TransformerEncoderLayerOptions o;
        o.dim_feedforward = keys.size("dim_feedforward", o.dim_feedforward);
        o.dropout = keys.number("dropout", o.dropout);
        o.activation =
            static_cast<nn::FeedForwardActivation>(choice(keys, "activation", {"relu", "gelu", "gelu_tanh"}));
        o.layer_norm_eps = keys.number("layer_norm_eps", o.layer_norm_eps);
        o.norm_first = keys.boolean("norm_first", o.norm_first);
        o.is_causal = keys.boolean("is_causal", o.is_causal);
        o.bias = keys.boolean("bias", o.bias);
        limit({3, width, width});
        limit({width, o.dim_feedforward});
        return std::make_shared<nn::TransformerEncoderLayer>(width, heads, o);
    }

    static Layer pool(Keys& keys, const Tensor& probe, bool average) {
        need_rank(probe, 3, 3, "images [C, H, W]");
        const Int2 kernel = keys.pair("kernel", std::nullopt, 1);
        Pool2dOptions o;
        o.stride = keys.pair("stride", kernel, 1);
        o.padding = keys.pair("padding", 0, 0);
        if (!average) return std::make_shared<nn::MaxPool2d>(kernel, o);
        o.count_include_pad = keys.boolean("count_include_pad", true);
        return std::make_shared<nn::AvgPool2d>(kernel, o);
    }

    Layer residual(Keys& keys, const Tensor& probe, const std::string& path, int depth) {
        Tensor inner = probe;
        nn::Sequential layers = list(keys.value("layers"), inner, path, depth + 1);
        nn::Sequential shortcut, after;
        if (const Json* list_of = keys.optional("shortcut")) {
            Tensor other = probe;
            shortcut = list(*list_of, other, path + ".shortcut", depth + 1);
        }
        if (const Json* list_of = keys.optional("after")) after = list(*list_of, inner, path + ".after", depth + 1);
        return std::make_shared<nn::Residual>(layers, shortcut, after);
    }

    std::string source_;
    size_t count_ = 0;
    std::map<std::string, Tensor> embeddings_; ///< the weights of the outermost list's embeddings, by name
};

/// Whether the model's input is ids: the first layer that does anything is an embedding.
bool takes_tokens(const Json& layers) {
    const Json* list = &layers;
    while (list->is_array() && !list->empty() && list->front().is_object()) {
        const Json& first = list->front();
        const auto type = first.find("type");
        if (type == first.end() || !type->is_string()) return false;
        if (*type == "embedding") return true;
        if (*type != "sequential" || !first.contains("layers")) return false;
        list = &first["layers"];
    }
    return false;
}

} // namespace

Model build_model(const std::string& text, const std::string& source) {
    const Builder names(source);
    Json spec;
    try {
        spec = parse_json(text);
    } catch (const Error& e) { names.fail(e.what()); }
    if (!spec.is_object()) names.fail("must be an object {\"input\": [..], \"layers\": [..]}");
    for (const auto& [key, value] : spec.items())
        if (key != "input" && key != "layers") names.fail("unknown key " + show(key) + "; there are input and layers");
    Model model;
    const Json* layers = nullptr;
    try {
        Keys keys(spec);
        model.input = keys.shape("input", std::nullopt);
        layers = &keys.value("layers");
    } catch (const Error& e) { names.fail(e.what()); }
    if (!layers->is_array() || layers->empty()) names.fail("\"layers\" must be a list of layers that is not empty");
    model.spec = spec.dump();
    model.tokens = takes_tokens(*layers);
    Shape batch{2};
    for (const int64_t d : model.input) batch.push_back(d);
    const NoGrad guard;
    Tensor probe = zeros(batch, {.dtype = model.tokens ? i64 : f32});
    Builder builder(source);
    model.net = builder.list(*layers, probe, "", 0);
    model.layers = std::move(builder.layers);
    model.output = sample_shape(probe);
    try {
        for (const auto& [key, tensor] : model.net.state_dict()) // names "" could give one key to two tensors
            if (key.starts_with("train."))
                throw Error("no layer can be called \"train\": the keys that begin so are those of checkpoints");
    } catch (const Error& e) { names.fail(e.what()); }
    return model;
}

} // namespace ingot::train
