// SPDX-License-Identifier: MIT
// Model specs: every layer type, inferred sizes, and errors that name the layer.
#include <fstream>

#include <gtest/gtest.h>

#include <ingot/nn.h>
#include <ingot/ops.h>

#include "train/model_spec.h"
#include "train/spec_layers.h"

using namespace ingot;
using train::build_model;

namespace {

std::string error_of(const std::string& spec) {
    try {
        build_model(spec);
    } catch (const Error& e) { return e.what(); }
    return "no error";
}

/// The error for one layer on images [3, 8, 8].
std::string layer_error(const std::string& layer) {
    return error_of(R"({"input": [3, 8, 8], "layers": [{"type": "relu"}, )" + layer + "]}");
}

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(ModelSpec, BuildsTheExampleOfTheDocumentation) {
    auto model = build_model(R"({"input": [3,32,32], "layers": [
        {"type": "conv2d", "out": 32, "kernel": 3, "padding": 1, "name": "conv1"}, {"type": "batch_norm2d"}, {"type": "relu"},
        {"type": "residual", "layers": [{"type": "conv2d", "out": 8, "kernel": 1}],
                             "shortcut": [{"type": "conv2d", "out": 8, "kernel": 1, "bias": false}]},
        {"type": "flatten"}, {"type": "linear", "out": 10}]})");
    EXPECT_EQ(model.input, (Shape{3, 32, 32}));
    EXPECT_EQ(model.output, (Shape{10}));
    EXPECT_FALSE(model.tokens);
    EXPECT_EQ(model.net.named_parameters().names(),
              (std::vector<std::string>{"conv1.weight", "conv1.bias", "1.weight", "1.bias", "3.0.weight", "3.0.bias",
                                        "3.short.0.weight", "5.weight", "5.bias"}));
    EXPECT_EQ(model.net.state_dict().at("5.weight").shape(), (Shape{10, 8 * 32 * 32}));
    EXPECT_TRUE(model.net.is_training());
    EXPECT_EQ(model.net.state_dict().at("1.num_batches_tracked").item<int64_t>(),
              0); // shapes were inferred, nothing ran
    EXPECT_EQ(model.net(zeros({2, 3, 32, 32})).shape(), (Shape{2, 10}));
    // The model's own spec text builds it again.
    EXPECT_EQ(build_model(model.spec).net.state_dict().names(), model.net.state_dict().names());
}

TEST(ModelSpec, EveryTypeAndOption) {
    auto model = build_model(R"({"input": [4, 12, 12], "layers": [
        {"type": "conv2d", "out": 8, "kernel": [3, 1], "stride": [1, 2], "padding": [1, 0], "dilation": 1, "groups": 2, "bias": false},
        {"type": "batch_norm2d", "eps": 0.001, "momentum": 0.2, "affine": true, "track_running_stats": true},
        {"type": "leaky_relu", "slope": 0.1}, {"type": "max_pool2d", "kernel": 3, "stride": 2, "padding": 1},
        {"type": "avg_pool2d", "kernel": 2, "stride": 1, "count_include_pad": false},
        {"type": "sequential", "layers": [{"type": "gelu"}, {"type": "silu"}, {"type": "sigmoid"}, {"type": "tanh"}, {"type": "identity"}]},
        {"type": "residual", "layers": [{"type": "batch_norm2d", "affine": false}], "after": [{"type": "relu"}]},
        {"type": "dropout", "p": 0.1}, {"type": "adaptive_avg_pool2d", "output_size": 1}, {"type": "flatten"},
        {"type": "linear", "out": 6, "bias": false}, {"type": "batch_norm1d"},
        {"type": "layer_norm", "eps": 0.01}, {"type": "softmax", "axis": -1}]})");
    EXPECT_EQ(model.output, (Shape{6}));
    const auto y = model.net(ones({3, 4, 12, 12}));
    EXPECT_EQ(y.shape(), (Shape{3, 6}));
    double total = 0;
    for (const double v : y.to_vector<double>()) total += v;
    EXPECT_NEAR(total, 3, 1e-5);
}

