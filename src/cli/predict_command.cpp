// SPDX-License-Identifier: MIT
// ingot predict: class and probability for image files, and for the rows of tables.
#include <algorithm>
#include <cstdio>
#include <numeric>

#include <ingot/data/transforms.h>
#include <ingot/ops.h>

#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "data/sources.h"
#include "data/table.h"
#include "io/csv.h"

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

/// What the model says about a batch: one entry per row of `inputs`, with the class or, for a regression, the value.
Json predict_batch(Trained& trained, const Tensor& inputs) {
    Json entries = Json::array();
    const Tensor outputs = trained.model.net(inputs);
    if (trained.info.table && trained.info.table->regression) {
        const data::TableFormat& table = *trained.info.table;
        for (const double v : outputs.to_vector<double>())
            entries.push_back({{"value", v * table.target_std + table.target_mean}});
        return entries;
    }
    const std::vector<float> all = softmax(outputs, 1).to_vector<float>();
    const size_t classes = trained.info.class_names.size();
    for (size_t at = 0; at < all.size(); at += classes) {
        const float* row = all.data() + at;
        const auto index = static_cast<size_t>(std::max_element(row, row + classes) - row);
        entries.push_back({{"label", trained.info.class_names[index]}, {"index", index}, {"probability", row[index]}});
    }
    return entries;
}

Json predict_images(Trained& trained, const std::vector<std::string>& files, Device device) {
    Json predictions = Json::array();
    for (size_t first = 0; first < files.size(); first += kBatch) {
        const size_t count = std::min(kBatch, files.size() - first);
        const Json entries = predict_batch(trained, read_batch(trained, &files[first], count, device));
        for (size_t i = 0; i < count; ++i) {
            predictions.push_back({{"file", files[first + i]}});
            predictions.back().update(entries[i]);
        }
    }
    return predictions;
}

Json predict_rows(Trained& trained, const std::vector<std::string>& files, Device device) {
    Json predictions = Json::array();
    for (const std::string& file : files) {
        const io::Csv csv = io::read_csv(file);
        std::vector<int64_t> rows(static_cast<size_t>(csv.rows()));
        std::iota(rows.begin(), rows.end(), 0);
        const std::vector<float> x = data::encode_inputs(csv, *trained.info.table, rows);
        const int64_t features = trained.model.input[0];
        for (int64_t first = 0; first < csv.rows(); first += kBatch) {
            const int64_t count = std::min<int64_t>(kBatch, csv.rows() - first);
            const auto begin = x.begin() + first * features;
            const Json entries =
                predict_batch(trained, Tensor::from(std::vector<float>(begin, begin + count * features),
                                                    {count, features}, {.device = device}));
            for (int64_t i = 0; i < count; ++i) {
                predictions.push_back({{"file", file}, {"line", csv.line(first + i)}});
                predictions.back().update(entries[static_cast<size_t>(i)]);
            }
        }
    }
    return predictions;
}

} // namespace

int predict_command(const PredictArguments& a) {
    const Device device = choose_device(a.compute.device);
    if (a.compute.threads) base::set_num_threads(*a.compute.threads);
    Trained trained = load_trained(a.checkpoint, device);
    if (trained.model.tokens)
        throw Error(a.checkpoint + ": this model was trained on text; 'ingot generate' continues texts");
    const NoGrad guard;
    const Json predictions =
        trained.info.table ? predict_rows(trained, a.files, device) : predict_images(trained, a.files, device);
    if (a.json) {
        print_json({{"predictions", predictions}});
        return 0;
    }
    for (const Json& p : predictions) {
        std::string line = p["file"].get<std::string>();
        if (p.contains("line")) line += ":" + std::to_string(p["line"].get<int64_t>());
        char number[48];
        if (p.contains("value")) {
            std::snprintf(number, sizeof number, "%.6g", p["value"].get<double>());
            print(line + ": " + number + "\n");
        } else {
            std::snprintf(number, sizeof number, "%.4f", p["probability"].get<double>());
            print(line + ": " + p["label"].get<std::string>() + " (" + number + ")\n");
        }
    }
    return 0;
}

} // namespace ingot::cli
