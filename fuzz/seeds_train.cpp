// SPDX-License-Identifier: MIT
// Writes the first inputs of the fuzz targets for models and checkpoints (see io/seeds.cpp).
#include <ingot/nn.h>
#include <ingot/optim.h>

#include "seeds.h"
#include "train/checkpoint.h"
#include "train/model_info.h"
#include "train/model_spec.h"
#include "train/models.h"

namespace ingot::fuzz {
namespace {

void models() {
    put("model_spec", "conv", std::string(R"({"input": [3, 8, 8], "layers": [
{"type": "conv2d", "out": 4, "kernel": 3, "padding": 1, "name": "c"}, {"type": "batch_norm2d"}, {"type": "relu"},
{"type": "residual", "layers": [{"type": "conv2d", "out": 4, "kernel": [1, 3], "padding": [0, 1], "bias": false}],
 "shortcut": [{"type": "identity"}], "after": [{"type": "gelu"}]},
{"type": "max_pool2d", "kernel": 2}, {"type": "flatten"}, {"type": "dropout", "p": 0.1}, {"type": "linear", "out": 10}]})"));
    put("model_spec", "tokens", std::string(R"({"input": 5, "layers": [{"type": "embedding", "num_embeddings": 7,
"embedding_dim": 4}, {"type": "layer_norm"}, {"type": "sequential", "layers": [{"type": "linear", "out": 3}]}]})"));
    put("model_spec", "pool", std::string(R"({"input": [1, 9, 9], "layers": [{"type": "avg_pool2d", "kernel": 3,
"stride": 2, "padding": 1, "count_include_pad": false}, {"type": "adaptive_avg_pool2d", "output_size": 2},
{"type": "leaky_relu", "slope": 0.2}, {"type": "softmax", "axis": 1}]})"));
    put("model_spec", "sequence",
        std::string(R"({"input": [4, 9], "layers": [{"type": "conv1d", "out": 6, "dilation": 2,
"groups": 2}, {"type": "group_norm", "num_groups": 3}, {"type": "prelu", "num_parameters": 6}, {"type": "max_pool1d", "kernel": 2},
{"type": "conv_transpose1d", "out": 4, "stride": 2, "output_padding": 1}, {"type": "adaptive_avg_pool1d", "output_size": 3},
{"type": "glu", "axis": 1}, {"type": "unflatten", "axis": 2, "sizes": [3, 1]}, {"type": "rms_norm", "eps": 1e-3}]})"));
    for (const std::string& name : train::model_names())
        if (name != "resnet18") { // 20 kB say nothing that the others do not
            const bool tokens = name.starts_with("gpt");
            put("model_spec", name, train::model_spec(name, tokens ? Shape{16} : Shape{3, 32, 32}, 10));
        }

    train::Model model = train::build_model(
        R"({"input": [1, 2, 2], "layers": [{"type": "batch_norm2d"}, {"type": "flatten"}, {"type": "linear", "out": 2}]})");
    optim::SGD optimizer(model.net.parameters(), {.lr = 0.1, .momentum = 0.9});
    const train::ModelInfo info{"tiny", model.spec, {"a", "b"}, {0.5f}, {0.25f}};
    train::Checkpoint({model.net, optimizer}, {}, {.model_json = train::to_json(info)})
        .write(place("checkpoint", "sgd"));
}

} // namespace
} // namespace ingot::fuzz

int main(int argc, char** argv) {
    using namespace ingot::fuzz;
    if (!begin(argc, argv)) return 2;
    models();
}