TEST(ModelSpec, CatsAndDogsOfTheExamples) {
    const std::string file = INGOT_TESTS_DIR "/../examples/cats_dogs/model.json";
    std::ifstream in(file);
    auto model = build_model({std::istreambuf_iterator<char>(in), {}}, file);
    EXPECT_EQ(model.input, (Shape{3, 32, 32}));
    EXPECT_EQ(model.output, (Shape{2}));
    EXPECT_EQ(model.net.num_parameters(), 9 * (3 * 32 + 32 * 64 + 64 * 128 + 128 * 256) + 2 * 480 + 2 * 256 + 2);
}

TEST(ModelSpec, Tokens) {
    auto model =
        build_model(R"({"input": 16, "layers": [{"type": "embedding", "num_embeddings": 11, "embedding_dim": 4},
        {"type": "flatten"}, {"type": "linear", "out": 11}]})");
    EXPECT_TRUE(model.tokens);
    EXPECT_EQ(model.net(zeros({2, 16}, {.dtype = i64})).shape(), (Shape{2, 11}));
    EXPECT_HAS(layer_error(R"({"type": "embedding", "num_embeddings": 11, "embedding_dim": 4})"),
               "layer 1 (\"embedding\")");
}

TEST(ModelSpec, FurtherTypesOfImages) {
    auto model = build_model(R"({"input": [4, 12, 12], "layers": [
        {"type": "group_norm", "num_groups": 2, "eps": 0.001, "affine": false},
        {"type": "conv_transpose2d", "out": 6, "kernel": [3, 4], "stride": 2, "padding": [1, 0], "output_padding": 1,
         "dilation": 1, "groups": 2, "bias": false},
        {"type": "instance_norm", "eps": 0.01, "affine": true}, {"type": "prelu", "num_parameters": 6, "init": 0.1},
        {"type": "adaptive_max_pool2d", "output_size": [5, 7]}, {"type": "adaptive_avg_pool2d", "output_size": [2, 3]},
        {"type": "elu", "alpha": 0.5}, {"type": "selu"}, {"type": "celu", "alpha": 2}, {"type": "softplus", "beta": 2},
        {"type": "softsign"}, {"type": "hardtanh", "min_val": -2, "max_val": 2}, {"type": "relu6"}, {"type": "hardswish"},
        {"type": "hardsigmoid"}, {"type": "mish"}, {"type": "log_sigmoid"}, {"type": "tanhshrink"},
        {"type": "flatten"}, {"type": "glu", "axis": 1}, {"type": "rms_norm", "eps": 0.001, "elementwise_affine": true},
        {"type": "unflatten", "axis": 1, "sizes": [6, 3]}, {"type": "softmin", "axis": 1}, {"type": "log_softmax", "axis": 1}]})");
    EXPECT_EQ(model.output, (Shape{6, 3}));
    EXPECT_EQ(model.net(ones({3, 4, 12, 12})).shape(), (Shape{3, 6, 3}));
    const StateDict state = model.net.state_dict();
    EXPECT_EQ(state.names(), (std::vector<std::string>{"1.weight", "2.weight", "2.bias", "3.weight", "20.weight"}));
    EXPECT_EQ(state.at("1.weight").shape(), (Shape{4, 3, 3, 4}));
}

