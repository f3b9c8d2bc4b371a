// SPDX-License-Identifier: MIT
// Weights in files: everything comes back bit for bit, and the named models go to PyTorch and back.
#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>
#include <ingot/weights.h>

#include "support/scratch_folder.h"
#include "train/model_spec.h"
#include "train/models.h"

using namespace ingot;
using testing_support::ScratchFolder;

namespace {

TEST(Weights, RoundTrip) {
    const ScratchFolder folder;
    manual_seed(1);
    auto a = nn::Sequential{nn::Conv2d(1, 2), nn::BatchNorm2d(2), nn::ReLU(), nn::Flatten(), nn::Linear(2 * 36, 3)};
    a(randn({4, 1, 8, 8})).eval();
    save_safetensors(folder / "a.safetensors", a.state_dict(), {{"note", "hello"}});
    const StateDict loaded = load_safetensors(folder / "a.safetensors");
    EXPECT_EQ(loaded.names(), a.state_dict().names());
    for (const auto& [name, tensor] : a.state_dict()) {
        EXPECT_EQ(loaded.at(name).dtype(), tensor.dtype()) << name;
        EXPECT_EQ(loaded.at(name).shape(), tensor.shape()) << name;
        EXPECT_EQ(loaded.at(name).to_vector<double>(), tensor.to_vector<double>()) << name;
    }
    manual_seed(2);
    auto b = nn::Sequential{nn::Conv2d(1, 2), nn::BatchNorm2d(2), nn::ReLU(), nn::Flatten(), nn::Linear(2 * 36, 3)};
    b.load_state_dict(loaded);
    const Tensor x = randn({2, 1, 8, 8}).eval();
    a.eval();
    b.eval();
    EXPECT_EQ(a(x).to_vector<float>(), b(x).to_vector<float>());
}

TEST(Weights, EveryDType) {
    const ScratchFolder folder;
    StateDict all;
    for (const DType t : {f32, f64, f16, bf16, i32, i64, u8, boolean})
        all.add(name(t), (arange(6) - (is_float(t) || t == i32 || t == i64 ? 3 : 0)).to(t));
    all.add("scalar", Tensor::scalar(2.5));
    all.add("none", zeros({0, 3}));
    save_safetensors(folder / "all.safetensors", all);
    const StateDict back = load_safetensors(folder / "all.safetensors");
    for (const auto& [key, tensor] : all) {
        EXPECT_EQ(back.at(key).dtype(), tensor.dtype()) << key;
        EXPECT_EQ(back.at(key).shape(), tensor.shape()) << key;
        EXPECT_EQ(back.at(key).to_vector<double>(), tensor.to_vector<double>()) << key;
    }
}

TEST(Weights, SavingIsASnapshotAndDeterministic) {
    const ScratchFolder folder;
    nn::Linear layer(2, 2);
    layer.weight.assign(full({2, 2}, 1.0));
    save_safetensors(folder / "a", layer.state_dict());
    save_safetensors(folder / "b", layer.state_dict());
    layer.weight.assign(full({2, 2}, 2.0));
    EXPECT_EQ(load_safetensors(folder / "a").at("weight").to_vector<float>(), std::vector<float>(4, 1));
    const auto bytes = [](const std::string& path) {
        std::ifstream in(path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    EXPECT_EQ(bytes(folder / "a"), bytes(folder / "b"));
}

TEST(Weights, Errors) {
    const ScratchFolder folder;
    EXPECT_THROW(load_safetensors(folder / "missing"), FileError);
    EXPECT_THROW(save_safetensors(folder / "no/such/folder/a", {{"x", zeros({1})}}), FileError);
    EXPECT_THROW(save_safetensors(folder / "a", {{"x", Tensor{}}}), Error);
}

TEST(Weights, NumPyFiles) {
    const ScratchFolder folder;
    StateDict all;
    for (const DType t : {f32, f64, f16, i32, i64, u8, boolean})
        all.add(name(t), reshape(arange(6) - (is_float(t) || t == i32 || t == i64 ? 3 : 0), {2, 3}).to(t));
    all.add("a/scalar", Tensor::scalar(2.5));
    all.add("none", zeros({0, 3}));
    for (const bool compress : {false, true}) {
        save_npz(folder / "all.npz", all, compress);
        const StateDict back = load_npz(folder / "all.npz");
        ASSERT_EQ(back.names(), all.names());
        for (const auto& [key, tensor] : all) {
            EXPECT_EQ(back.at(key).dtype(), tensor.dtype()) << key;
            EXPECT_EQ(back.at(key).shape(), tensor.shape()) << key;
            EXPECT_EQ(back.at(key).to_vector<double>(), tensor.to_vector<double>()) << key;
            save_npy(folder / "one.npy", tensor);
            const Tensor one = load_npy(folder / "one.npy");
            EXPECT_EQ(one.dtype(), tensor.dtype()) << key;
            EXPECT_EQ(one.shape(), tensor.shape()) << key;
            EXPECT_EQ(one.to_vector<double>(), tensor.to_vector<double>()) << key;
        }
    }
    EXPECT_THROW(save_npy(folder / "b.npy", zeros({2}, {.dtype = bf16})), Error);
    EXPECT_THROW(save_npy(folder / "b.npy", Tensor{}), Error);
    EXPECT_THROW(load_npy(folder / "all.npz"), FileError);
    EXPECT_THROW(load_npz(folder / "one.npy"), FileError);
}

/// Runs the script that exchanges models with PyTorch; its exit status.
int torch_roundtrip(const std::string& arguments) {
    const std::string script = std::string(INGOT_TESTS_DIR) + "/../tools/golden/torch_roundtrip.py";
    return std::system(("/usr/bin/python3 '" + script + "' " + arguments + " >/dev/null").c_str());
}

bool have_torch() { return std::system("/usr/bin/python3 -c 'import torch' >/dev/null 2>&1") == 0; }

/// A quarter of the width everywhere: all 12 blocks of gpt2 in megabytes.
void narrow(nlohmann::ordered_json& spec) {
    for (auto& [key, value] : spec.items()) {
        if (value.is_structured()) narrow(value);
        if (key == "out" || key == "embedding_dim") value = value.get<int64_t>() / 4;
    }
}

/// The model as the script builds it: gpt2 is 192 wide instead of 768.
std::string spec_of(const std::string& name) {
    if (name == "lenet" || name == "mlp") return train::model_spec(name, {1, 28, 28}, 10);
    if (!name.starts_with("gpt")) return train::model_spec(name, {3, 32, 32}, 10);
    auto spec = nlohmann::ordered_json::parse(train::model_spec(name, {32}, 50));
    if (name == "gpt2") {
        EXPECT_EQ(spec.at("layers").at(2).at("layers").size(), 12u);
        narrow(spec);
    }
    return spec.dump();
}

/// Of the model's outputs: for classes, or for the next tokens.
Tensor loss_of(const Tensor& y) {
    if (y.rank() == 2) return nn::cross_entropy(y, arange(y.size(0)));
    const int64_t tokens = y.size(0) * y.size(1);
    return nn::cross_entropy(reshape(y, {tokens, y.size(2)}), remainder(arange(tokens), y.size(2)));
}

class TorchRoundTrip : public testing::TestWithParam<std::string> {};

TEST_P(TorchRoundTrip, OutputsAgree) {
    if (!have_torch()) GTEST_SKIP() << "/usr/bin/python3 has no torch (package python3-torch)";
    const std::string& name = GetParam();
    const ScratchFolder folder;
    ASSERT_EQ(torch_roundtrip("make '" + folder.path() + "' --model " + name), 0);

    auto model = train::build_model(spec_of(name));
    model.net.load_state_dict(load_safetensors(folder / (name + ".safetensors")));
    const StateDict inputs = load_safetensors(folder / (name + ".inputs.safetensors"));
    const StateDict expected = load_safetensors(folder / (name + ".outputs.safetensors"));

    // There: PyTorch's weights give PyTorch's outputs.
    model.net.eval();
    for (int i = 0; i < 3; ++i) {
        const std::string n = std::to_string(i);
        const Tensor y = model.net(inputs.at("input" + n)), e = expected.at("output" + n);
        EXPECT_LE(max(abs(y - e)).item(), 1e-5 * max(abs(e)).item()) << n;
    }

    // And back: weights that were trained here give the same outputs in PyTorch.
    model.net.train();
    optim::SGD optimizer(model.net.parameters(), {.lr = 0.01, .momentum = 0.9});
    for (int t = 0; t < 2; ++t) {
        optimizer.zero_grad();
        loss_of(model.net(inputs.at("input2"))).backward();
        optimizer.step();
    }
    model.net.eval();
    StateDict outputs;
    for (int i = 0; i < 3; ++i)
        outputs.add("output" + std::to_string(i), model.net(inputs.at("input" + std::to_string(i))));
    save_safetensors(folder / (name + ".ingot.safetensors"), model.net.state_dict());
    save_safetensors(folder / (name + ".ingot_outputs.safetensors"), outputs);
    EXPECT_EQ(torch_roundtrip("check '" + folder.path() + "' --model " + name), 0);
}

INSTANTIATE_TEST_SUITE_P(Models, TorchRoundTrip,
                         testing::ValuesIn(train::model_names()), // all: one that the script lacks fails
                         [](const auto& info) {
                             std::string test = info.param;
                             std::replace(test.begin(), test.end(), '-', '_');
                             return test;
                         });

} // namespace
