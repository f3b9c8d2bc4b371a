// SPDX-License-Identifier: MIT
// ingot train: data, model and recipe, then the trainer.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

#include <ingot/ops.h>

#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/model_source.h"
#include "cli/nearest.h"
#include "cli/output.h"
#include "cli/run_folder.h"
#include "cli/run_report.h"
#include "cli/run_settings.h"
#include "train/models.h"
#include "train/recipe.h"
#include "train/report/collect.h"
#include "train/report/report.h"
#include "train/run_folder.h"
#include "train/task.h"

namespace ingot::cli {

namespace {

void check_model_name(const std::string& model) {
    const auto& names = train::model_names();
    if (model.ends_with(".json") || std::find(names.begin(), names.end(), model) != names.end()) return;
    std::string list;
    for (const std::string& name : names) list += name + ", ";
    throw UsageError("there is no model '" + model + "'; there are " + list + "and spec files NAME.json" +
                     did_you_mean(model, names));
}

/// A spec of the user's in the run's folder must not lie where the run writes.
void check_own_spec(const std::string& model, const std::string& out) {
    std::error_code code;
    if (std::filesystem::equivalent(model, std::filesystem::path(out) / "model.json", code))
        throw UsageError("--model " + model + ": the run writes a file of that name into '" + out +
                         "'; rename yours, or give another --out");
}

Json result_json(const train::TrainResult& r, const train::Task& task, int64_t params, int64_t left_out,
                 Device device) {
    const Json none;
    Json json{{"test_accuracy", r.test && !task.regression ? Json(r.test->accuracy) : none},
              {"test_loss", r.test ? Json(r.test->loss) : none},
              {"train_loss", r.train_loss},
              {"epochs", r.epochs},
              {"steps", r.steps},
              {"seconds", r.seconds},
              {"samples_per_s", r.samples_per_s},
              {"params", params},
              {"device", device.str()}};
    if (left_out > 0) json["files_left_out"] = left_out;
    if (!task.regression) return json;
    json["test_mae"] = r.test ? Json(task.in_units(r.test->mae)) : none;
    json["test_r2"] = r.test ? Json(r.test->r2) : none;
    return json;
}

/// The run that --resume goes on with.
struct Earlier {
    RunSettings settings;
    std::string model_json;
    int64_t epochs = 0, steps = 0; ///< done
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
                   checkpoint->position().epoch, checkpoint->position().step};
}

int64_t steps_of(const train::Recipe& recipe, int64_t batches) {
    return (batches + recipe.accumulate - 1) / recipe.accumulate;
}

train::ScheduleChoice schedule_of(const train::Recipe& r, int64_t batches) {
    try {
        return train::make_schedule(r.schedule, r.epochs, steps_of(r, batches), r.lr);
    } catch (const Error& error) { throw schedule_error(error); }
}

std::string epochs_done(int64_t epochs) {
    return std::to_string(epochs) + (epochs == 1 ? " epoch" : " epochs") + " done";
}

/// The last line of figures need not be of the weights that are tested.
void say_tested(const std::string& out) {
    const std::vector<train::EpochMetrics> rows = train::report::read_epochs(out);
    const train::EpochMetrics* best = nullptr;
    for (const train::EpochMetrics& row : rows)
        if (row.val_loss && (best == nullptr || *row.val_loss < *best->val_loss)) best = &row;
    if (best != nullptr && best != &rows.back())
        remark("tested: the weights of epoch " + std::to_string(best->epoch) + ", of the lowest validation loss");
}

void say_interrupted(const TrainArguments& a, const std::string& out, const train::TrainResult& r) {
    remark("interrupted after step " + std::to_string(r.steps) + " (" + epochs_done(r.epochs) + "): saved " + out +
           "/last.safetensors");
    remark("to go on: " + resume_command(a.words));
}

} // namespace