TEST(ModelSpec, FurtherTypesOfSequences) {
    auto model = build_model(R"({"input": [4, 30], "layers": [
        {"type": "conv1d", "out": 6, "kernel": 3, "stride": 2, "padding": 2, "dilation": 2, "groups": 2, "bias": true},
        {"type": "max_pool1d", "kernel": 3, "stride": 2, "padding": 1}, {"type": "avg_pool1d", "kernel": 2,
         "count_include_pad": false}, {"type": "conv_transpose1d", "out": 3, "kernel": 4, "stride": 2, "output_padding": 1},
        {"type": "adaptive_avg_pool1d", "output_size": 5}, {"type": "adaptive_max_pool1d", "output_size": 2}]})");
    EXPECT_EQ(model.output, (Shape{3, 2}));
    EXPECT_EQ(model.net.state_dict().names(), (std::vector<std::string>{"0.weight", "0.bias", "3.weight", "3.bias"}));
    EXPECT_HAS(layer_error(R"({"type": "conv1d", "out": 3})"), "needs sequences [C, L], but its input is [3, 8, 8]");
    EXPECT_HAS(layer_error(R"({"type": "group_norm", "num_groups": 2})"), "the groups must divide the channels");
    EXPECT_HAS(layer_error(R"({"type": "unflatten", "sizes": [2, 2]})"), "does not become [2, 2]");
    EXPECT_HAS(error_of(R"({"input": [4, 9], "layers": [{"type": "conv1d", "out": 2, "kernel": [3, 4]}]})"),
               "\"kernel\" must be one number");
}

TEST(ModelSpec, EveryTypeIsDocumentedAndFuzzed) {
    const auto text_of = [](const std::string& file) {
        std::ifstream in(std::string(INGOT_TESTS_DIR) + "/../" + file);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    const std::string page = text_of("docs/model_specs.md"), words = text_of("fuzz/model_spec.dict");
    const std::vector<std::string> types = train::layer_types();
    EXPECT_GT(types.size(), 50u);
    for (const std::string& type : types) {
        EXPECT_NE(page.find("`" + type + "`"), std::string::npos) << type;
        EXPECT_NE(words.find("\\\"" + type + "\\\""), std::string::npos) << type;
    }
}

TEST(ModelSpec, Transformers) {
    auto model = build_model(R"({"input": 6, "layers": [
        {"type": "embedding", "num_embeddings": 11, "embedding_dim": 8, "std": 0.5, "name": "tok"},
        {"type": "position_embedding", "std": 0, "key": "", "name": "pos"},
        {"type": "transformer_encoder_layer", "heads": 2, "dim_feedforward": 12, "dropout": 0, "activation": "gelu",
         "layer_norm_eps": 0.001, "norm_first": true, "is_causal": true, "bias": true},
        {"type": "multihead_attention", "heads": 4, "dropout": 0.1, "bias": false, "is_causal": true},
        {"type": "residual", "name": "", "layers": [
            {"type": "layer_norm", "name": "norm"}, {"type": "linear", "out": 24, "name": "qkv"},
            {"type": "self_attention", "heads": 2, "is_causal": true, "dropout": 0},
            {"type": "gelu", "approximate": "tanh"}]},
        {"type": "linear", "tie": "tok", "bias": false, "name": "head"}]})");
    EXPECT_EQ(model.output, (Shape{6, 11}));
    EXPECT_EQ(model.net(zeros({3, 6}, {.dtype = i64})).shape(), (Shape{3, 6, 11}));
    EXPECT_EQ(model.net(zeros({3, 4}, {.dtype = i64})).shape(), (Shape{3, 4, 11})); // shorter texts are fine
    const StateDict state = model.net.state_dict();
    for (const char* key : {"tok.weight", "pos", "2.self_attn.in_proj_weight", "2.linear1.weight", "3.in_proj_weight",
                            "norm.weight", "qkv.weight", "head.weight"})
        EXPECT_TRUE(state.contains(key)) << key;
    EXPECT_FALSE(state.contains("3.in_proj_bias"));
    EXPECT_EQ(state.at("head.weight").node(), state.at("tok.weight").node());
    EXPECT_EQ(max(abs(state.at("pos"))).item(), 0);

    const auto error = [](const std::string& layer) {
        return error_of(R"({"input": 6, "layers": [{"type": "embedding", "num_embeddings": 11, "embedding_dim": 8}, )" +
                        layer + "]}");
    };
    EXPECT_HAS(error(R"({"type": "linear", "tie": "tok"})"), "\"tie\" must name an embedding before it");
    EXPECT_HAS(error(R"({"type": "linear", "tie": 3})"), "\"tie\" must name an embedding before it");
    EXPECT_HAS(error(R"({"type": "gelu", "approximate": "erf"})"), "must be \"none\" or \"tanh\", not \"erf\"");
    EXPECT_HAS(error(R"({"type": "self_attention", "heads": 3})"), "layer 1 (\"self_attention\"): SelfAttention: x of");
    EXPECT_HAS(error(R"({"type": "multihead_attention", "heads": 3})"), "multiple of the number of heads");
    EXPECT_HAS(error(R"({"type": "transformer_encoder_layer"})"), "\"heads\" is missing");
    EXPECT_HAS(error(R"({"type": "position_embedding", "length": 5})"), "does not fit 5 positions");
    EXPECT_HAS(error(R"({"type": "residual", "name": "", "layers": [{"type": "linear", "out": 8, "name": "a"}]},
                        {"type": "linear", "out": 8, "name": "a"})"),
               "the key 'a.weight' is there already");
}

