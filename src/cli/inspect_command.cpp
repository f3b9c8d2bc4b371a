// SPDX-License-Identifier: MIT
// ingot inspect: what a safetensors file, a checkpoint, a model description or a model spec holds.
#include <exception>

#include "cli/commands.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "cli/table.h"
#include "io/file.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "train/model_info.h"
#include "train/model_spec.h"
#include "train/report/text.h"
#include "train/weights.h"

namespace ingot::cli {

namespace {

constexpr int64_t kMaxJsonBytes = 16 << 20;
constexpr const char* kTrainPrefix = "train.";

using train::report::bytes;
using train::report::count;

Json tensor_json(const std::string& name, DType dtype, const Shape& shape) {
    return {{"name", name}, {"dtype", ingot::name(dtype)}, {"shape", std::vector<int64_t>(shape.begin(), shape.end())}};
}

void print_layers(const train::Model& model) {
    TextTable table({"layer", "type", "output", ">parameters"});
    int64_t total = 0;
    for (const train::LayerInfo& layer : model.layers) {
        const std::string indent(static_cast<size_t>(2 * layer.depth), ' ');
        table.add({indent + layer.name, indent + layer.type + (layer.options.empty() ? "" : " (" + layer.options + ")"),
                   layer.output.str(), layer.parameters > 0 ? count(layer.parameters) : ""});
        if (layer.depth == 0) total += layer.parameters;
    }
    print("input " + model.input.str() + (model.tokens ? " (tokens)" : "") + "\n" + table.str() + count(total) +
          " parameters\n");
}

std::string joined(const std::vector<std::string>& words, size_t most) {
    std::string text;
    for (size_t i = 0; i < std::min(words.size(), most); ++i) text += (i > 0 ? ", " : "") + words[i];
    return words.size() > most ? text + ", ..." : text;
}

void print_description(const std::string& json, const std::string& source) {
    const train::ModelInfo info = train::model_info_from_json(json, source);
    print("model " + info.name + ", " + std::to_string(info.class_names.size()) +
          " classes: " + joined(info.class_names, 20) + "\n");
    print_layers(train::build_model(info.spec, source));
}

/// The only element of a tensor, as text; a tensor of bytes is text already.
std::string value(const io::TensorView& view) {
    if (view.dtype == u8 && view.shape.rank() == 1) {
        const std::string text(static_cast<const char*>(view.data), view.bytes);
        return text.find('\n') == std::string::npos && text.size() <= 100 ? text : "";
    }
    if (view.shape.numel() != 1) return "";
    const Tensor tensor = train::to_tensor(view);
    return is_float(view.dtype) ? train::report::number(tensor.item<double>(), 6) : count(tensor.item<int64_t>());
}

/// One table of the tensors that `wanted` chooses, and their sums. Returns whether there were any.
template <class F> bool print_tensors(const io::SafetensorsFile& file, const std::string& what, bool values, F wanted) {
    std::vector<std::string> headings{"name", "dtype", "shape", ">bytes"};
    if (values) headings.push_back("value");
    TextTable table(headings);
    int64_t elements = 0, number = 0;
    size_t size = 0;
    for (const io::TensorView& t : file.tensors()) {
        if (!wanted(t.name)) continue;
        std::vector<std::string> row{t.name, name(t.dtype), t.shape.str(), count(static_cast<int64_t>(t.bytes))};
        if (values) row.push_back(value(t));
        table.add(std::move(row));
        elements += t.shape.numel();
        size += t.bytes;
        ++number;
    }
    if (number == 0) return false;
    print(what + table.str() + count(number) + (number == 1 ? " tensor, " : " tensors, ") + count(elements) +
          " elements, " + bytes(static_cast<double>(size)) + "\n");
    return true;
}

void print_safetensors(const io::SafetensorsFile& file) {
    const auto& metadata = file.metadata();
    const auto description = metadata.find("ingot"), version = metadata.find("ingot_version");
    const bool checkpoint = description != metadata.end() && version != metadata.end();
    std::exception_ptr problem;
    if (checkpoint) {
        print(printable("checkpoint of ingot " + version->second) + "\n");
        try {
            print_description(description->second, file.path());
        } catch (const Error&) { problem = std::current_exception(); } // after the list of tensors
    }
    const auto of_training = [&](const std::string& name) { return checkpoint && name.starts_with(kTrainPrefix); };
    const bool any = print_tensors(file, checkpoint ? "\nweights\n" : "", false,
                                   [&](const std::string& name) { return !of_training(name); });
    if (!print_tensors(file, "\nstate of the training\n", true, of_training) && !any) print("no tensors\n");
    for (const auto& [key, text] : metadata)
        if (!checkpoint || (key != "crc32" && key != "ingot" && key != "ingot_version"))
            print(printable(key + ": " + text) + "\n");
    finish_output();
    if (problem) std::rethrow_exception(problem);
}

int inspect_safetensors(const InspectArguments& a) {
    const io::SafetensorsFile file = io::SafetensorsFile::open(a.file);
    // A damaged file is listed all the same: the table helps to see what is lost. The error below still sets the status.
    if (a.json) {
        Json tensors = Json::array();
        for (const io::TensorView& t : file.tensors()) tensors.push_back(tensor_json(t.name, t.dtype, t.shape));
        print_json({{"tensors", tensors}, {"metadata", file.metadata()}});
    } else {
        print_safetensors(file);
    }
    finish_output();
    io::verify_checksums(file);
    return 0;
}

/// model.json of a run, or a model spec.
int inspect_model(const InspectArguments& a) {
    const std::vector<uint8_t> file = io::read_file(a.file, kMaxJsonBytes);
    const std::string text(file.begin(), file.end());
    const Json json = io::parse_json<Json>(text, a.file);
    const bool description = json.is_object() && json.contains("spec");
    if (!a.json) {
        if (description)
            print_description(text, a.file);
        else
            print_layers(train::build_model(text, a.file));
        return 0;
    }
    const train::Model model =
        train::build_model(description ? train::model_info_from_json(text, a.file).spec : text, a.file);
    Json tensors = Json::array(), layers = Json::array();
    for (const auto& [name, t] : model.net.state_dict()) tensors.push_back(tensor_json(name, t.dtype(), t.shape()));
    for (const train::LayerInfo& l : model.layers)
        layers.push_back({{"path", l.path},
                          {"name", l.name},
                          {"type", l.type},
                          {"output", std::vector<int64_t>(l.output.begin(), l.output.end())},
                          {"parameters", l.parameters}});
    print_json({{"tensors", tensors},
                {"metadata", Json::object()},
                {"layers", layers},
                {"parameters", model.net.num_parameters()}});
    return 0;
}

} // namespace

int inspect_command(const InspectArguments& given) {
    InspectArguments a = given;
    a.file = checkpoint_path(given.file);
    return a.file.ends_with(".json") ? inspect_model(a) : inspect_safetensors(a);
}

} // namespace ingot::cli
