// SPDX-License-Identifier: MIT
// The command line as plain data. parse() is the only place that knows the parser library; the commands get structs
// whose numbers are already in range. Values; no state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <ingot/device.h>
#include <ingot/error.h>

namespace ingot::cli {

/// A mistake in the command line: exit status 2.
class UsageError : public Error {
public:
    using Error::Error;
};

/// Where to compute, for every command that computes.
struct Compute {
    std::string device = "auto";
    std::optional<int> threads;
};

struct TrainArguments {
    Compute compute;
    std::string model, data, out;
    // Without a value the model's recipe decides (train/recipe.h).
    std::optional<int64_t> epochs, batch;
    std::optional<std::string> optimizer, schedule, loss, augment;
    std::optional<double> lr, momentum, weight_decay;
    std::optional<double> val;
    std::optional<uint64_t> seed;
    std::optional<int64_t> checkpoint_steps, keep;
    std::string amp = "off", precision = "strict"; ///< the only values of this release
    std::optional<int64_t> accumulate, patience;
    std::optional<double> clip_norm, clip_value, ema, min_delta;
    std::string time_limit_text;
    double time_limit = 0; ///< seconds; 0: none
    bool strict = false, resume = false, force = false, json = false, quiet = false;
    std::vector<std::string> words; ///< the command line as it was given
};

struct EvalArguments {
    Compute compute;
    std::string checkpoint, data;
    bool json = false;
};

struct PredictArguments {
    Compute compute;
    std::string checkpoint;
    std::vector<std::string> files;
    bool json = false;
};

struct GenerateArguments {
    Compute compute;
    std::string checkpoint, prompt;
    int64_t length = 500, top_k = 0;
    double temperature = 0.8;
    uint64_t seed = 0;
    bool json = false;
};

struct InspectArguments {
    std::string file;
    bool json = false;
};

struct DevicesArguments {
    bool json = false;
};

struct BenchArguments {
    Compute compute;
    std::vector<std::string> workloads;
    std::optional<int64_t> batch;
    bool infer = false;
    double seconds = 2;
};

/// A text that was asked for instead of a command (--help, --version).
struct Message {
    std::string text;
};

using Arguments = std::variant<Message, TrainArguments, EvalArguments, PredictArguments, GenerateArguments,
                               InspectArguments, DevicesArguments, BenchArguments>;

/// argv as main() gets it. Errors: UsageError.
Arguments parse(int argc, const char* const* argv);

/// The device that --device names. Errors: UsageError when this release cannot compute there.
Device choose_device(const std::string& text);

} // namespace ingot::cli
