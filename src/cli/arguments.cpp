// SPDX-License-Identifier: MIT
#include "cli/arguments.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/nearest.h"
#include "train/recipe.h"

namespace ingot::cli {

namespace {

constexpr const char* kExamples = R"(Examples:
  ingot train --model lenet --data mnist:DIR --epochs 3
  ingot train --model cifar-cnn --data glyphs --out runs/glyphs
  ingot eval runs/lenet/best.safetensors --data mnist:DIR
  ingot predict runs/lenet/best.safetensors digit.png
  ingot generate runs/gpt-tiny/best.safetensors --prompt "To be"
  ingot inspect runs/lenet/last.safetensors
  ingot bench tiny-cnn mlp --threads 2

'ingot COMMAND --help' explains a command. Exit status: 0, 1 failure, 2 usage, 130 interrupted.)";

constexpr const char* kTrainExamples = R"(Data:
  mnist:DIR      IDX files, gzipped or not
  cifar10:PATH   the official binary folder, or a folder or tar(.xz/.gz) of train/<class>/*, test/<class>/* images
  folder:DIR[,size=N]   train/<class>/*, test/<class>/*, or <class>/* images
  csv:FILE[,label=COLUMN][,task=regression]   a table with a header; a fifth of the rows is the test part
  text:FILE[,length=N]  bytes, for gpt-tiny and gpt2
  glyphs[,seed=N]       drawn digits, built in

Schedules (--lr is the highest rate; [defaults]):
  cosine[,warmup=STEPS][,min=PART]           half a cosine down to min [0], after a warm-up [5 %, 200 steps at most]
  linear[,warmup=] polynomial[,power=][,warmup=]      down to 0 in a line, or along a power of it
  one-cycle[,rise=PART][,div=][,final=]      up for 30 %, then down
  restarts[,period=EPOCHS][,mult=][,min=][,warmup=]   cosines one after the other, each mult times as long
  step[,every=EPOCHS][,gamma=]  multi-step[,at=EPOCH:EPOCH][,gamma=]  exponential[,gamma=]   times gamma [0.1]
  plateau[,factor=][,patience=EPOCHS][,cooldown=]     times factor when the loss (validation, with --val) stops falling
  warmup[,steps=]                            up in a line, then constant

Written to the folder --out: last.safetensors and best.safetensors (weights under PyTorch's names, and what training on
needs under names beginning 'train.'), model.json, metrics.csv, metrics.jsonl, and report.html to look at.
Ctrl-C finishes the step, saves last.safetensors, prints the command that goes on and exits with status 130. The same
command with --resume goes on after a kill, too, and ends with the bytes of a run that was never stopped.

Examples:
  ingot train --model lenet --data mnist:DIR --epochs 3 --seed 1 --json
  ingot train --model cifar-cnn --data cifar10:cifar10.tar.xz --epochs 6 --val 0.1
  ingot train --model net.json --data folder:photos,size=64 --optimizer sgd --lr 0.05 --momentum 0.9)";

constexpr const char* kEvalExamples = R"(Reads the data's test split, or everything when it has none.

Examples:
  ingot eval runs/lenet/best.safetensors --data mnist:DIR
  ingot eval runs/lenet/best.safetensors --data folder:digits --json)";

constexpr const char* kPredictExamples =
    R"(JPEG and PNG files are resized, and greyed where the model is grey, to the model's input. Columns of a table are found
by their names; the label's need not be there.

Examples:
  ingot predict runs/lenet/best.safetensors digit.png
  ingot predict runs/cifar-cnn/best.safetensors *.jpg --json
  ingot predict runs/mlp/best.safetensors houses.csv)";

constexpr const char* kGenerateExamples =
    R"(For models that were trained on a text (--data text:FILE). Prints the prompt and what follows, byte by byte; the same
seed gives the same text.

Examples:
  ingot generate runs/gpt-tiny/best.safetensors --prompt "KING HENRY:"
  ingot generate runs/gpt-tiny/best.safetensors --prompt "To be" --length 2000 --temperature 0.6 --top-k 40 --seed 3)";

constexpr const char* kInspectExamples = R"(Works for any safetensors file; checks the checksums of Ingot's own.

Examples:
  ingot inspect runs/lenet/last.safetensors
  ingot inspect weights.safetensors --json
  ingot inspect net.json)";

constexpr const char* kBenchExamples =
    R"(Times whole training steps (forward, loss, backward, update) on batches already in memory and prints one JSON line
per workload: the median of five windows. A run whose loss does not fall, or in which a trainable tensor does not change,
is an error. With --infer: the latency of one forward pass.
host_us_per_step is the time a call takes before the work of the step begins: argument checks, key, binding.

Workloads: tiny-cnn (batch 32, SGD), mlp (64, Adam), lenet (64, Adam), cifar-cnn (32, Adam), resnet18 (32, SGD with
momentum), gpt-tiny (8 x 128 tokens, AdamW), gpt2 (16 x 1024 tokens, AdamW).
Single operators, forward, whose results are checked on samples: op:sgemm (1024 x 1024 x 1024), op:chain
(sigmoid(a*b+c)*tanh(d), 2^24 elements), op:sum (2^24), op:softmax (4096 x 1000), op:conv (32 x 64 x 56 x 56, 64 filters of
3 x 3), op:layernorm (8192 x 768), op:bcast_add (1024 x 1 x 512 and 1 x 256 x 512).

Examples:
  ingot bench tiny-cnn mlp lenet --threads 2
  ingot bench cifar-cnn --infer --seconds 1
  ingot bench op:sgemm op:softmax)";

constexpr uint64_t kMaxCount = uint64_t{1} << 31, kMaxBatch = uint64_t{1} << 24, kMaxShift = 1024;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Only digits: the library's conversion would turn -1 into a huge number.
CLI::Validator integer_in(uint64_t low, uint64_t high) {
    return CLI::Validator(
        [=](std::string& input) -> std::string {
            uint64_t value = 0;
            const auto [end, code] = std::from_chars(input.data(), input.data() + input.size(), value);
            if (code != std::errc() || end != input.data() + input.size() || value < low || value > high)
                return "'" + input + "' must be a whole number from " + std::to_string(low) + " to " +
                       std::to_string(high);
            return "";
        },
        "");
}

void add_compute(CLI::App& command, Compute& compute) {
    command
        .add_option("--device", compute.device, "auto (the best there is), cpu, or reference (slow: for comparison)")
        ->capture_default_str();
    command
        .add_option("--threads", compute.threads, "threads to compute with (default: INGOT_NUM_THREADS or all cores)")
        ->check(integer_in(1, 1024));
}

void add_json(CLI::App& command, bool& json, const char* what) { command.add_flag("--json", json, what); }

/// CLI11's own check accepts NaN and says little.
CLI::Validator number_in(double low, double high, const std::string& text, bool low_included) {
    return CLI::Validator(
        [=](std::string& input) -> std::string {
            double value = 0;
            if (!CLI::detail::lexical_cast(input, value)) return "'" + input + "' is not a number";
            const bool ok = std::isfinite(value) && value < high && (low_included ? value >= low : value > low);
            return ok ? "" : "'" + input + "' must be " + text;
        },
        "");
}

std::string joined(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return list;
}

CLI::Validator one_of(std::vector<std::string> names, const std::string& what) {
    return CLI::Validator(
        [=](std::string& input) -> std::string {
            if (std::find(names.begin(), names.end(), input) != names.end()) return "";
            return what + " '" + input + "' is not available; there is " + joined(names);
        },
        "");
}

/// "90", "90s", "15m", "2h": seconds.
CLI::Validator duration(double& seconds) {
    return CLI::Validator(
        [&seconds](std::string& input) -> std::string {
            const std::string units = "smh";
            const double scale[] = {1, 60, 3600};
            std::string number = input;
            double unit = 1;
            if (const size_t at = units.find(input.empty() ? 'x' : input.back()); at != std::string::npos) {
                unit = scale[at];
                number.pop_back();
            }
            const bool ok = CLI::detail::lexical_cast(number, seconds) && std::isfinite(seconds) && seconds > 0;
            seconds *= unit;
            return ok ? "" : "'" + input + "' is not a time such as 90s, 15m or 2h";
        },
        "");
}

CLI::Validator augmentation() {
    return CLI::Validator(
        [](std::string& input) -> std::string {
            std::string rest = input.starts_with("flip,") ? input.substr(5) : input;
            if (rest == "shift" || input == "none" || input == "flip") return "";
            if (rest.starts_with("shift=")) {
                rest = rest.substr(6);
                return integer_in(1, kMaxShift).operator()(rest);
            }
            return "augmentation '" + input +
                   "' is not available; there is none, flip, shift=PIXELS and flip,shift=PIXELS";
        },
        "");
}

/// For settings of which there is only one value yet.
CLI::Validator only_yet(const std::string& value) {
    return CLI::Validator(
        [=](std::string& input) -> std::string {
            return input == value ? "" : "'" + input + "' is not available yet; there is " + value;
        },
        "");
}

void add_train(CLI::App& app, TrainArguments& a) {
    CLI::App& c = *app.add_subcommand("train", "Train a model on images, a table or a text");
    c.footer(kTrainExamples);
    c.add_option(
         "--model", a.model,
         "mlp, lenet, cifar-cnn, resnet18, gpt-tiny, gpt2, or a spec file NAME.json; tiny-cnn is for 'ingot bench':\n"
         "quick, but it learns little")
        ->required();
    c.add_option("--data", a.data, "what to train on, see below")->required();
    c.add_option("--out", a.out, "folder to write to (default: runs/<model>)");
    c.add_option("--epochs", a.epochs, "passes over the training data")->check(integer_in(1, kMaxCount));
    c.add_option("--batch", a.batch, "samples per step")->check(integer_in(1, kMaxBatch));
    c.add_option("--optimizer", a.optimizer, joined(train::optimizer_names()))
        ->check(one_of(train::optimizer_names(), "optimizer"));
    c.add_option("--lr", a.lr, "highest learning rate")->check(number_in(0, kInfinity, "above 0", false));
    c.add_option("--momentum", a.momentum, "of sgd, rmsprop and muon")
        ->check(number_in(0, 1, "at least 0 and below 1", true));
    c.add_option("--weight-decay", a.weight_decay, "weight decay")->check(number_in(0, kInfinity, "at least 0", true));
    c.add_option("--schedule", a.schedule,
                 "learning rate over time: none, cosine, linear, polynomial, one-cycle, restarts, step, multi-step,\n"
                 "exponential, warmup or plateau, with keys as below");
    c.add_option("--loss", a.loss,
                 joined(train::loss_names()) + " (for classes all but the first against one-hot labels)")
        ->check(one_of(train::loss_names(), "loss"));
    c.add_option("--augment", a.augment,
                 "random changes of the training images: none, flip, shift=PIXELS or flip,shift=PIXELS (shift\n"
                 "alone: the recipe's, or 1)")
        ->check(augmentation());
    c.add_option("--val", a.val,
                 "part of the training data kept for validation; best.safetensors then has the lowest\n"
                 "validation loss")
        ->check(number_in(0, 1, "at least 0 and below 1", true));
    c.add_option("--seed", a.seed,
                 "of weights, order, augmentation and dropout; the same seed gives the same bytes (default: 0)")
        ->check(integer_in(0, std::numeric_limits<uint64_t>::max()));
    add_compute(c, a.compute);
    CLI::Option* resume =
        c.add_flag("--resume", a.resume,
                   "go on with the run that --out holds, exactly where its last checkpoint was made;\n"
                   "begin when there is none");
    c.add_flag("--force", a.force,
               "replace the run that --out holds; it lies in its folder replaced-run until an epoch of the new one is\n"
               "saved")
        ->excludes(resume);
    c.add_option("--checkpoint-steps", a.checkpoint_steps,
                 "a checkpoint every so many steps, too (default: after 5 minutes, and after every epoch)")
        ->check(integer_in(1, kMaxCount));
    c.add_option("--keep", a.keep, "older checkpoints to keep, as step-<number>.safetensors (default: none)")
        ->check(integer_in(0, kMaxCount));
    c.add_option("--accumulate", a.accumulate, "batches of an update: their gradients are averaged (default: 1)")
        ->check(integer_in(1, kMaxBatch));
    c.add_option("--clip-norm", a.clip_norm, "scale gradients to this 2-norm at most")
        ->check(number_in(0, kInfinity, "above 0", false));
    c.add_option("--clip-value", a.clip_value, "cut gradients to this size at most")
        ->check(number_in(0, kInfinity, "above 0", false));
    c.add_option("--ema", a.ema, "validate, test and keep averages of the weights, with this decay (say 0.999)")
        ->check(number_in(0, 1, "at least 0 and below 1", true));
    c.add_option("--patience", a.patience, "end after so many epochs without a lower validation loss; needs --val")
        ->check(integer_in(1, kMaxCount));
    c.add_option("--min-delta", a.min_delta, "by how much it must be lower to count, for --patience")
        ->check(number_in(0, kInfinity, "at least 0", true));
    c.add_option("--time-limit", a.time_limit_text, "end after a time, say 90s, 15m or 2h; --resume goes on")
        ->check(duration(a.time_limit));
    add_json(c, a.json, "print the result as one JSON object on standard output");
    c.add_flag("--quiet", a.quiet, "no progress");
    c.add_flag("--strict", a.strict,
               "bad files, and a loss or weights that are not finite, are errors; else they are named and\n"
               "left out, and the third step that is not finite ends the training");
    c.add_option("--amp", a.amp, "mixed precision: off (bf16 and fp16 are not available yet)")->check(only_yet("off"));
    c.add_option("--precision", a.precision, "of products: strict (tf32 is not available yet)")
        ->check(only_yet("strict"));
}

void add_eval(CLI::App& app, EvalArguments& a) {
    CLI::App& c = *app.add_subcommand("eval", "Loss and accuracy of a checkpoint on a data set");
    c.footer(kEvalExamples);
    c.add_option("checkpoint", a.checkpoint,
                 "a file written by 'ingot train', or the run's folder: then its best.safetensors")
        ->required();
    c.add_option("--data", a.data, "as for 'ingot train'")->required();
    add_compute(c, a.compute);
    add_json(c, a.json,
             "print one JSON object: test_loss, test_accuracy (or test_mae, test_r2), samples and other metrics");
}

void add_predict(CLI::App& app, PredictArguments& a) {
    CLI::App& c = *app.add_subcommand("predict", "What a checkpoint says about image files, or the rows of tables");
    c.footer(kPredictExamples);
    c.add_option("checkpoint", a.checkpoint,
                 "a file written by 'ingot train', or the run's folder: then its best.safetensors")
        ->required();
    c.add_option("files", a.files, "JPEG and PNG files; for a model of a table: CSV files with its columns")
        ->required();
    add_compute(c, a.compute);
    add_json(c, a.json,
             "print one JSON object: predictions, a list of {file, label, index, probability};\n"
             "rows have a line, too, and a regression has a value in place of the other three");
}

void add_generate(CLI::App& app, GenerateArguments& a) {
    CLI::App& c = *app.add_subcommand("generate", "Continue a text with a checkpoint");
    c.footer(kGenerateExamples);
    c.add_option("checkpoint", a.checkpoint, "a file written by 'ingot train --data text:FILE', or the run's folder")
        ->required();
    c.add_option("--prompt", a.prompt, "the text to continue")->required();
    c.add_option("--length", a.length, "bytes to add")->check(integer_in(0, kMaxCount))->capture_default_str();
    c.add_option("--temperature", a.temperature,
                 "below 1: likelier, above: more surprising; 0: always the likeliest byte")
        ->check(number_in(0, kInfinity, "at least 0", true))
        ->capture_default_str();
    c.add_option("--top-k", a.top_k, "only the likeliest so many bytes (default: all)")->check(integer_in(1, 256));
    c.add_option("--seed", a.seed, "of the draws")
        ->check(integer_in(0, std::numeric_limits<uint64_t>::max()))
        ->capture_default_str();
    add_compute(c, a.compute);
    add_json(c, a.json, "print one JSON object: prompt, text (what was added) and the settings");
}

void add_inspect(CLI::App& app, InspectArguments& a) {
    CLI::App& c =
        *app.add_subcommand("inspect", "Layers and tensors of a checkpoint, a safetensors file or a model spec");
    c.footer(kInspectExamples);
    c.add_option("file", a.file, "a safetensors file, a run's model.json or a model spec NAME.json")->required();
    add_json(c, a.json, "print one JSON object: tensors, metadata; of JSON files layers and parameters, too");
}

void add_devices(CLI::App& app, DevicesArguments& a) {
    CLI::App& c =
        *app.add_subcommand("devices", "List the devices that this build knows, and why one is not available");
    c.footer("Examples:\n  ingot devices\n  ingot devices --json");
    add_json(c, a.json, "print one JSON object: devices, a list of {name, kind, available, reason, memory_bytes}");
}

void add_bench(CLI::App& app, BenchArguments& a, std::string& dtype, int64_t& steps, bool& json) {
    CLI::App& c = *app.add_subcommand("bench", "Measure training steps per second");
    c.footer(kBenchExamples);
    c.add_option("workloads", a.workloads, "what to measure, see below")->required();
    add_compute(c, a.compute);
    c.add_option("--batch", a.batch, "samples per step (default: the workload's; 1 with --infer)")
        ->check(integer_in(1, kMaxBatch));
    c.add_flag("--infer", a.infer, "only the forward pass, waiting for each result");
    c.add_option("--seconds", a.seconds, "length of one window")
        ->check(number_in(0, 3600, "above 0 and below 3600", false))
        ->capture_default_str();
    c.add_option("--dtype", dtype, "f32 (others are not available yet)")->check(one_of({"f32"}, "dtype"));
    c.add_option("--steps-per-launch", steps, "1 (more is not available yet)")->check(integer_in(1, 1));
    c.add_flag("--json", json, "")->group(""); // always JSON; asking for it is no mistake
}

std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z' && text.size() > 1 && text[1] >= 'a')
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    while (!text.empty() && (text.back() == ' ' || text.back() == '.')) text.pop_back();
    return text;
}

std::vector<std::string> names_of(const std::vector<CLI::App*>& commands) {
    std::vector<std::string> names;
    for (const CLI::App* c : commands) names.push_back(c->get_name());
    return names;
}

/// The words that nothing knows, as they were written, and what the first of them may have been meant to be.
std::string not_expected(const std::vector<std::string>& words, std::vector<std::string> extra, CLI::App& command) {
    std::string list, first;
    for (const std::string& word : words) {
        const auto at = std::find(extra.begin(), extra.end(), word);
        if (at == extra.end()) continue;
        extra.erase(at);
        list += " " + word;
        if (first.empty()) first = word;
    }
    std::vector<std::string> flags;
    for (const CLI::Option* option : command.get_options())
        for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    const std::string meant = first.starts_with("--") ? did_you_mean(first.substr(0, first.find('=')), flags) : "";
    return "not expected:" + list + meant;
}

void check_train(const TrainArguments& a) {
    if (a.momentum && a.optimizer && *a.optimizer != "sgd" && *a.optimizer != "rmsprop" && *a.optimizer != "muon")
        throw UsageError("--momentum belongs to --optimizer sgd, rmsprop and muon, not to " + *a.optimizer);
    if (a.min_delta && !a.patience && !a.resume) throw UsageError("--min-delta belongs to --patience");
}

} // namespace

Arguments parse(int argc, const char* const* argv) {
    CLI::App app{"Train and run neural networks.", "ingot"};
    app.set_version_flag("--version", "ingot " INGOT_VERSION);
    app.footer(kExamples);
    app.require_subcommand(1);
    TrainArguments train;
    EvalArguments eval;
    PredictArguments predict;
    GenerateArguments generate;
    InspectArguments inspect;
    DevicesArguments devices;
    BenchArguments bench;
    std::string bench_dtype;
    int64_t bench_steps = 1;
    bool bench_json = false;
    add_train(app, train);
    add_eval(app, eval);
    add_predict(app, predict);
    add_generate(app, generate);
    add_inspect(app, inspect);
    add_devices(app, devices);
    add_bench(app, bench, bench_dtype, bench_steps, bench_json);

    // CLI11 would report an unknown command as a missing one.
    if (argc < 2) throw UsageError("a command is missing; 'ingot --help' lists them");
    const std::string first = argv[1];
    if (first.empty() || first[0] != '-') {
        const auto known = app.get_subcommands([](CLI::App*) { return true; });
        if (std::none_of(known.begin(), known.end(), [&](CLI::App* c) { return c->get_name() == first; }))
            throw UsageError("unknown command '" + first + "'" + did_you_mean(first, names_of(known)) +
                             " ('ingot --help' lists what there is)");
    }
    if (first.starts_with("-") && first != "--help" && first != "-h" && first != "--version")
        throw UsageError("unknown option '" + first + "' before a command; see 'ingot --help'");
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return Message{app.help()}; // of the command that was chosen, if any
    } catch (const CLI::CallForVersion& version) {
        return Message{std::string(version.what()) + "\n"};
    } catch (const CLI::ParseError& error) {
        const auto chosen = app.get_subcommands();
        const std::string command = chosen.empty() ? "ingot" : "ingot " + chosen[0]->get_name();
        std::string what = error.what();
        // What nothing knows is named before what is missing: often it is the same, misspelt.
        if (const auto extra = app.remaining(true); !extra.empty())
            what = not_expected({argv + 1, argv + argc}, extra, chosen.empty() ? app : *chosen[0]);
        throw UsageError(one_line(what) + " (see '" + command + " --help')");
    }
    const std::string command = app.get_subcommands()[0]->get_name();
    if (command == "train") {
        check_train(train);
        train.words.assign(argv, argv + argc);
        return train;
    }
    if (command == "eval") return eval;
    if (command == "predict") return predict;
    if (command == "generate") return generate;
    if (command == "inspect") return inspect;
    if (command == "devices") return devices;
    return bench;
}

Device choose_device(const std::string& text) {
    if (text == "auto") return Device::best();
    Device device;
    try {
        device = Device::parse(text);
    } catch (const DeviceError& error) { throw UsageError(std::string("--device: ") + error.what()); }
    for (const DeviceInfo& info : devices()) {
        if (info.device != device) continue;
        if (info.available) return device;
        throw UsageError("--device " + text + " is not available: " + info.reason);
    }
    throw UsageError("--device " + text + " is not available yet; 'ingot devices' lists what there is");
}

} // namespace ingot::cli