// Checkpoints keep more than the weights.
TEST(ModelSpec, KeysOfCheckpointsAreTheirs) {
    const std::string reserved = "model spec: no layer can be called \"train\"";
    EXPECT_HAS(layer_error(R"({"type": "batch_norm2d", "name": "train"})"), reserved);
    EXPECT_HAS(
        layer_error(R"({"type": "sequential", "name": "", "layers": [{"type": "batch_norm2d", "name": "train"}]})"),
        reserved);
    build_model(R"({"input": [3, 8, 8], "layers": [{"type": "batch_norm2d", "name": "trainer"}]})");
}

TEST(ModelSpec, ErrorsNameTheLayer) {
    EXPECT_HAS(
        layer_error(R"({"type": "conv2d", "out": 4, "kernal": 3})"),
        "model spec: layer 1 (\"conv2d\"): unknown key \"kernal\"; it takes bias, dilation, groups, kernel, out");
    EXPECT_HAS(layer_error(R"({"type": "relu", "p": 3})"), "layer 1 (\"relu\"): unknown key \"p\"; it takes none");
    EXPECT_HAS(layer_error(R"({"type": "conv3d"})"), "layer 1 (\"conv3d\"): unknown type");
    EXPECT_HAS(layer_error(R"({"type": "conv2d", "kernel": 3, "name": "stem"})"),
               "layer 1 (\"conv2d\", \"stem\"): \"out\" is missing (given: \"kernel\")");
    EXPECT_HAS(layer_error(R"({"type": "linear", "oot": 2})"), "\"out\" is missing (given: \"oot\")");
    EXPECT_HAS(layer_error(R"({"type": "conv2d", "out": 4, "kernel": 9})"), "layer 1 (\"conv2d\")");
    EXPECT_HAS(layer_error(R"({"type": "conv2d", "out": 4, "kernel": 9})"), "[2, 3, 8, 8]");
    EXPECT_HAS(layer_error(R"({"type": "conv2d", "out": 4, "groups": 2})"), "groups = 2");
    EXPECT_HAS(layer_error(R"({"type": "conv2d", "out": 0})"), "\"out\" must be a whole number from 1");
    EXPECT_HAS(layer_error(R"({"type": "conv2d", "out": 4.0})"), "\"out\" must be a whole number");
    EXPECT_HAS(layer_error(R"({"type": "conv2d", "out": "4"})"), "not \"4\"");
    EXPECT_HAS(layer_error(R"({"type": "conv2d", "out": 18446744073709551615})"), "\"out\" must be a whole number");
    EXPECT_HAS(layer_error(R"({"type": "conv2d", "out": 16777216, "kernel": 60000})"), "would have more than");
    EXPECT_HAS(layer_error(R"({"type": "conv2d", "out": 4, "stride": 0})"), "\"stride\" must be a whole number from 1");
    EXPECT_HAS(layer_error(R"({"type": "conv2d", "out": 4, "padding": [1, 2, 3]})"), "one number or [height, width]");
    EXPECT_HAS(layer_error(R"({"type": "conv2d", "out": 4, "bias": 1})"), "\"bias\" must be true or false");
    EXPECT_HAS(layer_error(R"({"type": "max_pool2d"})"), "\"kernel\" is missing");
    EXPECT_HAS(layer_error(R"({"type": "dropout", "p": 1.5})"), "layer 1 (\"dropout\")");
    EXPECT_HAS(layer_error(R"({"type": "batch_norm1d"})"), "needs [C] or [C, L], but its input is [3, 8, 8]");
    EXPECT_HAS(layer_error(R"({"type": "relu", "name": "0"})"), "'0' is taken");
    EXPECT_HAS(layer_error(R"({"type": "residual", "layers": [{"type": "conv2d", "out": 4, "padding": 1}]})"),
               "layer 1 (\"residual\"): Residual: the layers give [2, 4, 8, 8], the shortcut [2, 3, 8, 8]");
    EXPECT_HAS(layer_error(R"({"type": "residual", "layers": [{"type": "relu"}, {"type": "conv2d", "uot": 4}]})"),
               "model spec: layer 1.1 (\"conv2d\")");
    EXPECT_HAS(layer_error(R"({"type": "residual", "layers": [], "shortcut": [{"type": "x"}]})"),
               "layer 1.shortcut.0 (\"x\")");
    EXPECT_HAS(layer_error(R"(7)"), "layer 1 must be an object");
    EXPECT_HAS(layer_error(R"({"out": 3})"), "layer 1 has no \"type\"");
}

