// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <new>
#include <string>

#include "cli/commands.h"
#include "cli/output.h"
#include "train/interrupt.h"

namespace ingot::cli {

namespace {

template <class... F> struct Overloaded : F... { using F::operator()...; };
template <class... F> Overloaded(F...) -> Overloaded<F...>;

int fail(const std::string& what, int status) {
    std::string line = what;
    std::replace(line.begin(), line.end(), '\n', ' ');
    std::fprintf(stderr, "ingot: error: %s\n", line.c_str());
    return status;
}

int dispatch(int argc, const char* const* argv) {
    return std::visit(Overloaded{[](const Message& m) {
                                     print(m.text);
                                     return 0;
                                 },
                                 [](const TrainArguments& a) { return train_command(a); },
                                 [](const EvalArguments& a) { return eval_command(a); },
                                 [](const PredictArguments& a) { return predict_command(a); },
                                 [](const GenerateArguments& a) { return generate_command(a); },
                                 [](const InspectArguments& a) { return inspect_command(a); },
                                 [](const DevicesArguments& a) { return devices_command(a); },
                                 [](const BenchArguments& a) { return bench_command(a); }},
                      parse(argc, argv));
}

} // namespace

int run(int argc, const char* const* argv) {
    train::exit_130_on_interrupt();
    try {
        const int status = dispatch(argc, argv);
        finish_output();
        return status;
    } catch (const UsageError& error) { return fail(error.what(), 2); } catch (const std::bad_alloc&) {
        return fail("out of memory", 1);
    } catch (const std::exception& error) { return fail(error.what(), 1); }
}

} // namespace ingot::cli
