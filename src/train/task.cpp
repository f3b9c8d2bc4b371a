// SPDX-License-Identifier: MIT
#include "train/task.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include <ingot/data/transforms.h>
#include <ingot/error.h>

#include "base/check.h"
#include "base/parallel.h"
#include "data/table.h"
#include "data/text.h"
#include "io/safetensors.h"

namespace ingot::train {

namespace {

constexpr int64_t kEvalBatch = 200;               ///< divides the usual test sets: the last batch needs no variant
constexpr int64_t kEvalBytes = int64_t{64} << 20; ///< of one batch, so that large images do not take all memory
constexpr int64_t kStatsSamples = 4096;           ///< that mean and std are taken from when images stay in their files
constexpr double kTableTest = 0.2;                ///< part of a table that is its test part
constexpr uint64_t kTableSeed = 0;                ///< by which it is chosen: a model must meet the same part again

uint32_t crc(const void* data, size_t bytes) {
    io::TensorView view;
    view.data = data;
    view.bytes = bytes;
    return io::crc32(view);
}

std::string hex(uint32_t value) {
    char text[16];
    std::snprintf(text, sizeof text, "%08x", value);
    return text;
}

std::vector<int64_t> everything(int64_t count) {
    std::vector<int64_t> all(static_cast<size_t>(count));
    std::iota(all.begin(), all.end(), 0);
    return all;
}

std::vector<int64_t> select(const std::vector<int64_t>& from, const std::vector<int64_t>& indices) {
    std::vector<int64_t> out;
    for (const int64_t i : indices) out.push_back(from[static_cast<size_t>(i)]);
    return out;
}

/// Labels and pixels, or the names of the files, of all samples.
std::string image_fingerprint(const data::Dataset& images) {
    std::vector<uint32_t> sums(static_cast<size_t>(images.size()));
    const auto* files = dynamic_cast<const data::ImageFolder*>(&images);
    base::parallel_for(images.size(), 64, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            uint32_t& sum = sums[static_cast<size_t>(i)];
            if (files != nullptr) {
                const std::string& name = files->file(i);
                sum = crc(name.data(), name.size());
            } else {
                const std::vector<uint8_t> pixels = std::get<data::Image>(images.get(i).x).pixels();
                sum = crc(pixels.data(), pixels.size());
            }
            sum += static_cast<uint32_t>(images.label(i)) * 0x9E3779B9u;
        }
    });
    return std::to_string(images.size()) + " images, checksum " + hex(crc(sums.data(), sums.size() * sizeof sums[0]));
}

/// Errors about the validation part begin with what asked for it.
std::string val_flag(double val) {
    char text[32];
    std::snprintf(text, sizeof text, "--val %g: ", val);
    return text;
}

template <class F> auto for_validation(double val, const F& split) {
    try {
        return split();
    } catch (const Error& error) { throw Error(val_flag(val) + error.what()); }
}

} // namespace

Task::Task(const std::string& text, const TaskOptions& options) : seed_(options.seed), load_(options.load) {
    const data::DataSpec spec = data::parse_data_spec(text);
    if (spec.scheme == "csv")
        load_table(spec, options);
    else if (spec.scheme == "text")
        load_text(spec, options);
    else
        load_images(spec, options);
    train_samples = train_->size();
    validation_samples = validation_ ? validation_->size() : 0;
    test_samples = test_ ? test_->size() : 0;
}

void Task::load_images(const data::DataSpec& spec, const TaskOptions& options) {
    kind = Kind::images;
    data::ImageData data = data::load_images(spec, options.load);
    input = {data.channels, data.height, data.width};
    class_names = data.class_names;
    outputs = static_cast<int64_t>(class_names.size());
    left_out = data.left_out;
    resizable = spec.scheme == "folder";
    decodes_ = !data.in_memory;
    train_ = data.train;
    test_ = data.test;
    if (options.trained != nullptr) {
        mean = options.trained->mean;
        std = options.trained->std;
        return;
    }
    fingerprint = image_fingerprint(*train_);
    if (options.val > 0) {
        data::Split split =
            for_validation(options.val, [&] { return data::stratified_split(*train_, options.val, options.seed); });
        validation_ = std::make_shared<data::Subset>(train_, std::move(split.held_out));
        train_ = std::make_shared<data::Subset>(train_, std::move(split.rest));
    }
    data::ChannelStats stats = data::channel_stats(*train_, decodes_ ? kStatsSamples : 0);
    mean = std::move(stats.mean);
    std = std::move(stats.std);
}

