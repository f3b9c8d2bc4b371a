// SPDX-License-Identifier: MIT
// ingot eval: a checkpoint on the test split of a data set.
#include <cstdio>

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
    const train::EvalResult result = train::evaluate(trained.model.net, train::make_loss("cross_entropy"), *batches);
    if (a.json) {
        print_json({{"test_loss", result.loss}, {"test_accuracy", result.accuracy}, {"samples", result.samples}});
        return 0;
    }
    char line[128];
    std::snprintf(line, sizeof line, "test_accuracy %.4f  test_loss %.4f  samples %lld\n", result.accuracy, result.loss,
                  static_cast<long long>(result.samples));
    print(line);
    return 0;
}

} // namespace ingot::cli
