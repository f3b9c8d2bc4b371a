// SPDX-License-Identifier: MIT
#include "cli/model_source.h"

#include <cstdio>
#include <filesystem>

#include "cli/arguments.h"
#include "cli/run_settings.h"
#include "data/spec.h"
#include "io/file.h"
#include "train/models.h"

namespace ingot::cli {

namespace {

constexpr int64_t kMaxSpecBytes = 16 << 20;

bool is_file(const std::string& argument) { return argument.ends_with(".json"); }

bool shapes_fit(const Trained& t) {
    if (t.model.tokens) return t.model.input.rank() == 1;
    const auto outputs = t.info.table && t.info.table->regression ? 1 : static_cast<int64_t>(t.info.class_names.size());
    return t.model.input.rank() == (t.info.table ? 1 : 3) && !t.info.mean.empty() &&
           t.model.input[0] == static_cast<int64_t>(t.info.mean.size()) && t.model.output == Shape{outputs};
}

/// What to add to the data's specification to make the samples fit the model, if anything does.
std::string size_hint(const train::Model& model, const train::Task& task) {
    const Shape &wanted = model.input, &there = task.input;
    std::string option;
    if (task.kind == train::Task::Kind::text && model.tokens)
        option = "length=" + std::to_string(wanted[0]);
    else if (task.resizable && wanted.rank() == 3 && wanted[0] == there[0] && wanted[1] == wanted[2])
        option = "size=" + std::to_string(wanted[1]);
    if (option.empty()) return "";
    return "; '," + option + "' after --data " + (task.resizable ? "folder" : "text") + ":... makes them fit";
}

} // namespace

void check_data_spec(const std::string& spec) {
    try {
        data::parse_data_spec(spec);
    } catch (const Error& error) { throw UsageError(error.what()); }
}

std::string model_name(const std::string& argument) {
    return is_file(argument) ? std::filesystem::path(argument).stem().string() : argument;
}

train::Model make_model(const std::string& argument, const train::Task& task) {
    if (!is_file(argument)) return train::build_model(train::model_spec(argument, task.input, task.outputs), argument);
    const std::vector<uint8_t> bytes = io::read_file(argument, kMaxSpecBytes);
    train::Model model = train::build_model(std::string(bytes.begin(), bytes.end()), argument);
    const bool text = task.kind == train::Task::Kind::text;
    if (model.tokens != text || !(model.input == task.input))
        throw ShapeError(argument + ": the model's input is " + model.input.str() + (model.tokens ? " ids" : "") +
                         ", the " + train::samples_of(task.kind) + " are " + task.input.str() + (text ? " ids" : "") +
                         size_hint(model, task));
    const Shape output = text ? Shape{task.input[0], task.outputs} : Shape{task.outputs};
    if (!(model.output == output))
        throw ShapeError(argument + ": the model's output is " + model.output.str() + ", the data has " +
                         (task.regression ? "one number to predict"
                          : text          ? std::to_string(task.outputs) + " byte values"
                                          : std::to_string(task.outputs) + " classes"));
    return model;
}

std::string checkpoint_path(const std::string& given) {
    const std::string best = (std::filesystem::path(given) / "best.safetensors").string();
    std::error_code none;
    return std::filesystem::is_directory(given, none) && std::filesystem::exists(best, none) ? best : given;
}

Trained load_trained(const std::string& given, Device device) {
    const std::string path = checkpoint_path(given);
    train::LoadedCheckpoint checkpoint = train::read_checkpoint(path);
    const train::ModelInfo info = train::model_info_from_json(checkpoint.model_json, path);
    Trained trained{train::build_model(info.spec, path), info, {}};
    const std::string settings = checkpoint.texts().settings;
    if (!settings.empty())
        trained.loss = settings_from_json(settings, path).recipe.loss;
    else
        trained.loss = info.table && info.table->regression ? "mse" : "cross_entropy";
    if (!shapes_fit(trained)) throw FileError(path + ": the model's shapes do not fit its class names, mean and std");
    try {
        trained.model.net.load_state_dict(checkpoint.weights);
    } catch (const Error& error) { throw FileError(path + ": " + error.what()); }
    trained.model.net.to(device);
    trained.model.net.eval();
    return trained;
}

std::string evaluation_line(const train::EvalResult& r, const train::Task& task) {
    char line[160], mae[32];
    const double off = task.in_units(r.mae);
    std::snprintf(mae, sizeof mae, off >= 1000 && off < 1e15 ? "%.0f" : "%.4g", off);
    if (task.regression)
        std::snprintf(line, sizeof line, "test_mae %s  test_r2 %.4f  test_loss %.4f\n", mae, r.r2, r.loss);
    else
        std::snprintf(line, sizeof line, "test_accuracy %.4f  test_loss %.4f\n", r.accuracy, r.loss);
    return line;
}

train::TaskOptions task_options(const Trained& trained) {
    train::TaskOptions options;
    options.trained = &trained.info;
    if (trained.model.tokens) options.text_length = trained.model.input[0];
    return options;
}

void check_fits(const Trained& trained, const train::Task& task, const std::string& data) {
    using Kind = train::Task::Kind;
    const Kind ours_kind = trained.model.tokens ? Kind::text : trained.info.table ? Kind::table : Kind::images;
    if (ours_kind != task.kind || !(trained.model.input == task.input))
        throw ShapeError("the model's input is " + trained.model.input.str() + ", the " + train::samples_of(task.kind) +
                         " of '" + data + "' are " + task.input.str());
    const auto& ours = trained.info.class_names;
    const auto& theirs = task.class_names;
    if (ours.size() != theirs.size())
        throw Error("the model knows " + std::to_string(ours.size()) + " classes, '" + data + "' has " +
                    std::to_string(theirs.size()));
    for (size_t i = 0; i < ours.size(); ++i)
        if (ours[i] != theirs[i])
            throw Error("class " + std::to_string(i) + " is '" + ours[i] + "' for the model and '" + theirs[i] +
                        "' in '" + data + "'");
}

} // namespace ingot::cli