void Task::load_table(const data::DataSpec& spec, const TaskOptions& options) {
    kind = Kind::table;
    data::TableOptions how{.trained = options.trained != nullptr, .load = options.load};
    if (const auto label = spec.options.find("label"); label != spec.options.end()) how.label = label->second;
    if (const auto task = spec.options.find("task"); task != spec.options.end())
        how.regression = task->second == "regression";
    const auto* trained = options.trained;
    if (trained != nullptr) {
        if (!trained->table) throw Error("the model was not trained on a table; '" + spec.text + "' is one");
        if (how.label.empty()) how.label = trained->table->label;
        if (how.label != trained->table->label)
            throw Error("the model predicts '" + trained->table->label + "', not '" + how.label + "'");
        if (!spec.options.contains("task")) how.regression = trained->table->regression;
        if (how.regression != trained->table->regression)
            throw Error(std::string("the model was trained for ") +
                        (trained->table->regression ? "regression" : "classification"));
    }
    const data::Table source(spec.path, how);
    regression = source.regression();
    fingerprint = std::to_string(source.rows()) + " rows, checksum " + hex(source.checksum());

    std::vector<int64_t> train_rows = everything(source.rows()), test_rows, validation_rows;
    const auto hold_out = [&](double fraction, uint64_t seed) {
        const auto size = static_cast<int64_t>(train_rows.size());
        const data::Split split = regression
                                      ? data::random_split(size, fraction, seed)
                                      : data::stratified_split(select(source.labels(), train_rows), fraction, seed);
        std::vector<int64_t> held_out = select(train_rows, split.held_out);
        train_rows = select(train_rows, split.rest);
        return held_out;
    };
    if (source.rows() < 3)
        throw FileError(spec.path + ": " + std::to_string(source.rows()) +
                        " rows are too few: a fifth of them, at least one, is the test part");
    test_rows = hold_out(kTableTest, kTableSeed);
    if (options.val > 0)
        validation_rows = for_validation(options.val, [&] { return hold_out(options.val, options.seed); });

    table = trained != nullptr ? *trained->table : source.fit(train_rows);
    class_names = table->class_names;
    outputs = regression ? 1 : static_cast<int64_t>(class_names.size());
    input = {table->features()};
    for (const data::TableColumn& column : table->columns)
        for (int64_t k = 0; k < column.width(); ++k) {
            mean.push_back(static_cast<float>(column.numeric ? column.mean : 0));
            std.push_back(static_cast<float>(column.numeric ? column.std : 1));
        }
    const auto encode = [&](const std::vector<int64_t>& rows, const char* part) {
        return std::make_shared<data::TensorDataset>(source.encode(*table, rows, part));
    };
    train_ = encode(train_rows, "training");
    test_ = encode(test_rows, "test");
    if (options.val > 0) validation_ = encode(validation_rows, "validation");
}

