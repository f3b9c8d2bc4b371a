// SPDX-License-Identifier: MIT
#include "cli/model_source.h"

#include <filesystem>

#include "cli/arguments.h"
#include "data/spec.h"
#include "io/file.h"
#include "train/models.h"

namespace ingot::cli {

namespace {

constexpr int64_t kMaxSpecBytes = 16 << 20;

bool is_file(const std::string& argument) { return argument.ends_with(".json"); }

Shape image_shape(const data::ImageDataset& d) { return {d.channels, d.height, d.width}; }

} // namespace

void check_data_spec(const std::string& spec) {
    try {
        data::parse_data_spec(spec);
    } catch (const Error& error) { throw UsageError(error.what()); }
}

std::string model_name(const std::string& argument) {
    return is_file(argument) ? std::filesystem::path(argument).stem().string() : argument;
}

train::Model make_model(const std::string& argument, const data::ImageDataset& dataset) {
    const auto classes = static_cast<int64_t>(dataset.class_names.size());
    if (!is_file(argument))
        return train::build_model(train::model_spec(argument, image_shape(dataset), classes), argument);
    const std::vector<uint8_t> bytes = io::read_file(argument, kMaxSpecBytes);
    train::Model model = train::build_model(std::string(bytes.begin(), bytes.end()), argument);
    if (model.tokens || !(model.input == image_shape(dataset)))
        throw ShapeError(argument + ": the model's input is " + model.input.str() + ", the images are " +
                         image_shape(dataset).str());
    if (!(model.output == Shape{classes}))
        throw ShapeError(argument + ": the model's output is " + model.output.str() + ", the data has " +
                         std::to_string(classes) + " classes");
    return model;
}

Trained load_trained(const std::string& path, Device device) {
    train::LoadedCheckpoint checkpoint = train::read_checkpoint(path);
    const train::ModelInfo info = train::model_info_from_json(checkpoint.model_json, path);
    Trained trained{train::build_model(info.spec, path), info};
    const auto channels = static_cast<int64_t>(info.mean.size());
    if (trained.model.tokens || trained.model.input.rank() != 3 || trained.model.input[0] != channels ||
        !(trained.model.output == Shape{static_cast<int64_t>(info.class_names.size())}))
        throw FileError(path + ": the model's shapes do not fit its class names, mean and std");
    try {
        trained.model.net.load_state_dict(checkpoint.weights);
    } catch (const Error& error) { throw FileError(path + ": " + error.what()); }
    trained.model.net.to(device);
    trained.model.net.eval();
    return trained;
}

void check_fits(const Trained& trained, const data::ImageDataset& dataset, const std::string& data) {
    if (!(trained.model.input == image_shape(dataset)))
        throw ShapeError("the model's input is " + trained.model.input.str() + ", the images of '" + data + "' are " +
                         image_shape(dataset).str());
    const auto& ours = trained.info.class_names;
    const auto& theirs = dataset.class_names;
    if (ours.size() != theirs.size())
        throw Error("the model knows " + std::to_string(ours.size()) + " classes, '" + data + "' has " +
                    std::to_string(theirs.size()));
    for (size_t i = 0; i < ours.size(); ++i)
        if (ours[i] != theirs[i])
            throw Error("class " + std::to_string(i) + " is '" + ours[i] + "' for the model and '" + theirs[i] +
                        "' in '" + data + "'");
}

} // namespace ingot::cli
