// SPDX-License-Identifier: MIT
// ingot predict: class and probability for image files.
#include <algorithm>
#include <cstdio>

#include <ingot/data/transforms.h>
#include <ingot/ops.h>

#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "data/sources.h"

namespace ingot::cli {

namespace {

constexpr size_t kBatch = 64;

/// The files as the model's input: [N, C, H, W], normalized.
Tensor read_batch(const Trained& trained, const std::string* files, size_t count, Device device) {
    const Shape& input = trained.model.input;
    const auto pixels = static_cast<size_t>(input.numel());
    const auto table = data::normalization_table(trained.info.mean, trained.info.std);
    std::vector<float> values(count * pixels);
    for (size_t i = 0; i < count; ++i) {
        // The loader's arithmetic, so that a picture of the training set gives the same bits here.
        data::Image image = data::to_sample(data::read_fitted(files[i], input[0], input[1], input[2]));
        image.set_table(table);
        image.write(values.data() + i * pixels);
    }
    return Tensor::from(values, {static_cast<int64_t>(count), input[0], input[1], input[2]}, {.device = device});
}

} // namespace

int predict_command(const PredictArguments& a) {
    const Device device = choose_device(a.compute.device);
    if (a.compute.threads) base::set_num_threads(*a.compute.threads);
    Trained trained = load_trained(a.checkpoint, device);
    if (trained.model.tokens || trained.info.table)
        throw Error(a.checkpoint + ": predict reads images; this model was trained on " +
                    (trained.model.tokens ? "text" : "a table"));
    const NoGrad guard;
    Json predictions = Json::array();
    for (size_t first = 0; first < a.files.size(); first += kBatch) {
        const size_t count = std::min(kBatch, a.files.size() - first);
        const Tensor logits = trained.model.net(read_batch(trained, &a.files[first], count, device));
        const std::vector<float> all = softmax(logits, 1).to_vector<float>();
        const size_t classes = trained.info.class_names.size();
        for (size_t i = 0; i < count; ++i) {
            const float* row = all.data() + i * classes;
            const auto index = static_cast<size_t>(std::max_element(row, row + classes) - row);
            predictions.push_back({{"file", a.files[first + i]},
                                   {"label", trained.info.class_names[index]},
                                   {"index", index},
                                   {"probability", row[index]}});
        }
    }
    if (a.json) {
        print_json({{"predictions", predictions}});
        return 0;
    }
    for (const Json& p : predictions) {
        char probability[32];
        std::snprintf(probability, sizeof probability, "%.4f", p["probability"].get<double>());
        print(p["file"].get<std::string>() + ": " + p["label"].get<std::string>() + " (" + probability + ")\n");
    }
    return 0;
}

} // namespace ingot::cli