void Task::load_text(const data::DataSpec& spec, const TaskOptions& options) {
    kind = Kind::text;
    const int64_t length = options.text_length > 0 ? options.text_length : data::text_length(spec);
    data::TextData data = data::load_text(spec.path, length);
    input = {length};
    outputs = data::kByteValues;
    fingerprint = std::to_string(data.train.text->size()) + " bytes, checksum " +
                  hex(crc(data.train.text->data(), data.train.text->size()));
    test_ = std::make_shared<data::TextWindows>(data.test, length);
    if (options.val > 0) {
        data::TextPart held_out = data.train;
        const auto bytes = static_cast<int64_t>(options.val * static_cast<double>(data.train.size()));
        held_out.begin = data.train.end = data.train.end - bytes;
        if (held_out.size() < length + 1 || data.train.size() < length + 1)
            throw Error(val_flag(options.val) + "cannot hold out " + std::to_string(bytes) + " bytes of " + spec.path +
                        ": both parts need at least one window of " + std::to_string(length) + " bytes");
        validation_ = std::make_shared<data::TextWindows>(held_out, length);
    } else {
        validation_ = test_;
    }
    train_ = std::make_shared<data::RandomTextWindows>(data.train, length);
}

ModelInfo Task::describe(const std::string& name, const std::string& model_spec) const {
    ModelInfo info;
    info.name = name;
    info.spec = model_spec;
    info.class_names = class_names;
    info.mean = mean;
    info.std = std;
    info.table = table;
    return info;
}

std::string samples_of(Task::Kind kind) {
    constexpr const char* kNames[] = {"images", "rows", "windows"};
    return kNames[static_cast<size_t>(kind)];
}

std::string Task::str() const {
    std::string text = std::to_string(train_samples) + " training " + samples_of(kind) + " " + input.str();
    if (regression) return text + ", regression of '" + table->label + "'";
    return text + ", " + std::to_string(outputs) + (kind == Kind::text ? " byte values" : " classes");
}

data::LoaderOptions Task::loader_options(Device device) const {
    data::LoaderOptions options;
    options.seed = seed_;
    options.device = device;
    if (kind == Kind::images) options.transforms.emplace_back(data::Normalize(mean, std));
    if (!decodes_) return options;
    // On the CPU the workers share its cores with the training, which needs far longer for an image than they do.
    options.workers = device == Device::cpu() ? std::max(1, base::num_threads() / 2) : base::num_threads();
    options.prefetch = 3;
    if (load_.strict) return options;
    options.bad_samples = data::BadSamples::skip;
    if (load_.warn) options.on_bad_sample = [warn = load_.warn](int64_t, const std::string& what) { warn(what); };
    return options;
}

std::unique_ptr<data::DataLoader> Task::training(const Recipe& recipe, Device device) const {
    data::LoaderOptions options = loader_options(device);
    options.batch = recipe.batch;
    options.shuffle = kind != Kind::text; // its windows are random already
    options.drop_last = true;
    if (options.bad_samples == data::BadSamples::skip) options.bad_samples = data::BadSamples::replace;
    if (kind == Kind::images) {
        std::vector<data::Transform> augmentation;
        if (recipe.shift > 0)
            augmentation.emplace_back(data::RandomCrop(Int2(input[1], input[2]), {.padding = recipe.shift}));
        if (recipe.flip) augmentation.emplace_back(data::RandomHorizontalFlip());
        options.transforms.insert(options.transforms.begin(), augmentation.begin(), augmentation.end());
    }
    return std::make_unique<data::DataLoader>(train_, std::move(options));
}

std::unique_ptr<data::DataLoader> Task::in_order(const DatasetPtr& dataset, Device device) const {
    if (dataset == nullptr) return nullptr;
    data::LoaderOptions options = loader_options(device);
    // The outputs of a text model are a row of 256 numbers per byte.
    const int64_t bytes = 4 * input.numel() * (kind == Kind::text ? outputs : 1);
    options.batch =
        std::clamp<int64_t>(kEvalBytes / std::max<int64_t>(bytes, 1), 1, std::min(kEvalBatch, dataset->size()));
    return std::make_unique<data::DataLoader>(dataset, std::move(options));
}

std::unique_ptr<data::DataLoader> Task::validation(Device device) const { return in_order(validation_, device); }
std::unique_ptr<data::DataLoader> Task::test(Device device) const { return in_order(test_, device); }
std::unique_ptr<data::DataLoader> Task::evaluation(Device device) const {
    return in_order(test_ ? test_ : train_, device);
}

} // namespace ingot::train
