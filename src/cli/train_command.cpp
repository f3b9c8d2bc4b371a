// SPDX-License-Identifier: MIT
// ingot train: data, model and recipe, then the trainer.
#include <algorithm>
#include <cstdio>
#include <optional>

#include <ingot/ops.h>

#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "cli/run_folder.h"
#include "cli/run_report.h"
#include "cli/run_settings.h"
#include "data/dataset.h"
#include "io/safetensors.h"
#include "train/image_batches.h"
#include "train/models.h"
#include "train/recipe.h"
#include "train/run_folder.h"

namespace ingot::cli {

namespace {

void check_model_name(const std::string& model) {
    const auto& names = train::model_names();
    if (model.ends_with(".json") || std::find(names.begin(), names.end(), model) != names.end()) return;
    std::string list;
    for (const std::string& name : names) list += name + ", ";
    throw UsageError("there is no model '" + model + "'; there are " + list + "and spec files NAME.json");
}

Json result_json(const train::TrainResult& r, int64_t params, Device device) {
    const Json none;
    return {{"test_accuracy", r.test ? Json(r.test->accuracy) : none},
            {"test_loss", r.test ? Json(r.test->loss) : none},
            {"train_loss", r.train_loss},
            {"epochs", r.epochs},
            {"steps", r.steps},
            {"seconds", r.seconds},
            {"samples_per_s", r.samples_per_s},
            {"params", params},
            {"device", device.str()}};
}

/// The run that --resume goes on with.
struct Earlier {
    RunSettings settings;
    std::string model_json;
    int64_t epochs = 0; ///< done
};

/// Nothing when there is none.
std::optional<Earlier> earlier_run(const TrainArguments& a, const std::string& out) {
    if (!train::run_in(out)) return {};
    if (!a.resume && !a.force) check_run_folder(out);
    const train::RunFolder folder(out); // nobody else trains there
    if (!a.resume) return {};
    const auto checkpoint = train::checkpoint_in(out);
    if (!checkpoint) return {};
    return Earlier{settings_from_json(checkpoint->texts().settings, checkpoint->path), checkpoint->model_json,
                   checkpoint->position().epoch};
}

/// Enough to notice other data under the same name.
std::string data_sum(const data::ImageDataset& d) {
    const auto bytes = [](const auto& v) { return v.size() * sizeof v[0]; };
    const io::TensorView labels{"labels", i64, {}, d.labels.data(), bytes(d.labels)};
    const io::TensorView pixels{"pixels", u8, {}, d.pixels.data(), bytes(d.pixels)};
    char text[96];
    std::snprintf(text, sizeof text, "%lld images %s, checksum %08x%08x", static_cast<long long>(d.size()),
                  Shape{d.channels, d.height, d.width}.str().c_str(), io::crc32(labels), io::crc32(pixels));
    return text;
}

void say_interrupted(const TrainArguments& a, const std::string& out, const train::TrainResult& r) {
    remark("interrupted after step " + std::to_string(r.steps) + " (" + std::to_string(r.epochs) +
           " epochs done): saved " + out + "/last.safetensors");
    remark("to go on: " + resume_command(a.words));
}

} // namespace

int train_command(const TrainArguments& a) {
    // Everything that can be refused is refused before data is read.
    const Device device = choose_device(a.compute.device);
    check_model_name(a.model);
    check_data_spec(a.data);
    const std::string name = model_name(a.model), out = a.out.empty() ? "runs/" + name : a.out;
    const std::optional<Earlier> earlier = earlier_run(a, out);
    RunSettings settings = earlier ? earlier->settings : RunSettings{};
    settings.model = name;
    settings.data = data_name(a.data);
    settings.recipe = apply_flags(earlier ? earlier->settings.recipe : train::default_recipe(a.model, false), a);
    settings.val = a.val.value_or(settings.val);
    settings.seed = a.seed.value_or(settings.seed);
    settings.device = device.str();
    settings.data_sum.clear();
    if (earlier) check_same_run(settings, earlier->settings, out);
    if (earlier && settings.recipe.epochs < earlier->epochs)
        throw UsageError("--epochs " + std::to_string(settings.recipe.epochs) + ": the run in '" + out + "' has done " +
                         std::to_string(earlier->epochs) + " already");
    if (a.compute.threads)
        base::set_num_threads(*a.compute.threads);
    else if (earlier && earlier->settings.threads < base::num_threads())
        base::set_num_threads(earlier->settings.threads); // the same bits come from the same number of threads
    settings.threads = base::num_threads();
    manual_seed(settings.seed);

    data::DataSplits splits = data::load_data(a.data);
    settings.data_sum = data_sum(splits.train);
    if (earlier) check_same_run(settings, earlier->settings, out);
    data::ImageDataset validation;
    const bool validate = settings.val > 0;
    if (validate) {
        data::Split split = data::split_by_seed(splits.train, settings.val, settings.seed);
        splits.train = std::move(split.rest);
        validation = std::move(split.held_out);
    }
    train::Model model = make_model(a.model, splits.train);
    if (!earlier) settings.recipe = apply_flags(train::default_recipe(a.model, splits.train.channels == 3), a);
    const train::Recipe& recipe = settings.recipe;
    const data::ChannelStats stats = data::channel_stats(splits.train);
    const train::ModelInfo info{name, model.spec, splits.train.class_names, stats.mean, stats.std};
    if (earlier && train::to_json(info) != earlier->model_json)
        throw UsageError("--model " + a.model + " is not the model of the run in '" + out + "', whose layers differ");
    model.net.to(device);
    const auto optimizer = train::make_optimizer(recipe, model.net.parameters());
    const auto train_batches = train::training_batches(splits.train, info, recipe, settings.seed, device);
    const auto val_batches = validate ? train::evaluation_batches(validation, info, device) : nullptr;
    const auto test_batches = splits.has_test ? train::evaluation_batches(splits.test, info, device) : nullptr;

    if (!a.quiet) {
        remark(name + " on " + a.data + ": " + std::to_string(model.net.num_parameters()) + " parameters, " +
               std::to_string(splits.train.size()) + " training images " + model.input.str() + ", " +
               std::to_string(info.class_names.size()) + " classes, " + device.str() + ", " +
               std::to_string(base::num_threads()) + " threads");
        remark(recipe.str() + ", seed " + std::to_string(settings.seed));
    }
    const RunSettings& before = earlier ? earlier->settings : settings;
    if (before.device != settings.device || before.threads != settings.threads)
        remark("the run in '" + out + "' was on " + before.device + " with " + std::to_string(before.threads) +
               " threads: going on with another device or number of threads may change the last digits");
    if (a.resume && !earlier) remark("no checkpoint in '" + out + "': starting from the beginning");
    const auto predictions = std::make_shared<train::Predictions>();
    const train::ScheduleChoice schedule =
        train::make_schedule(recipe.schedule, recipe.epochs, train_batches->steps(), recipe.lr);
    train::Trainer trainer(model.net, *optimizer, train::make_loss(recipe.loss),
                           {.epochs = recipe.epochs,
                            .out = out,
                            .resume = earlier.has_value(),
                            .force = !earlier,
                            .schedule = schedule.schedule,
                            .schedule_per = schedule.per,
                            .checkpoint_steps = a.checkpoint_steps.value_or(0),
                            .keep = a.keep.value_or(0),
                            .seed = settings.seed,
                            .model_json = train::to_json(info),
                            .settings = to_json(settings),
                            .progress = !a.quiet,
                            .handle_interrupts = true,
                            .metrics = {predictions}});
    const train::TrainResult result = trainer.fit(*train_batches, val_batches.get(), test_batches.get());
    write_run_report(
        {out, a, model, info, recipe, result, *predictions, splits.train, validation, splits.test, device,
         settings.seed});
    if (result.interrupted) {
        say_interrupted(a, out, result);
        return 130;
    }
    if (a.json) {
        print_json(result_json(result, model.net.num_parameters(), device));
        return 0;
    }
    char line[256];
    if (result.test) {
        std::snprintf(line, sizeof line, "test_accuracy %.4f  test_loss %.4f\n", result.test->accuracy,
                      result.test->loss);
        print(line);
    }
    std::snprintf(line, sizeof line, "train_loss %.4f  %lld steps in %.1f s, %.0f samples/s; wrote ", result.train_loss,
                  static_cast<long long>(result.steps), result.seconds, result.samples_per_s);
    print(line + out + "\n");
    return 0;
}

} // namespace ingot::cli
