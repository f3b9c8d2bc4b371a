// SPDX-License-Identifier: MIT
// ingot predict: class and probability for image files, and for the rows of tables.
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <optional>

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

/// A picture as a sample of the model's input [C, H, W], normalized. Errors: FileError.
void read_image(const Trained& trained, const std::string& file, float* sample) {
    const Shape& input = trained.model.input;
    // The loader's arithmetic, so that a picture of the training set gives the same bits here.
    data::Image image = data::to_sample(data::read_fitted(file, input[0], input[1], input[2]));
    image.set_table(data::normalization_table(trained.info.mean, trained.info.std));
    image.write(sample);
}

/// Samples one after the other as [N, C, H, W].
Tensor batch_of(const Trained& trained, const std::vector<float>& samples, Device device) {
    const Shape& input = trained.model.input;
    const int64_t count = static_cast<int64_t>(samples.size()) / input.numel();
    return Tensor::from(samples, {count, input[0], input[1], input[2]}, {.device = device});
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

/// The files that could not be read: the others are predicted all the same.
class Unreadable {
public:
    explicit Unreadable(size_t files) : files_(files) {}
    /// False when `read` throws a FileError. Errors: that one where there is no other file.
    template <class F> bool read(F&& read) {
        try {
            read();
            return true;
        } catch (const FileError& error) {
            if (++count_ == files_) throw;
            std::fprintf(stderr, "ingot: warning: %s\n", error.what());
            return false;
        }
    }
    size_t count() const { return count_; }

private:
    size_t files_, count_ = 0;
};

Json predict_images(Trained& trained, const std::vector<std::string>& files, Device device, Unreadable& unreadable) {
    Json predictions = Json::array();
    const auto pixels = static_cast<size_t>(trained.model.input.numel());
    for (size_t first = 0; first < files.size();) {
        std::vector<std::string> names;
        std::vector<float> values;
        for (; first < files.size() && names.size() < kBatch; ++first) {
            values.resize((names.size() + 1) * pixels);
            float* const place = values.data() + names.size() * pixels;
            if (unreadable.read([&] { read_image(trained, files[first], place); })) names.push_back(files[first]);
        }
        if (names.empty()) break;
        values.resize(names.size() * pixels);
        const Json entries = predict_batch(trained, batch_of(trained, values, device));
        for (size_t i = 0; i < names.size(); ++i) {
            predictions.push_back({{"file", names[i]}});
            predictions.back().update(entries[i]);
        }
    }
    return predictions;
}

Json predict_rows(Trained& trained, const std::vector<std::string>& files, Device device, Unreadable& unreadable) {
    Json predictions = Json::array();
    for (const std::string& file : files) {
        std::optional<io::Csv> read;
        std::vector<float> x;
        if (!unreadable.read([&] {
                read.emplace(io::read_csv(file));
                std::vector<int64_t> rows(static_cast<size_t>(read->rows()));
                std::iota(rows.begin(), rows.end(), 0);
                x = data::encode_inputs(*read, *trained.info.table, rows);
            }))
            continue;
        const io::Csv& csv = *read;
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
    Unreadable unreadable(a.files.size());
    const Json predictions = trained.info.table ? predict_rows(trained, a.files, device, unreadable)
                                                : predict_images(trained, a.files, device, unreadable);
    const int status = unreadable.count() > 0 ? 1 : 0;
    if (a.json) {
        print_json({{"predictions", predictions}});
        return status;
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
    return status;
}

} // namespace ingot::cli
