// SPDX-License-Identifier: MIT
#include "cli/run_settings.h"

#include <algorithm>

#include "data/spec.h"
#include "io/json.h"
#include "train/json_keys.h"

namespace ingot::cli {

namespace {

using Json = train::Json;

std::string augment_text(const train::Recipe& r) {
    const std::string shift = r.shift > 0 ? "shift=" + std::to_string(r.shift) : "";
    if (!r.flip) return shift.empty() ? "none" : shift;
    return shift.empty() ? "flip" : "flip," + shift;
}

void set_augment(train::Recipe& r, const std::string& text) {
    r.flip = text.starts_with("flip");
    const size_t at = text.find("shift=");
    r.shift = at == std::string::npos ? 0 : std::strtoll(text.c_str() + at + 6, nullptr, 10); // any number is checked
}

Json json_of(const RunSettings& s) {
    const train::Recipe& r = s.recipe;
    return {{"model", s.model},
            {"data", s.data},
            {"val", s.val},
            {"seed", s.seed},
            {"epochs", r.epochs},
            {"batch", r.batch},
            {"optimizer", r.optimizer},
            {"lr", r.lr},
            {"momentum", r.momentum},
            {"weight-decay", r.weight_decay},
            {"schedule", r.schedule},
            {"loss", r.loss},
            {"augment", augment_text(r)},
            {"accumulate", r.accumulate},
            {"clip-norm", r.clip_norm},
            {"clip-value", r.clip_value},
            {"ema", r.ema},
            {"patience", r.patience},
            {"min-delta", r.min_delta},
            {"data_sum", s.data_sum},
            {"device", s.device},
            {"threads", s.threads},
            {"kernels", s.kernels}};
}

std::string plain(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string quoted(const std::string& word) {
    const bool safe = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) ||
               std::string_view("-_=+./:,@%").find(c) != std::string::npos;
    });
    if (safe) return word;
    std::string out = "'";
    for (const char c : word) out += c == '\'' ? "'\\''" : std::string(1, c);
    return out + "'";
}

} // namespace

UsageError schedule_error(const Error& error) {
    const std::string text = error.what(); // "schedule: every=0 must be ...", "schedule 'zigzag' is ..."
    return UsageError(text.starts_with("schedule") ? "--" + text : "--schedule: " + text);
}

std::string to_json(const RunSettings& settings) { return json_of(settings).dump(); }

RunSettings settings_from_json(const std::string& text, const std::string& source) {
    const std::string foreign = source + ": cannot go on from it: its settings are not those of 'ingot train'";
    const Json json = io::parse_json<Json>(text, foreign);
    RunSettings s;
    train::Recipe& r = s.recipe;
    try {
        train::Keys keys(json);
        const auto number = [&](const char* key) { return keys.number(key, {}, train::kFinite); };
        s.model = keys.text("model");
        s.data = keys.text("data");
        s.val = number("val");
        s.seed = keys.seed("seed");
        r.epochs = keys.whole("epochs", 1);
        r.batch = keys.whole("batch", 1);
        r.optimizer = keys.text("optimizer");
        r.lr = number("lr");
        r.momentum = number("momentum");
        r.weight_decay = number("weight-decay");
        r.schedule = keys.text("schedule");
        train::complete_schedule(r.schedule, r.epochs);
        r.loss = keys.text("loss");
        const std::string augment = keys.text("augment");
        set_augment(r, augment);
        if (augment_text(r) != augment) throw Error("\"augment\": " + train::show(augment) + " is not known");
        r.accumulate = keys.whole("accumulate", 1);
        r.clip_norm = number("clip-norm");
        r.clip_value = number("clip-value");
        r.ema = number("ema");
        r.patience = keys.whole("patience", 0);
        r.min_delta = number("min-delta");
        s.data_sum = keys.text("data_sum");
        s.device = keys.text("device");
        s.threads = static_cast<int>(keys.size("threads"));
        s.kernels = keys.text("kernels");
    } catch (const Error& error) { throw FileError(foreign + ": " + error.what()); }
    return s;
}

train::Recipe apply_flags(train::Recipe r, const TrainArguments& a) {
    if (a.optimizer) train::use_optimizer(r, *a.optimizer);
    if (a.momentum && r.optimizer != "sgd" && r.optimizer != "rmsprop" && r.optimizer != "muon")
        throw UsageError("--momentum belongs to --optimizer sgd, rmsprop and muon, not to " + r.optimizer);
    if (a.epochs) r.epochs = *a.epochs;
    if (a.batch) r.batch = *a.batch;
    if (a.lr) r.lr = *a.lr;
    if (a.momentum) r.momentum = *a.momentum;
    if (a.weight_decay) r.weight_decay = *a.weight_decay;
    if (a.schedule) r.schedule = *a.schedule;
    try {
        r.schedule = train::complete_schedule(r.schedule, r.epochs);
    } catch (const Error& error) { throw schedule_error(error); }
    if (a.loss) r.loss = *a.loss;
    r.accumulate = a.accumulate.value_or(r.accumulate);
    r.clip_norm = a.clip_norm.value_or(r.clip_norm);
    r.clip_value = a.clip_value.value_or(r.clip_value);
    r.ema = a.ema.value_or(r.ema);
    r.patience = a.patience.value_or(r.patience);
    r.min_delta = a.min_delta.value_or(r.min_delta);
    if (a.augment) {
        const int64_t usual = std::max<int64_t>(r.shift, 1);
        set_augment(r, *a.augment);
        if (a.augment->ends_with("shift")) r.shift = usual;
    }
    return r;
}

void check_same_run(const RunSettings& ours, const RunSettings& theirs, const std::string& folder) {
    const Json a = json_of(ours), b = json_of(theirs);
    const std::string in = "the run in '" + folder + "'";
    for (const char* key :
         {"model", "data", "val", "seed", "batch", "optimizer", "lr", "momentum", "weight-decay", "schedule", "loss",
          "augment", "accumulate", "clip-norm", "clip-value", "ema", "patience", "min-delta"})
        if (a.at(key) != b.at(key))
            throw UsageError("--" + std::string(key) + " " + plain(a.at(key)) + " contradicts " + in + ", which has " +
                             plain(b.at(key)) + "; --resume goes on with what a run was started with");
    if (ours.recipe.epochs != theirs.recipe.epochs && train::depends_on_epochs(theirs.recipe.schedule))
        throw UsageError("--epochs " + std::to_string(ours.recipe.epochs) + " contradicts " + in + ", which has " +
                         std::to_string(theirs.recipe.epochs) + ": its schedule, " + theirs.recipe.schedule +
                         ", depends on them");
    if (!ours.data_sum.empty() && ours.data_sum != theirs.data_sum)
        throw UsageError("--data: '" + ours.data + "' is not the data of " + in + ": it has " + ours.data_sum +
                         ", the run had " + theirs.data_sum);
}

std::string data_name(const std::string& spec) {
    const data::DataSpec parsed = data::parse_data_spec(spec);
    std::string out = parsed.scheme;
    for (const auto& [key, value] : parsed.options) out += "," + key + "=" + value;
    return out;
}

std::string resume_command(const std::vector<std::string>& words) {
    std::string out;
    bool resumes = false;
    for (const std::string& word : words) {
        if (word == "--force") continue;
        resumes = resumes || word == "--resume";
        out += (out.empty() ? "" : " ") + quoted(word);
    }
    return out + (resumes ? "" : " --resume");
}

} // namespace ingot::cli