TEST(ModelSpec, ErrorsOutsideLayers) {
    EXPECT_HAS(error_of("{\n\"input\": [1],\n oops"), "model spec: not JSON: syntax error in line 3");
    EXPECT_HAS(error_of("[]"), "must be an object");
    EXPECT_HAS(error_of(R"({"input": [1], "layers": [{"type": "relu"}], "extra": 1})"), "unknown key \"extra\"");
    EXPECT_HAS(error_of(R"({"input": [1], "layers": []})"), "not empty");
    EXPECT_HAS(error_of(R"({"layers": [{"type": "relu"}]})"), "\"input\" is missing");
    EXPECT_HAS(error_of(R"({"input": [1]})"), "\"layers\" is missing");
    EXPECT_HAS(error_of(R"({"input": [0], "layers": [{"type": "relu"}]})"), "\"input\" must be a whole number from 1");
    EXPECT_HAS(error_of(R"({"input": [16777216, 16777216], "layers": [{"type": "relu"}]})"), "too many elements");
    EXPECT_HAS(error_of(R"({"input": [1e30832], "layers": [{"type": "relu"}]})"), "a number is too large");
    EXPECT_HAS(error_of(R"({"input": [1], "input": [2], "layers": [{"type": "relu"}]})"),
               "the key 'input' stands twice");
    std::string deep = R"({"type": "relu"})";
    for (int i = 0; i < 20; ++i) deep = R"({"type": "sequential", "layers": [)" + deep + "]}";
    const std::string error = error_of(R"({"input": [1], "layers": [)" + deep + "]}");
    EXPECT_HAS(error, "nested deeper");
    EXPECT_EQ(error.find("model spec"), error.rfind("model spec")) << error;
}

/// A number of a layer and what it must be.
struct BadValue {
    const char *layer, *key, *value, *range;
};

