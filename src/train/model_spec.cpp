// SPDX-License-Identifier: MIT
#include "train/model_spec.h"

#include <algorithm>
#include <map>

#include <ingot/ops.h>

#include "io/json.h"
#include "train/json_keys.h"
#include "train/spec_layers.h"

namespace ingot::train {

namespace {

// More than any real model has; larger numbers are mistakes or attacks, and products of them could overflow.
constexpr int kMaxDepth = 16;
constexpr size_t kMaxLayers = 10'000;

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
            const std::string name = keys.name("name", std::to_string(net.size()), spec.contains("layers"));
            keys.finish();
            if (const auto* table = dynamic_cast<const nn::Embedding*>(layer.get()); table && depth == 0)
                embeddings_[name] = table->weight;
            layer->eval(); // nothing is written while shapes are inferred
            probe = (*layer)(probe);
            layer->train();
            if (probe.numel() / 2 > kMaxElements)
                throw ShapeError("its output " + sample_shape(probe).str() + " has more than " +
                                 std::to_string(kMaxElements) + " elements");
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

    Layer make(const std::string& type, Keys& keys, const Tensor& probe, const std::string& path, int depth) {
        if (type == "sequential") {
            Tensor inner = probe;
            return std::make_shared<nn::Sequential>(list(keys.value("layers"), inner, path, depth + 1));
        }
        if (type == "residual") return residual(keys, probe, path, depth);
        if (type == "linear" && keys.optional("tie")) return tied_linear(keys);
        if (Layer layer = make_layer(type, keys, probe)) return layer;
        std::vector<std::string> types = layer_types();
        types.insert(types.end(), {"residual", "sequential"});
        std::sort(types.begin(), types.end());
        std::string known;
        for (const std::string& t : types) known += (known.empty() ? "" : ", ") + t;
        throw Error("unknown type; there are " + known);
    }

    Layer tied_linear(Keys& keys) const {
        const Json& tie = keys.value("tie");
        const auto found = tie.is_string() ? embeddings_.find(tie.get<std::string>()) : embeddings_.end();
        if (found == embeddings_.end())
            throw Error("\"tie\" must name an embedding before it in the outermost list, not " + show(tie));
        return std::make_shared<nn::Linear>(found->second, nn::LinearOptions{keys.boolean("bias", true)});
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
    const Json spec = io::parse_json<Json>(text, source);
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
