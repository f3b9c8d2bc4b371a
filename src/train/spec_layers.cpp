// SPDX-License-Identifier: MIT
#include "train/spec_layers.h"

namespace ingot::train {

namespace {

// What sense the numbers make; wider than any real model needs.
constexpr double kMaxScale = 1e3;
constexpr Range kEps{0, 1, false, true}, kShare{0, 1, true, true}, kDropout{0, 1, true, false};
constexpr Range kScale{0, kMaxScale, false, true}, kSlope{-1, 1}, kBound{-1e6, 1e6}, kStd{0, 100};

void need_rank(const Tensor& probe, int64_t least, int64_t most, const char* text) {
    if (probe.rank() - 1 < least || probe.rank() - 1 > most)
        throw ShapeError(std::string("needs ") + text + ", but its input is " + sample_shape(probe).str());
}
void need_image(const Tensor& probe) { need_rank(probe, 3, 3, "images [C, H, W]"); }
void need_sequence(const Tensor& probe) { need_rank(probe, 2, 2, "sequences [C, L]"); }

void limit(std::initializer_list<int64_t> sizes) {
    int64_t product = 1;
    for (const int64_t s : sizes)
        if (__builtin_mul_overflow(product, s, &product) || product > kMaxElements)
            throw ShapeError("its weight would have more than " + std::to_string(kMaxElements) + " elements");
}

/// Which of `names` the text is; the first one when it is missing.
size_t choice(Keys& keys, const char* key, const std::vector<std::string>& names) {
    const std::string text = keys.text(key, names.front());
    std::string list;
    for (size_t i = 0; i < names.size(); ++i) {
        if (text == names[i]) return i;
        list += (i ? " or " : "") + show(names[i]);
    }
    throw Error(std::string("\"") + key + "\" must be " + list + ", not " + show(text));
}

template <class L, class... Args> Layer layer(Args&&... args) {
    return std::make_shared<L>(std::forward<Args>(args)...);
}

// Layers without keys, and with one number.
template <class L> Layer plain(Keys&, const Tensor&) { return layer<L>(); }
template <class L> Layer with_axis(Keys& keys, const Tensor& probe) {
    return layer<L>(keys.axis("axis", -1, probe.rank()));
}

Layer elu(Keys& keys, const Tensor&) { return layer<nn::ELU>(keys.number("alpha", 1, {0, kMaxScale})); }
Layer celu(Keys& keys, const Tensor&) { return layer<nn::CELU>(keys.number("alpha", 1, kScale)); }
Layer leaky_relu(Keys& keys, const Tensor&) { return layer<nn::LeakyReLU>(keys.number("slope", 0.01, kSlope)); }
Layer softplus(Keys& keys, const Tensor&) { return layer<nn::Softplus>(keys.number("beta", 1, kScale)); }
Layer hardtanh(Keys& keys, const Tensor&) {
    const double low = keys.number("min_val", -1, kBound), high = keys.number("max_val", 1, kBound);
    if (!(low < high)) throw Error("\"min_val\" must be below \"max_val\"");
    return layer<nn::Hardtanh>(low, high);
}
Layer prelu(Keys& keys, const Tensor&) {
    const int64_t count = keys.size("num_parameters", 1);
    return layer<nn::PReLU>(count, keys.number("init", 0.25, kSlope));
}
Layer gelu(Keys& keys, const Tensor&) {
    return layer<nn::GELU>(choice(keys, "approximate", {"none", "tanh"}) == 0 ? nn::Approximate::none
                                                                              : nn::Approximate::tanh);
}

Layer dropout(Keys& keys, const Tensor&) { return layer<nn::Dropout>(keys.number("p", 0.5, kDropout)); }

Layer flatten(Keys& keys, const Tensor& probe) {
    const int64_t start = keys.axis("start", 1, probe.rank());
    return layer<nn::Flatten>(start, keys.axis("stop", -1, probe.rank()));
}

Layer unflatten(Keys& keys, const Tensor& probe) {
    const int64_t axis = keys.axis("axis", 1, probe.rank());
    return layer<nn::Unflatten>(axis, keys.shape("sizes", std::nullopt));
}

Layer linear(Keys& keys, const Tensor& probe) {
    need_rank(probe, 1, 8, "at least one axis");
    const int64_t out = keys.size("out");
    limit({out, probe.shape().back()});
    return layer<nn::Linear>(probe.shape().back(), out, nn::LinearOptions{keys.boolean("bias", true)});
}

Layer embedding(Keys& keys, const Tensor&) {
    const int64_t rows = keys.size("num_embeddings"), columns = keys.size("embedding_dim");
    limit({rows, columns});
    return layer<nn::Embedding>(rows, columns, nn::EmbeddingOptions{keys.number("std", 1, kStd)});
}

Layer conv2d(Keys& keys, const Tensor& probe) {
    need_image(probe);
    const int64_t out = keys.size("out");
    nn::Conv2dOptions o;
    o.kernel = keys.pair("kernel", 3, 1);
    o.stride = keys.pair("stride", 1, 1);
    o.padding = keys.pair("padding", 0, 0);
    o.dilation = keys.pair("dilation", 1, 1);
    o.groups = keys.size("groups", 1);
    o.bias = keys.boolean("bias", true);
    limit({out, probe.size(1), o.kernel.h, o.kernel.w});
    return layer<nn::Conv2d>(probe.size(1), out, o);
}

Layer conv_transpose2d(Keys& keys, const Tensor& probe) {
    need_image(probe);
    const int64_t out = keys.size("out");
    nn::ConvTranspose2dOptions o;
    o.kernel = keys.pair("kernel", 3, 1);
    o.stride = keys.pair("stride", 1, 1);
    o.padding = keys.pair("padding", 0, 0);
    o.output_padding = keys.pair("output_padding", 0, 0);
    o.dilation = keys.pair("dilation", 1, 1);
    o.groups = keys.size("groups", 1);
    o.bias = keys.boolean("bias", true);
    limit({out, probe.size(1), o.kernel.h, o.kernel.w});
    return layer<nn::ConvTranspose2d>(probe.size(1), out, o);
}

int64_t extent(Keys& keys, const char* key, std::optional<int64_t> fallback, int64_t least) {
    const Int2 both = keys.pair(key, fallback ? std::optional<Int2>(Int2(*fallback)) : std::nullopt, least);
    if (both.h != both.w) throw Error(std::string("\"") + key + "\" must be one number");
    return both.w;
}

Layer conv1d(Keys& keys, const Tensor& probe) {
    need_sequence(probe);
    const int64_t out = keys.size("out");
    nn::Conv1dOptions o;
    o.kernel = extent(keys, "kernel", 3, 1);
    o.stride = extent(keys, "stride", 1, 1);
    o.padding = extent(keys, "padding", 0, 0);
    o.dilation = extent(keys, "dilation", 1, 1);
    o.groups = keys.size("groups", 1);
    o.bias = keys.boolean("bias", true);
    limit({out, probe.size(1), o.kernel});
    return layer<nn::Conv1d>(probe.size(1), out, o);
}

Layer conv_transpose1d(Keys& keys, const Tensor& probe) {
    need_sequence(probe);
    const int64_t out = keys.size("out");
    nn::ConvTranspose1dOptions o;
    o.kernel = extent(keys, "kernel", 3, 1);
    o.stride = extent(keys, "stride", 1, 1);
    o.padding = extent(keys, "padding", 0, 0);
    o.output_padding = extent(keys, "output_padding", 0, 0);
    o.dilation = extent(keys, "dilation", 1, 1);
    o.groups = keys.size("groups", 1);
    o.bias = keys.boolean("bias", true);
    limit({out, probe.size(1), o.kernel});
    return layer<nn::ConvTranspose1d>(probe.size(1), out, o);
}

nn::BatchNormOptions batch_norm_options(Keys& keys) {
    nn::BatchNormOptions o;
    o.eps = keys.number("eps", o.eps, kEps);
    o.momentum = keys.number("momentum", o.momentum, kShare);
    o.affine = keys.boolean("affine", true);
    o.track_running_stats = keys.boolean("track_running_stats", true);
    return o;
}
Layer batch_norm1d(Keys& keys, const Tensor& probe) {
    need_rank(probe, 1, 2, "[C] or [C, L]");
    return layer<nn::BatchNorm1d>(probe.size(1), batch_norm_options(keys));
}
Layer batch_norm2d(Keys& keys, const Tensor& probe) {
    need_image(probe);
    return layer<nn::BatchNorm2d>(probe.size(1), batch_norm_options(keys));
}

Layer layer_norm(Keys& keys, const Tensor& probe) {
    need_rank(probe, 1, 8, "at least one axis");
    const Shape shape = keys.shape("normalized_shape", Shape{probe.shape().back()});
    nn::LayerNormOptions o;
    o.eps = keys.number("eps", o.eps, kEps);
    o.elementwise_affine = keys.boolean("elementwise_affine", true);
    o.bias = keys.boolean("bias", true);
    return layer<nn::LayerNorm>(shape, o);
}

Layer rms_norm(Keys& keys, const Tensor& probe) {
    need_rank(probe, 1, 8, "at least one axis");
    const Shape shape = keys.shape("normalized_shape", Shape{probe.shape().back()});
    nn::RMSNormOptions o;
    if (keys.optional("eps")) o.eps = keys.number("eps", 0, kEps);
    o.elementwise_affine = keys.boolean("elementwise_affine", true);
    return layer<nn::RMSNorm>(shape, o);
}

Layer group_norm(Keys& keys, const Tensor& probe) {
    need_rank(probe, 1, 8, "at least one axis");
    const int64_t groups = keys.size("num_groups");
    nn::GroupNormOptions o;
    o.eps = keys.number("eps", o.eps, kEps);
    o.affine = keys.boolean("affine", o.affine);
    return layer<nn::GroupNorm>(groups, probe.size(1), o);
}

Layer instance_norm(Keys& keys, const Tensor& probe) {
    need_rank(probe, 2, 8, "[C, L] or [C, H, W]");
    nn::InstanceNormOptions o;
    o.eps = keys.number("eps", o.eps, kEps);
    o.affine = keys.boolean("affine", o.affine);
    return layer<nn::InstanceNorm>(probe.size(1), o);
}

Pool2dOptions pool2d_options(Keys& keys, Int2 kernel) {
    Pool2dOptions o;
    o.stride = keys.pair("stride", kernel, 1);
    o.padding = keys.pair("padding", 0, 0);
    return o;
}
Layer max_pool2d(Keys& keys, const Tensor& probe) {
    need_image(probe);
    const Int2 kernel = keys.pair("kernel", std::nullopt, 1);
    return layer<nn::MaxPool2d>(kernel, pool2d_options(keys, kernel));
}
Layer avg_pool2d(Keys& keys, const Tensor& probe) {
    need_image(probe);
    const Int2 kernel = keys.pair("kernel", std::nullopt, 1);
    Pool2dOptions o = pool2d_options(keys, kernel);
    o.count_include_pad = keys.boolean("count_include_pad", true);
    return layer<nn::AvgPool2d>(kernel, o);
}

Pool1dOptions pool1d_options(Keys& keys, int64_t kernel) {
    Pool1dOptions o;
    o.stride = extent(keys, "stride", kernel, 1);
    o.padding = extent(keys, "padding", 0, 0);
    return o;
}
Layer max_pool1d(Keys& keys, const Tensor& probe) {
    need_sequence(probe);
    const int64_t kernel = extent(keys, "kernel", std::nullopt, 1);
    return layer<nn::MaxPool1d>(kernel, pool1d_options(keys, kernel));
}
Layer avg_pool1d(Keys& keys, const Tensor& probe) {
    need_sequence(probe);
    const int64_t kernel = extent(keys, "kernel", std::nullopt, 1);
    Pool1dOptions o = pool1d_options(keys, kernel);
    o.count_include_pad = keys.boolean("count_include_pad", true);
    return layer<nn::AvgPool1d>(kernel, o);
}

template <class L> Layer adaptive2d(Keys& keys, const Tensor& probe) {
    need_image(probe);
    return layer<L>(keys.pair("output_size", 1, 1));
}
template <class L> Layer adaptive1d(Keys& keys, const Tensor& probe) {
    need_sequence(probe);
    return layer<L>(extent(keys, "output_size", 1, 1));
}
Layer global_avg_pool2d(Keys&, const Tensor& probe) {
    need_image(probe);
    return layer<nn::GlobalAvgPool2d>();
}

Layer position_embedding(Keys& keys, const Tensor& probe) {
    need_rank(probe, 2, 8, "positions [.., T, E]");
    nn::PositionEmbeddingOptions o;
    o.std = keys.number("std", o.std, kStd);
    o.key = keys.name("key", o.key, /*empty=*/true);
    const int64_t length = keys.size("length", probe.size(-2));
    limit({length, probe.size(-1)});
    return layer<nn::PositionEmbedding>(length, probe.size(-1), o);
}

Layer self_attention(Keys& keys, const Tensor& probe) {
    need_rank(probe, 2, 7, "positions [.., T, E]");
    const int64_t heads = keys.size("heads");
    const bool causal = keys.boolean("is_causal", false);
    return layer<nn::SelfAttention>(heads, nn::SelfAttentionOptions{causal, keys.number("dropout", 0, kDropout)});
}

Layer multihead_attention(Keys& keys, const Tensor& probe) {
    need_rank(probe, 2, 7, "positions [.., T, E]");
    const int64_t heads = keys.size("heads");
    nn::MultiheadAttentionOptions o;
    o.dropout = keys.number("dropout", o.dropout, kDropout);
    o.bias = keys.boolean("bias", o.bias);
    o.is_causal = keys.boolean("is_causal", o.is_causal);
    limit({3, probe.size(-1), probe.size(-1)});
    return layer<nn::MultiheadAttention>(probe.size(-1), heads, o);
}

Layer transformer_encoder_layer(Keys& keys, const Tensor& probe) {
    need_rank(probe, 2, 2, "positions [T, E]");
    const int64_t heads = keys.size("heads"), width = probe.size(-1);
    nn::TransformerEncoderLayerOptions o;
    o.dim_feedforward = keys.size("dim_feedforward", o.dim_feedforward);
    o.dropout = keys.number("dropout", o.dropout, kDropout);
    o.activation = static_cast<nn::FeedForwardActivation>(choice(keys, "activation", {"relu", "gelu", "gelu_tanh"}));
    o.layer_norm_eps = keys.number("layer_norm_eps", o.layer_norm_eps, kEps);
    o.norm_first = keys.boolean("norm_first", o.norm_first);
    o.is_causal = keys.boolean("is_causal", o.is_causal);
    o.bias = keys.boolean("bias", o.bias);
    limit({3, width, width});
    limit({width, o.dim_feedforward});
    return layer<nn::TransformerEncoderLayer>(width, heads, o);
}

struct Type {
    const char* name;
    Layer (*make)(Keys&, const Tensor& probe);
};
constexpr Type kTypes[] = {
    {"adaptive_avg_pool1d", adaptive1d<nn::AdaptiveAvgPool1d>},
    {"adaptive_avg_pool2d", adaptive2d<nn::AdaptiveAvgPool2d>},
    {"adaptive_max_pool1d", adaptive1d<nn::AdaptiveMaxPool1d>},
    {"adaptive_max_pool2d", adaptive2d<nn::AdaptiveMaxPool2d>},
    {"avg_pool1d", avg_pool1d},
    {"avg_pool2d", avg_pool2d},
    {"batch_norm1d", batch_norm1d},
    {"batch_norm2d", batch_norm2d},
    {"celu", celu},
    {"conv1d", conv1d},
    {"conv2d", conv2d},
    {"conv_transpose1d", conv_transpose1d},
    {"conv_transpose2d", conv_transpose2d},
    {"dropout", dropout},
    {"elu", elu},
    {"embedding", embedding},
    {"flatten", flatten},
    {"gelu", gelu},
    {"global_avg_pool2d", global_avg_pool2d},
    {"glu", with_axis<nn::GLU>},
    {"group_norm", group_norm},
    {"hardsigmoid", plain<nn::Hardsigmoid>},
    {"hardswish", plain<nn::Hardswish>},
    {"hardtanh", hardtanh},
    {"identity", plain<nn::Identity>},
    {"instance_norm", instance_norm},
    {"layer_norm", layer_norm},
    {"leaky_relu", leaky_relu},
    {"linear", linear},
    {"log_sigmoid", plain<nn::LogSigmoid>},
    {"log_softmax", with_axis<nn::LogSoftmax>},
    {"max_pool1d", max_pool1d},
    {"max_pool2d", max_pool2d},
    {"mish", plain<nn::Mish>},
    {"multihead_attention", multihead_attention},
    {"position_embedding", position_embedding},
    {"prelu", prelu},
    {"relu", plain<nn::ReLU>},
    {"relu6", plain<nn::ReLU6>},
    {"rms_norm", rms_norm},
    {"self_attention", self_attention},
    {"selu", plain<nn::SELU>},
    {"sigmoid", plain<nn::Sigmoid>},
    {"silu", plain<nn::SiLU>},
    {"softmax", with_axis<nn::Softmax>},
    {"softmin", with_axis<nn::Softmin>},
    {"softplus", softplus},
    {"softsign", plain<nn::Softsign>},
    {"tanh", plain<nn::Tanh>},
    {"tanhshrink", plain<nn::Tanhshrink>},
    {"transformer_encoder_layer", transformer_encoder_layer},
    {"unflatten", unflatten},
};

} // namespace

Shape sample_shape(const Tensor& probe) {
    return Shape(std::vector<int64_t>(probe.shape().begin() + 1, probe.shape().end()));
}

Layer make_layer(const std::string& type, Keys& keys, const Tensor& probe) {
    for (const Type& t : kTypes)
        if (type == t.name) return t.make(keys, probe);
    return nullptr;
}

std::vector<std::string> layer_types() {
    std::vector<std::string> out;
    for (const Type& t : kTypes) out.emplace_back(t.name);
    return out;
}

} // namespace ingot::train