TEST(ModelSpec, NumbersHaveRanges) {
    const BadValue cases[] = {
        {"batch_norm2d", "eps", "-1", "in (0, 1]"},
        {"batch_norm2d", "eps", "0", "in (0, 1]"},
        {"batch_norm2d", "eps", "2", "in (0, 1]"},
        {"batch_norm2d", "momentum", "5", "in [0, 1]"},
        {"batch_norm2d", "momentum", "-0.1", "in [0, 1]"},
        {"batch_norm2d", "momentum", "null", "in [0, 1]"},
        {"layer_norm", "eps", "0", "in (0, 1]"},
        {"rms_norm", "eps", "-1e-5", "in (0, 1]"},
        {"instance_norm", "eps", "-1", "in (0, 1]"},
        {"group_norm", "eps", "-1", "in (0, 1]"},
        {"dropout", "p", "1", "in [0, 1)"},
        {"dropout", "p", "-0.5", "in [0, 1)"},
        {"dropout", "p", "1e300", "in [0, 1)"},
        {"dropout", "p", "true", "in [0, 1)"},
        {"leaky_relu", "slope", "7", "in [-1, 1]"},
        {"prelu", "init", "-3", "in [-1, 1]"},
        {"elu", "alpha", "-1", "in [0, 1000]"},
        {"celu", "alpha", "0", "in (0, 1000]"},
        {"softplus", "beta", "0", "in (0, 1000]"},
        {"hardtanh", "min_val", "1e30", "in [-1e+06, 1e+06]"},
        {"softmax", "axis", "0", "from 1 to 3 or from -3 to -1 (axis 0 is the batch)"},
        {"log_softmax", "axis", "-4", "from 1 to 3 or from -3 to -1 (axis 0 is the batch)"},
        {"softmin", "axis", "4", "from 1 to 3 or from -3 to -1 (axis 0 is the batch)"},
        {"glu", "axis", "0", "from 1 to 3 or from -3 to -1 (axis 0 is the batch)"},
        {"flatten", "start", "0", "from 1 to 3 or from -3 to -1 (axis 0 is the batch)"},
        {"flatten", "stop", "1.5", "from 1 to 3 or from -3 to -1 (axis 0 is the batch)"},
        {"unflatten", "axis", "0", "from 1 to 3 or from -3 to -1 (axis 0 is the batch)"},
    };
    for (const BadValue& c : cases) {
        const std::string type = c.layer, key = c.key;
        std::string layer = "{\"type\": \"" + type + "\", \"" + key + "\": " + c.value;
        if (type == "group_norm") layer += ", \"num_groups\": 1";
        if (type == "unflatten") layer += ", \"sizes\": [1, 3]";
        const std::string error = layer_error(layer + "}");
        const std::string what = "model spec: layer 1 (\"" + type + "\"): \"" + key + "\" must be a ";
        EXPECT_EQ(error.rfind(what, 0), 0u) << error;
        EXPECT_HAS(error, std::string(c.range) + ", not ");
    }
    const auto attention = [](const std::string& type, const std::string& option) {
        return error_of(R"({"input": [6, 8], "layers": [{"type": ")" + type + "\", \"heads\": 2, " + option + "}]}");
    };
    EXPECT_HAS(attention("multihead_attention", "\"dropout\": 1"), "\"dropout\" must be a number in [0, 1), not 1");
    EXPECT_HAS(attention("self_attention", "\"dropout\": -1"), "\"dropout\" must be a number in [0, 1), not -1");
    EXPECT_HAS(attention("transformer_encoder_layer", "\"dropout\": 2"), "in [0, 1), not 2");
    EXPECT_HAS(attention("transformer_encoder_layer", "\"layer_norm_eps\": 0"), "in (0, 1], not 0");
    EXPECT_HAS(layer_error(R"({"type": "hardtanh", "min_val": 2, "max_val": 1})"), "must be below \"max_val\"");
    EXPECT_HAS(
        error_of(
            R"({"input": 4, "layers": [{"type": "embedding", "num_embeddings": 2, "embedding_dim": 3, "std": -1}]})"),
        "\"std\" must be a number in [0, 100], not -1");
    EXPECT_HAS(layer_error(R"({"type": "conv_transpose2d", "out": 1, "stride": 60000, "kernel": 1})"),
               "its output [1, 420001, 420001] has more than");
}

