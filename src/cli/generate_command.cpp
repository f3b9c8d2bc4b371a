// SPDX-License-Identifier: MIT
// ingot generate: continues a text with a model that was trained on one.
#include <chrono>

#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "train/checkpoint.h"
#include "train/generate.h"
#include "train/model_info.h"

namespace ingot::cli {

int generate_command(const GenerateArguments& a) {
    const Device device = choose_device(a.compute.device);
    if (a.compute.threads) base::set_num_threads(*a.compute.threads);
    const train::LoadedCheckpoint checkpoint = train::read_checkpoint(a.checkpoint);
    const train::ModelInfo info = train::model_info_from_json(checkpoint.model_json, a.checkpoint);
    train::Model model = train::build_model(info.spec, a.checkpoint);
    try {
        train::check_text_model(model);
        model.net.load_state_dict(checkpoint.weights);
    } catch (const Error& error) { throw FileError(a.checkpoint + ": " + error.what()); }
    model.net.to(device);
    model.net.eval();

    const train::GenerateOptions options{
        .length = a.length, .temperature = a.temperature, .top_k = a.top_k, .seed = a.seed};
    std::string text;
    if (!a.json) print(a.prompt);
    const auto start = std::chrono::steady_clock::now();
    train::generate(model, a.prompt, options, [&](char c) {
        text += c;
        if (a.json) return;
        print(std::string(1, c));
        finish_output(); // each byte as soon as it is known
    });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (a.json) {
        print_json({{"prompt", a.prompt},
                    {"text", text}, // may be cut inside a character
                    {"length", a.length},
                    {"temperature", a.temperature},
                    {"top_k", a.top_k},
                    {"seed", a.seed},
                    {"seconds", seconds}});
    } else if (!text.empty() && text.back() != '\n') {
        print("\n");
    }
    return 0;
}

} // namespace ingot::cli
