// SPDX-License-Identifier: MIT
// ingot eval: a checkpoint on the test split of a data set.
#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "train/task.h"

namespace ingot::cli {

int eval_command(const EvalArguments& a) {
    const Device device = choose_device(a.compute.device);
    check_data_spec(a.data);
    if (a.compute.threads) base::set_num_threads(*a.compute.threads);
    Trained trained = load_trained(a.checkpoint, device);
    const train::Task task(a.data, task_options(trained));
    check_fits(trained, task, a.data);
    const auto batches = task.evaluation(device);
    const train::EvalResult result = train::evaluate(trained.model.net, train::make_loss(trained.loss), *batches);
    if (a.json) {
        Json json{{"test_loss", result.loss}, {"test_accuracy", nullptr}, {"samples", result.samples}};
        if (!task.regression) {
            json["test_accuracy"] = result.accuracy;
        } else {
            json["test_mae"] = task.in_units(result.mae);
            json["test_r2"] = result.r2;
        }
        print_json(json);
        return 0;
    }
    print("samples " + std::to_string(result.samples) + "  " + evaluation_line(result, task));
    return 0;
}

} // namespace ingot::cli