TEST(ModelSpec, NamesAreWordsOfKeys) {
    for (const char* name : {"a.b", "a/b", "", "a\\nb", "\\u0000"}) {
        const std::string error = layer_error(std::string(R"({"type": "relu", "name": ")") + name + "\"}");
        EXPECT_HAS(error, "\"name\" must be a text of 1 to 100 bytes without '.', '/' and control characters, not \"");
        EXPECT_EQ(error.rfind("model spec: layer 1 (\"relu\", \"", 0), 0u) << error;
    }
    EXPECT_HAS(layer_error(R"({"type": "relu", "name": ")" + std::string(101, 'n') + "\"}"), "1 to 100 bytes");
    EXPECT_HAS(layer_error(R"({"type": "relu", "name": 3})"), "\"name\" must be a text");
    EXPECT_HAS(layer_error(R"({"type": "position_embedding", "key": "a/b"})"), "\"key\" must be a text of");
    EXPECT_HAS(layer_error(R"({"type": "relu", "name": "a"}, {"type": "tanh", "name": "a"})"),
               "layer 2 (\"tanh\", \"a\")");
    EXPECT_EQ(layer_error(R"({"type": "batch_norm2d", "name": "größe_1-b"})"), "no error");
}

TEST(ModelSpec, AnyBytesAreAModelOrAnError) {
    const std::string spec = R"({"input": [3, 8, 8], "layers": [{"type": "conv2d", "out": 4, "kernel": 3, "padding": 1},
        {"type": "residual", "layers": [{"type": "relu"}]}, {"type": "flatten"}, {"type": "linear", "out": 10}]})";
    EXPECT_EQ(error_of(spec), "no error");
    const auto refused = [](const std::string& text) {
        const std::string error = error_of(text);
        EXPECT_EQ(error.rfind("model spec: ", 0), 0u) << error << "\n" << text.substr(0, 200);
        EXPECT_EQ(error.find('\n'), std::string::npos) << error;
        return error != "no error";
    };
    for (size_t n = 0; n < spec.size(); ++n) EXPECT_TRUE(refused(spec.substr(0, n)));
    for (const std::string& text :
         {std::string("<!DOCTYPE html><html></html>"), std::string(1, '\0'), std::string("\xEF\xBB\xBF"),
          spec + std::string(1, '\0'), spec + spec, std::string(1'000'000, '['), std::string(1'000'000, '{'),
          std::string("{\"input\": [1], \"layers\": [{\"type\": \"\xFF\"}]}"), std::string("NaN"), std::string("-"),
          std::string(R"({"input": [1e99], "layers": [{"type": "relu"}]})"),
          std::string(R"({"input": [-1], "layers": [{"type": "relu"}]})"),
          std::string(R"({"input": [9223372036854775807, 9223372036854775807], "layers": [{"type": "relu"}]})")})
        EXPECT_TRUE(refused(text));
    int changed = 0;
    for (size_t n = 0; n < spec.size(); ++n)
        for (const char c : {'\0', '"', '}', '9', '-', '\xFF'}) {
            std::string text = spec;
            text[n] = c;
            if (error_of(text) != "no error") changed += refused(text) ? 1 : 0; // a "1" that became a "9" is a model
        }
    EXPECT_GT(changed, 1000);
}

TEST(ModelSpec, SourceBeginsTheMessage) {
    try {
        build_model("{}", "net.json");
        FAIL() << "no error";
    } catch (const Error& e) { EXPECT_EQ(std::string(e.what()).rfind("net.json: ", 0), 0u) << e.what(); }
}

} // namespace
