// SPDX-License-Identifier: MIT
// Two small trainings, ten steps each, against PyTorch: losses, final state, and outputs in eval mode.
#include <gtest/gtest.h>

#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>

#include "nn/golden.h"

using namespace ingot;

namespace {

/// The entries "<prefix>/<name>" as a state dict.
StateDict entries(const golden::File& file, const std::string& prefix) {
    StateDict out;
    for (const auto& [name, tensor] : file.all())
        if (name.starts_with(prefix + "/")) out.add(name.substr(prefix.size() + 1), tensor);
    return out;
}

void train_and_compare(nn::Sequential& model, optim::Optimizer& optimizer, const std::string& name,
                       const std::string& noisy = "") {
    const golden::File file("training");
    model.load_state_dict(entries(file, name + "/init"));
    const auto losses = file.at(name + "/losses").to_vector<double>();
    for (int t = 0; t < golden::kSteps; ++t) {
        const std::string at = name + "/" + golden::step(t) + "/";
        const Tensor loss = nn::cross_entropy(model(file.at(at + "x")), file.at(at + "y"));
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        EXPECT_NEAR(loss.item(), losses[static_cast<size_t>(t)], 1e-5) << at;
    }
    const StateDict final_state = entries(file, name + "/final");
    EXPECT_EQ(final_state.size(), model.state_dict().size());
    for (const auto& [key, tensor] : model.state_dict())
        golden::expect_close(tensor, final_state.at(key), name + "/final/" + key, key == noisy ? 1e-4 : 1e-5);
    model.eval();
    golden::expect_close(model(file.at(name + "/eval/x")), file.at(name + "/eval/y"), name + "/eval/y", 2e-5);
}

TEST(TrainingGolden, Mlp) {
    auto model = nn::Sequential{nn::Linear(8, 16), nn::ReLU(), nn::Linear(16, 4)};
    auto optimizer = optim::Adam(model.parameters(), {.lr = 0.01});
    train_and_compare(model, optimizer, "mlp");
}

TEST(TrainingGolden, Cnn) {
    auto model = nn::Sequential{nn::Conv2d(1, 4, {.kernel = 3, .padding = 1}),
                                nn::BatchNorm2d(4),
                                nn::ReLU(),
                                nn::MaxPool2d(2),
                                nn::Flatten(),
                                nn::Linear(64, 3)};
    auto optimizer = optim::SGD(model.parameters(), {.lr = 0.05, .momentum = 0.9});
    train_and_compare(model, optimizer, "cnn", "0.bias");
}

} // namespace