int train_command(const TrainArguments& a) {
    // Everything that can be refused is refused before data is read.
    const Device device = choose_device(a.compute.device);
    check_model_name(a.model);
    check_data_spec(a.data);
    const std::string name = model_name(a.model), out = a.out.empty() ? "runs/" + name : a.out;
    check_own_spec(a.model, out);
    if (a.augment && *a.augment != "none" && (a.data.starts_with("csv:") || a.data.starts_with("text:")))
        throw UsageError("--augment changes images; there are none in '" + a.data + "'");
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
    if (settings.recipe.patience > 0 && settings.val == 0 && !settings.data.starts_with("text"))
        throw UsageError("--patience follows the validation loss: it needs --val");
    if (earlier && settings.recipe.epochs < earlier->epochs)
        throw UsageError("--epochs " + std::to_string(settings.recipe.epochs) + ": the run in '" + out + "' has done " +
                         std::to_string(earlier->epochs) + " already");
    if (a.compute.threads)
        base::set_num_threads(*a.compute.threads);
    else if (earlier && earlier->settings.threads < base::num_threads())
        base::set_num_threads(earlier->settings.threads); // the same bits come from the same number of threads
    settings.threads = base::num_threads();
    manual_seed(settings.seed);

    const train::Task task(a.data, {.val = settings.val, .seed = settings.seed, .load = {.strict = a.strict}});
    settings.data_sum = task.fingerprint;
    if (earlier) check_same_run(settings, earlier->settings, out);
    train::Model model = make_model(a.model, task);
    const bool color = task.input.rank() == 3 && task.input[0] == 3;
    if (!earlier) settings.recipe = apply_flags(train::default_recipe(a.model, color), a);
    if (task.kind != train::Task::Kind::images) {
        settings.recipe.flip = false;
        settings.recipe.shift = 0;
    }
    if (task.regression && !a.loss && !earlier) settings.recipe.loss = "mse";
    const train::Recipe& recipe = settings.recipe;
    const train::ModelInfo info = task.describe(name, model.spec);
    if (earlier && train::to_json(info) != earlier->model_json)
        throw UsageError("--model " + a.model + " is not the model of the run in '" + out + "', whose layers differ");
    model.net.to(device);
    const auto optimizer = train::make_optimizer(recipe, model.net.parameters());
    const auto train_batches = task.training(recipe, device);
    const auto val_batches = task.validation(device);
    const auto test_batches = task.test(device);

    if (!a.quiet) {
        remark(name + " on " + a.data + ": " + std::to_string(model.net.num_parameters()) + " parameters, " +
               task.str() + ", " + device.str() + ", " + std::to_string(base::num_threads()) + " threads");
        remark(recipe.str() + ", seed " + std::to_string(settings.seed));
    }
    if (earlier && !a.quiet)
        remark("going on after step " + std::to_string(earlier->steps) + " (" + epochs_done(earlier->epochs) + ")");
    const RunSettings& before = earlier ? earlier->settings : settings;
    if (before.device != settings.device || before.threads != settings.threads)
        remark("the run in '" + out + "' was on " + before.device + " with " + std::to_string(before.threads) +
               " threads: going on with another device or number of threads may change the last digits");
    if (a.resume && !earlier) remark("no checkpoint in '" + out + "': starting from the beginning");
    const auto predictions = std::make_shared<train::Predictions>();
    const train::ScheduleChoice schedule = schedule_of(recipe, train_batches->steps());
    train::Trainer trainer(model.net, *optimizer, train::make_loss(recipe.loss),
                           {.epochs = recipe.epochs,
                            .out = out,
                            .resume = a.resume,
                            .force = a.force,
                            .schedule = schedule.schedule,
                            .schedule_per = schedule.per,
                            .accumulate = recipe.accumulate,
                            .clip_value = recipe.clip_value,
                            .clip_norm = recipe.clip_norm,
                            .ema = recipe.ema,
                            .patience = recipe.patience,
                            .min_delta = recipe.min_delta,
                            .time_limit = a.time_limit,
                            .max_nonfinite = a.strict ? 1 : 3,
                            .checkpoint_steps = a.checkpoint_steps.value_or(0),
                            .keep = a.keep.value_or(0),
                            .seed = settings.seed,
                            .model_json = train::to_json(info),
                            .settings = to_json(settings),
                            .progress = !a.quiet,
                            .handle_interrupts = true,
                            .metrics = {predictions},
                            // a dozen looks, whatever the length
                            .statistics_steps = std::max<int64_t>(1, recipe.epochs * train_batches->steps() / 12)});
    const train::TrainResult result = trainer.fit(*train_batches, val_batches.get(), test_batches.get());
    // A run that was at its end knows less of itself than the report has: its steps and times.
    const bool was_finished = earlier && result.steps == earlier->steps && result.epochs == earlier->epochs &&
                              !result.interrupted && train::report::shows_end(out + "/report.html", result.steps);
    if (was_finished && !a.quiet)
        remark("the run in '" + out + "' is finished (" + epochs_done(result.epochs) + "): its report stays as it is");
    if (!was_finished)
        write_run_report({out, settings, a.data, model, info, result, *predictions, task, val_batches.get(),
                          test_batches.get(), device});
    if (result.interrupted) {
        say_interrupted(a, out, result);
        return 130;
    }
    if (!a.quiet && result.stop == train::Stop::patience)
        remark("no lower validation loss for " + std::to_string(recipe.patience) + " epochs: stopped after epoch " +
               std::to_string(result.epochs));
    if (result.stop == train::Stop::time_limit)
        remark("time limit reached after step " + std::to_string(result.steps) +
               "; to go on: " + resume_command(a.words));
    int64_t left_out = task.left_out;
    for (const auto* batches : {&train_batches, &val_batches, &test_batches})
        if (*batches) left_out += (*batches)->stats().bad_samples;
    if (left_out > 0) remark(std::to_string(left_out) + " files could not be read and were left out");
    if (a.json) {
        print_json(result_json(result, task, model.net.num_parameters(), left_out, device));
        return 0;
    }
    char line[256];
    if (result.test && !a.quiet) say_tested(out);
    if (result.test) print(evaluation_line(*result.test, task));
    std::snprintf(line, sizeof line, "train_loss %.4f  %lld steps in %.1f s, %.0f samples/s; wrote ", result.train_loss,
                  static_cast<long long>(result.steps), result.seconds, result.samples_per_s);
    print(line + out + "\nreport: " + out + "/report.html\n");
    return 0;
}

} // namespace ingot::cli
