// SPDX-License-Identifier: MIT
#include "train/checkpoint.h"

#include <type_traits>

#include <ingot/error.h>
#include <ingot/eval.h>

#include "graph/random.h"

namespace ingot::train {

namespace {

constexpr const char* kPrefix = "train.";
constexpr const char* kOptimizer = "optimizer.";
constexpr const char* kSchedule = "schedule.";
constexpr const char* kValues = "weights."; // with averaging: the weights to train on

/// Calls f(key, value) for what a position consists of.
template <class P, class F> void each_number(P& p, F&& f) {
    f("epoch", p.epoch);
    f("batch", p.batch);
    f("step", p.step);
    f("seed", p.seed);
    f("batches", p.batches);
    f("batch_size", p.batch_size);
    f("epoch_loss", p.epoch_loss);
    f("train_loss", p.train_loss);
    f("last_lr", p.lr);
    f("best_epoch", p.best_epoch);
    f("best_val_loss", p.best_val_loss);
    f("bad_epochs", p.bad_epochs);
    f("patience_loss", p.patience_loss);
    f("skipped", p.skipped);
    f("nonfinite", p.nonfinite);
}

template <class T, class F> void each_text(T& t, F&& f) {
    f("settings", t.settings);
    f("method", t.method);
}

Tensor number(int64_t value) { return Tensor::from(std::vector<int64_t>{value}, {}); }
Tensor number(uint64_t value) { return number(static_cast<int64_t>(value)); }
Tensor number(double value) { return Tensor::from(std::vector<double>{value}, {}); }

StateDict everything(const TrainingParts& parts, const Position& position, const RunTexts& texts) {
    StateDict out;
    for (const auto& [name, tensor] : parts.model.state_dict()) {
        if (name.starts_with(kPrefix))
            throw Error("checkpoint: the weight '" + name +
                        "' begins with 'train.', which is reserved; rename the layer");
        const Tensor* average = parts.ema ? parts.ema->averages().find(name) : nullptr;
        out.add(name, average ? *average : tensor);
    }
    const auto add = [&](const std::string& name, const Tensor& value) { out.add(kPrefix + name, value); };
    for (const auto& [name, tensor] : parts.optimizer.state_dict()) add(kOptimizer + name, tensor);
    if (parts.schedule)
        for (const auto& [name, tensor] : parts.schedule->state_dict()) add(kSchedule + name, tensor);
    if (parts.ema) {
        for (const auto& [name, tensor] : parts.ema->values()) add(kValues + name, tensor);
        add("ema_updates", number(parts.ema->updates()));
    }
    each_number(position, [&](const char* key, auto value) { add(key, number(value)); });
    each_text(texts, [&](const char* key, const std::string& text) {
        add(key, Tensor::from(std::vector<uint8_t>(text.begin(), text.end()), {static_cast<int64_t>(text.size())}));
    });
    const graph::RandomState& random = graph::random_state();
    add("random", Tensor::from(std::vector<int64_t>{random.seed, random.next}, {2}));
    return out;
}

} // namespace

Checkpoint::Checkpoint(const TrainingParts& parts, const Position& position, const RunTexts& texts)
    : tensors_(everything(parts, position, texts)), model_json_(texts.model_json) {}

void Checkpoint::write(const std::string& path) const {
    std::map<std::string, std::string> metadata{{"ingot", model_json_}, {"ingot_version", INGOT_VERSION}};
    metadata["metadata_crc32"] = io::checksums_json(metadata);
    metadata["crc32"] = io::checksums_json(tensors_.views());
    io::write_safetensors(path, tensors_.views(), metadata);
}

namespace {

void add_tensor(LoadedCheckpoint& c, const io::TensorView& view) {
    if (view.name.starts_with(kPrefix))
        c.train.add(view.name.substr(std::string(kPrefix).size()), to_tensor(view));
    else
        c.weights.add(view.name, to_tensor(view));
}

} // namespace

LoadedCheckpoint Checkpoint::loaded() const {
    LoadedCheckpoint out{"checkpoint", model_json_, {}, {}};
    for (const io::TensorView& view : tensors_.views()) add_tensor(out, view);
    return out;
}

namespace {

/// The tensor `key` of a checkpoint, which must have `count` elements, or any number when that is negative.
Tensor entry(const LoadedCheckpoint& c, const std::string& key, DType dtype, int64_t count) {
    const Tensor* tensor = c.train.find(key);
    if (!tensor) throw FileError(c.path + ": cannot go on from it: 'train." + key + "' is missing");
    if (tensor->dtype() != dtype || (count >= 0 && tensor->numel() != count))
        throw FileError(c.path + ": cannot go on from it: 'train." + key + "' is " + tensor->str());
    return *tensor;
}

} // namespace

Position LoadedCheckpoint::position() const {
    Position p;
    each_number(p, [&]<class T>(const char* key, T& value) {
        if constexpr (std::is_same_v<T, double>)
            value = entry(*this, key, f64, 1).item<double>();
        else
            value = static_cast<T>(entry(*this, key, i64, 1).item<int64_t>());
    });
    if (p.epoch < 0 || p.batch < 0 || p.step < 0 || p.batch > p.batches)
        throw FileError(path + ": cannot go on from it: epoch " + std::to_string(p.epoch) + ", batch " +
                        std::to_string(p.batch) + " of " + std::to_string(p.batches) + ", step " +
                        std::to_string(p.step) + " is no position of a run");
    return p;
}

RunTexts LoadedCheckpoint::texts() const {
    RunTexts t{.model_json = model_json};
    each_text(t, [&](const char* key, std::string& text) {
        const std::vector<uint8_t> bytes = entry(*this, key, u8, -1).to_vector<uint8_t>();
        text.assign(bytes.begin(), bytes.end());
    });
    return t;
}

namespace {

/// What a checkpoint has for each of the parts.
struct Restored {
    StateDict values, averages, optimizer, schedule;
};

Restored parts_of(const LoadedCheckpoint& c, const TrainingParts& parts) {
    const auto under = [&](const std::string& prefix) {
        StateDict out;
        for (const auto& [name, tensor] : c.train)
            if (name.starts_with(prefix)) out.add(name.substr(prefix.size()), tensor);
        return out;
    };
    Restored out{{}, {}, under(kOptimizer), under(kSchedule)};
    const StateDict trained = under(kValues);
    for (const auto& [name, tensor] : c.weights) {
        const Tensor* value = trained.find(name);
        out.values.add(name, value ? *value : tensor);
        if (parts.ema && parts.ema->averages().contains(name)) out.averages.add(name, tensor);
    }
    return out;
}

void expect_like(const LoadedCheckpoint& c, const std::string& what, const StateDict& own, const StateDict& state) {
    const auto fail = [&](const std::string& name, const std::string& why) {
        throw FileError(c.path + ": cannot go on from it: " + what + " '" + name + "' " + why);
    };
    for (const auto& [name, tensor] : own) {
        const Tensor* value = state.find(name);
        if (!value)
            fail(name, "is missing");
        else if (value->shape() != tensor.shape() || is_float(value->dtype()) != is_float(tensor.dtype()))
            fail(name, "is " + value->str() + ", needed is " + tensor.str());
    }
    for (const auto& entry : state)
        if (!own.contains(entry.first)) fail(entry.first, "is not in this program's");
}

} // namespace

void LoadedCheckpoint::check(const TrainingParts& parts) const {
    const Restored state = parts_of(*this, parts);
    entry(*this, "random", i64, 2);
    expect_like(*this, "weight", parts.model.state_dict(), state.values);
    if (parts.ema) {
        entry(*this, "ema_updates", i64, 1);
        expect_like(*this, "average", parts.ema->averages(), state.averages);
    }
    expect_like(*this, "optimizer state", parts.optimizer.state_dict(), state.optimizer);
    if (parts.schedule) expect_like(*this, "schedule state", parts.schedule->state_dict(), state.schedule);
}

void LoadedCheckpoint::restore(const TrainingParts& parts) const {
    check(parts);
    const Restored state = parts_of(*this, parts);
    parts.model.load_state_dict(state.values);
    if (parts.ema) parts.ema->load(state.averages, entry(*this, "ema_updates", i64, 1).item<int64_t>());
    parts.optimizer.load_state_dict(state.optimizer);
    if (parts.schedule) parts.schedule->load_state_dict(state.schedule);
    const std::vector<int64_t> random = entry(*this, "random", i64, 2).to_vector<int64_t>();
    // A submission of their own, so that the first step has the structure of all the others.
    submit_pending();
    graph::random_state() = {.seed = random[0], .next = random[1]};
}

LoadedCheckpoint read_checkpoint(const std::string& path) {
    const io::SafetensorsFile file = io::SafetensorsFile::open(path);
    const auto& metadata = file.metadata();
    const auto model = metadata.find("ingot");
    if (model == metadata.end() || !metadata.contains("crc32"))
        throw FileError(path + ": is not a checkpoint of ingot (its metadata lacks ingot or crc32)");
    io::verify_checksums(file);
    LoadedCheckpoint out{path, model->second, {}, {}};
    for (const io::TensorView& view : file.tensors()) add_tensor(out, view);
    return out;
}

} // namespace ingot::train
