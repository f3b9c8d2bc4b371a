// SPDX-License-Identifier: MIT
// ingot generate: the text, its JSON, and what it refuses.
#include <ingot/ops.h>
#include <ingot/optim.h>

#include "cli/cli_testing.h"
#include "train/checkpoint.h"
#include "train/model_info.h"
#include "train/model_spec.h"

namespace ingot::cli_testing {

class Generate : public CliTest {
protected:
    /// A checkpoint as a training run on a text leaves it, of a model that answers a with b, b with c and c with a.
    std::string make_checkpoint(const std::string& spec, bool cycle) const {
        auto model = train::build_model(spec);
        if (cycle) {
            std::vector<float> rows(256 * 256, 0);
            for (int i = 0; i < 3; ++i) rows[static_cast<size_t>(('a' + i) * 256 + 'a' + (i + 1) % 3)] = 30;
            model.net.parameters()[0].assign(Tensor::from(rows, {256, 256}));
        }
        optim::SGD optimizer(model.net.parameters());
        const train::ModelInfo info{.name = "cycle", .spec = model.spec, .class_names = {}, .mean = {}, .std = {}};
        train::Checkpoint({model.net, optimizer}, {}, {.model_json = train::to_json(info)})
            .write(path("model.safetensors"));
        return path("model.safetensors");
    }
    std::string cycle() const {
        return make_checkpoint(
            R"({"input": [4], "layers": [{"type": "embedding", "num_embeddings": 256, "embedding_dim": 256}]})", true);
    }
};

TEST_F(Generate, PrintsPromptAndText) {
    const Result result = ingot({"generate", cycle(), "--prompt", "xa", "--length", "5", "--temperature", "0"});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out, "xabcabc\n");
    EXPECT_EQ(result.err, "");
}

TEST_F(Generate, Json) {
    const std::string file = cycle();
    const Result result =
        ingot({"generate", file, "--prompt", "b", "--length", "7", "--top-k", "1", "--seed", "4", "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    const Json json = result.json();
    EXPECT_EQ(json.at("prompt"), "b");
    EXPECT_EQ(json.at("text"), "cabcabc");
    EXPECT_EQ(json.at("length"), 7);
    EXPECT_EQ(json.at("top_k"), 1);
    EXPECT_EQ(json.at("seed"), 4);
    EXPECT_EQ(json.at("temperature"), 0.8);
    // Any byte can come out of an even distribution: JSON stays valid.
    EXPECT_EQ(
        ingot({"generate", file, "--prompt", "\xFF", "--length", "50", "--temperature", "9", "--json"}).json().size(),
        7u);
}

TEST_F(Generate, Errors) {
    const std::string file = cycle();
    expect_error(ingot({"generate", file}), 2, {"--prompt"});
    expect_error(ingot({"generate", file, "--prompt", ""}), 1, {"the prompt is empty"});
    expect_error(ingot({"generate", file, "--prompt", "a", "--temperature", "-1"}), 2, {"--temperature", "at least 0"});
    expect_error(ingot({"generate", file, "--prompt", "a", "--top-k", "0"}), 2, {"--top-k"});
    expect_error(ingot({"generate", path("none"), "--prompt", "a"}), 1, {path("none")});
    const std::string images = make_checkpoint(
        R"({"input": [3, 2, 2], "layers": [{"type": "flatten"}, {"type": "linear", "out": 2}]})", false);
    expect_error(ingot({"generate", images, "--prompt", "a"}), 1, {images, "does not continue texts", "[3, 2, 2]"});
}

} // namespace ingot::cli_testing
