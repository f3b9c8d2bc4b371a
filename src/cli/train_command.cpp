// SPDX-License-Identifier: MIT
// ingot train: data, model and recipe, then the trainer.
#include <algorithm>
#include <cstdio>

#include <ingot/ops.h>

#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "cli/run_folder.h"
#include "train/models.h"
#include "train/recipe.h"
#include "train/task.h"

namespace ingot::cli {

namespace {

train::Recipe make_recipe(const TrainArguments& a, bool color) {
    train::Recipe r = train::default_recipe(a.model, color);
    if (a.optimizer) train::use_optimizer(r, *a.optimizer);
    if (a.momentum && r.optimizer != "sgd") throw UsageError("--momentum belongs to --optimizer sgd");
    if (a.epochs) r.epochs = *a.epochs;
    if (a.batch) r.batch = *a.batch;
    if (a.lr) r.lr = *a.lr;
    if (a.momentum) r.momentum = *a.momentum;
    if (a.weight_decay) r.weight_decay = *a.weight_decay;
    if (a.schedule) r.schedule = *a.schedule == "none" ? train::Schedule::none : train::Schedule::cosine;
    if (a.loss) r.loss = *a.loss;
    if (a.augment) {
        r.flip = a.augment->find("flip") != std::string::npos;
        r.shift = a.augment->find("shift") == std::string::npos ? 0 : std::max<int64_t>(r.shift, 1);
    }
    return r;
}

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

void say_interrupted(const std::string& out, const train::TrainResult& r) {
    remark("interrupted after step " + std::to_string(r.steps) + " (" + std::to_string(r.epochs) +
           " epochs done): saved " + out + "/last.safetensors");
    remark("'ingot eval " + out +
           "/last.safetensors --data SPEC' tests it; going on from it (--resume) comes with a later "
           "release");
}

} // namespace

int train_command(const TrainArguments& a) {
    // Everything that can be refused is refused before data is read.
    const Device device = choose_device(a.compute.device);
    check_model_name(a.model);
    check_data_spec(a.data);
    const std::string name = model_name(a.model), out = a.out.empty() ? "runs/" + name : a.out;
    make_recipe(a, false); // flags that contradict each other
    check_run_folder(out, a.force);
    if (a.compute.threads) base::set_num_threads(*a.compute.threads);
    manual_seed(a.seed);

    const train::Task task(a.data, {.val = a.val, .seed = a.seed});
    train::Model model = make_model(a.model, task);
    const train::Recipe recipe = make_recipe(a, task.input.rank() == 3 && task.input[0] == 3);
    const train::ModelInfo info = task.describe(name, model.spec);
    model.net.to(device);
    const auto optimizer = train::make_optimizer(recipe, model.net.parameters());
    const auto train_batches = task.training(recipe, device);
    const auto val_batches = task.validation(device);
    const auto test_batches = task.test(device);

    if (!a.quiet) {
        remark(name + " on " + a.data + ": " + std::to_string(model.net.num_parameters()) + " parameters, " +
               task.str() + ", " + device.str() + ", " + std::to_string(base::num_threads()) + " threads");
        remark(recipe.str() + ", seed " + std::to_string(a.seed));
    }
    clear_run_folder(out);
    train::Trainer trainer(model.net, *optimizer, train::make_loss(recipe.loss),
                           {.epochs = recipe.epochs,
                            .out = out,
                            .schedule = recipe.schedule,
                            .warmup_steps = train::warmup_steps(recipe, recipe.epochs * train_batches->steps()),
                            .seed = a.seed,
                            .model_json = train::to_json(info),
                            .progress = !a.quiet,
                            .handle_interrupts = true});
    const train::TrainResult result = trainer.fit(*train_batches, val_batches.get(), test_batches.get());
    if (result.interrupted) {
        say_interrupted(out, result);
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
