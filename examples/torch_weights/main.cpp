// SPDX-License-Identifier: MIT
// Weights go to PyTorch and come back: a network trained here computes the same there (exchange.py, which needs PyTorch and
// NumPy), is trained further there, and computes the same here again. Weights travel as safetensors under their names, which
// are the same on both sides; inputs and outputs as NumPy's npz.
// Run it in the folder of exchange.py.
#include <cstdio>
#include <cstdlib>
#include <ingot/ingot.h>
#include <string>

using namespace ingot;

namespace {

nn::Sequential make_model() {
    return nn::Sequential{nn::Conv2d(1, 8, {.kernel = 3, .padding = 1}),
                          nn::BatchNorm2d(8),
                          nn::ReLU(),
                          nn::MaxPool2d(2),
                          nn::Flatten(),
                          nn::Linear(8 * 6 * 6, 32),
                          nn::GELU(),
                          nn::LayerNorm({32}),
                          nn::Linear(32, 4)};
}

double largest_difference(const Tensor& a, const Tensor& b) {
    return max(abs(a - b)).item() / std::max(1.0, max(abs(b)).item());
}

} // namespace

int main() {
    const char* python = "/usr/bin/python3";
    if (std::system((std::string(python) + " -c 'import numpy, torch' 2>/dev/null").c_str()) != 0) {
        std::printf("SKIPPED: %s has no PyTorch (package python3-torch)\n", python);
        return 0;
    }

    // Train a little, so that nothing is as it was initialized.
    manual_seed(5);
    nn::Sequential model = make_model();
    auto opt = optim::Adam(model.parameters(), {.lr = 1e-2});
    Tensor x = randn({64, 1, 12, 12}).eval(), y = randint(0, 4, {64}).eval();
    for (int i = 0; i < 20; ++i) {
        opt.zero_grad();
        Tensor loss = nn::cross_entropy(model(x), y);
        loss.backward();
        opt.step();
    }
    model.eval();
    const Tensor out = no_grad([&] { return model(x); });
    save_safetensors("ingot.safetensors", model.state_dict());
    save_npz("ingot.npz", {{"x", x}, {"y", y}, {"out", out}});
    std::printf("wrote %zu tensors: %s, ...\n", model.state_dict().size(), model.state_dict().names()[0].c_str());

    // There: the script compares its outputs with ours, trains on and writes torch.safetensors and torch.npz.
    if (std::system((std::string(python) + " exchange.py").c_str()) != 0) return 1;

    // And back, into a new model.
    nn::Sequential back = make_model();
    back.load_state_dict(load_safetensors("torch.safetensors"));
    back.eval();
    const Tensor expected = load_npz("torch.npz").at("out");
    const double difference = largest_difference(no_grad([&] { return back(x); }), expected);
    const double moved = largest_difference(out, expected);
    std::printf("here: outputs agree with PyTorch's to %.1e (training there moved them by %.2f)\n", difference, moved);
    return difference < 1e-5 && moved > 0.01 ? 0 : 1;
}
