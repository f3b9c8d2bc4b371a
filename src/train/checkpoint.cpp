// SPDX-License-Identifier: MIT
#include "train/checkpoint.h"

#include <ingot/error.h>

#include "graph/random.h"

namespace ingot::train {

namespace {

constexpr const char* kPrefix = "train.";

StateDict everything(const nn::Module& model, const optim::Optimizer& optimizer, const Position& position) {
    StateDict out;
    for (const auto& [name, tensor] : model.state_dict()) {
        if (name.starts_with(kPrefix))
            throw Error("checkpoint: the weight '" + name +
                        "' begins with 'train.', which is reserved; rename the layer");
        out.add(name, tensor);
    }
    const auto add = [&](const std::string& name, const Tensor& value) { out.add(kPrefix + name, value); };
    for (const auto& [name, tensor] : optimizer.state_dict()) add("optimizer." + name, tensor);
    const auto number = [&](const char* name, int64_t value) {
        add(name, Tensor::from(std::vector<int64_t>{value}, {}));
    };
    number("epoch", position.epoch);
    number("step", position.step);
    number("seed", static_cast<int64_t>(position.seed));
    add("epoch_loss", Tensor::from(std::vector<double>{position.epoch_loss}, {}));
    if (position.best_val_loss) add("best_val_loss", Tensor::from(std::vector<double>{*position.best_val_loss}, {}));
    const graph::RandomState& random = graph::random_state();
    add("random", Tensor::from(std::vector<int64_t>{random.seed, random.next}, {2}));
    return out;
}

} // namespace

Checkpoint::Checkpoint(const nn::Module& model, const optim::Optimizer& optimizer, const Position& position,
                       const std::string& model_json)
    : tensors_(everything(model, optimizer, position)), model_json_(model_json) {}

void Checkpoint::write(const std::string& path) const {
    io::write_safetensors(
        path, tensors_.views(),
        {{"ingot", INGOT_VERSION}, {"model.json", model_json_}, {"crc32", io::checksums_json(tensors_.views())}});
}

void Checkpoint::restore_weights(nn::Module& model) const {
    StateDict weights;
    for (const io::TensorView& view : tensors_.views())
        if (!view.name.starts_with(kPrefix)) weights.add(view.name, to_tensor(view));
    model.load_state_dict(weights);
}

LoadedCheckpoint read_checkpoint(const std::string& path) {
    const io::SafetensorsFile file = io::SafetensorsFile::open(path);
    const auto& metadata = file.metadata();
    const auto model = metadata.find("model.json");
    if (!metadata.contains("ingot") || model == metadata.end() || !metadata.contains("crc32"))
        throw FileError(path + ": is not a checkpoint of ingot (its metadata lacks ingot, model.json or crc32)");
    io::verify_checksums(file);
    LoadedCheckpoint out{model_info_from_json(model->second, path), {}, {}};
    for (const io::TensorView& view : file.tensors()) {
        if (view.name.starts_with(kPrefix))
            out.train.add(view.name.substr(std::string(kPrefix).size()), to_tensor(view));
        else
            out.weights.add(view.name, to_tensor(view));
    }
    return out;
}

} // namespace ingot::train
