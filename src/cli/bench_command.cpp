// SPDX-License-Identifier: MIT
// ingot bench: one JSON line per workload. Several workloads run in processes of their own, one after the other, because
// peak memory and the time to the first step belong to a process.
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ingot/compile.h>
#include <ingot/eval.h>
#include <ingot/ops.h>

#include "base/parallel.h"
#include "cli/bench_measure.h"
#include "cli/bench_op.h"
#include "cli/bench_record.h"
#include "cli/bench_workload.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "io/file.h"
#include "train/model_spec.h"
#include "train/models.h"
#include "train/weights.h"

namespace ingot::cli {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

constexpr int kLossSteps = 20; ///< loss_first and loss_last are means of so many steps
/// At least so many steps lie before those of loss_last: momentum without warm-up makes the first losses jump.
constexpr size_t kMinSteps = 100;

/// Seconds per call of a step that binds as many cells as the real one but computes next to nothing: one element per
/// trainable tensor, the same optimizer, the same batch as argument.
double null_step_seconds(const Workload& w, size_t tensors, const BenchBatch& batch, Device device) {
    std::vector<Tensor> parameters;
    for (size_t i = 0; i < tensors; ++i) parameters.push_back(Tensor::parameter(ones({1}, {.device = device})));
    const auto optimizer = w.optimizer(parameters);
    auto step = compile([&](Tensor x, Tensor y) {
        const Tensor label = cast(slice(reshape(y, {y.numel()}), 0, 0, 1), f32);
        const Tensor pixel = cast(slice(reshape(x, {x.numel()}), 0, 0, 1), f32);
        const Tensor loss = sum(concat(parameters, 0) * (label + pixel));
        optimizer->zero_grad();
        loss.backward();
        optimizer->step();
        return loss;
    });
    const Rate rate = measure_rate(
        0.02, [&] { step(batch.x, batch.y); }, [&] { synchronize(device); }, [] {});
    return 1 / rate.max;
}

/// The same for one forward pass.
double null_pass_seconds(const BenchBatch& batch, Device device) {
    auto pass = compile([](Tensor x) { return slice(reshape(x, {x.numel()}), 0, 0, 1) + 1; });
    const Rate rate = measure_rate(
        0.02, [&] { pass(batch.x).eval(); }, [&] { synchronize(device); }, [] {});
    return 1 / rate.max;
}

/// A checksum per tensor. One tensor at a time, so that this does not raise the peak memory.
std::vector<uint32_t> fingerprints(const StateDict& tensors) {
    std::vector<uint32_t> out;
    for (const auto& entry : tensors) out.push_back(io::crc32(train::HostCopy(StateDict{entry}).views()[0]));
    return out;
}

struct Setup {
    train::Model model;
    std::vector<BenchBatch> ring;
    size_t next = 0;

    Setup(const Workload& w, int64_t batch, Device device)
        : model((manual_seed(0), train::build_model(train::model_spec(w.name, w.input, w.classes), w.name))),
          ring(make_ring(w, batch, device)) {
        model.net.to(device);
        eval(model.net.state_dict().tensors());
    }
    const BenchBatch& take() { return ring[next++ % ring.size()]; }
};

Record measure_training(const Workload& w, const BenchArguments& a, Device device) {
    Record r{.workload = w.name, .device = device, .batch = a.batch.value_or(w.batch)};
    Setup s(w, r.batch, device);
    const StateDict named = s.model.net.named_parameters();
    const std::vector<Tensor> parameters = named.tensors();
    r.params = s.model.net.num_parameters();
    r.tensors = static_cast<int64_t>(parameters.size());
    const std::vector<uint32_t> begin = fingerprints(named);
    const auto optimizer = w.optimizer(parameters);
    s.model.net.train();
    auto step = compile([&](Tensor x, Tensor y) {
        const Tensor loss = bench_loss(w, s.model.net(x), y);
        optimizer->zero_grad();
        loss.backward();
        optimizer->step();
        return loss;
    });
    const auto mean_loss = [&] {
        double sum = 0;
        for (int i = 0; i < kLossSteps; ++i) {
            const BenchBatch& b = s.take();
            const Clock::time_point start = Clock::now();
            sum += step(b.x, b.y).item<double>();
            if (r.first_call_s == 0) {
                r.first_call_s = seconds_since(start);
                r.first_step_ms = ms_since_exec();
            }
        }
        return sum / kLossSteps;
    };
    const double first = mean_loss();
    Tensor loss; // the newest one is kept, as a training loop would
    r.rate = measure_rate(
        a.seconds,
        [&] {
            const BenchBatch& b = s.take();
            loss = step(b.x, b.y);
        },
        [&] { synchronize(device); }, [&] { r.before = Counters::now(device); });
    r.after = Counters::now(device);
    while (s.next < kMinSteps) {
        const BenchBatch& b = s.take();
        loss = step(b.x, b.y);
    }
    const double last = mean_loss();
    r.loss_first = first;
    r.loss_last = last;
    const std::vector<uint32_t> end = fingerprints(named);
    for (size_t i = 0; i < begin.size(); ++i) r.tensors_changed += begin[i] != end[i];
    // A rate without its check is not printed.
    if (!(last < first))
        throw Error("bench " + std::string(w.name) + ": the loss did not fall (" + std::to_string(first) + " to " +
                    std::to_string(last) + "); no record");
    if (r.tensors_changed != r.tensors)
        throw Error("bench " + std::string(w.name) + ": only " + std::to_string(r.tensors_changed) + " of " +
                    std::to_string(r.tensors) + " trainable tensors changed; no record");
    r.note_peaks();
    r.host_s = null_step_seconds(w, parameters.size(), s.ring[0], device);
    return r;
}

Record measure_inference(const Workload& w, const BenchArguments& a, Device device) {
    Record r{.workload = w.name, .device = device, .batch = a.batch.value_or(1)};
    Setup s(w, r.batch, device);
    s.model.net.eval();
    r.params = s.model.net.num_parameters();
    r.tensors = static_cast<int64_t>(s.model.net.named_parameters().size());
    const NoGrad guard;
    auto pass = compile([&](Tensor x) {
        const NoGrad inner;
        return s.model.net(x);
    });
    const Clock::time_point start = Clock::now();
    const std::vector<float> one = pass(s.take().x).to_vector<float>();
    r.first_call_s = seconds_since(start);
    r.first_step_ms = ms_since_exec();
    const std::vector<float> two = pass(s.take().x).to_vector<float>();
    for (const float value : one)
        if (!std::isfinite(value))
            throw Error("bench " + std::string(w.name) + ": the output is not finite; no record");
    if (one == two)
        throw Error("bench " + std::string(w.name) + ": the output does not depend on the input; no record");
    r.rate = measure_rate(
        a.seconds, [&] { pass(s.take().x).eval(); }, [&] { synchronize(device); },
        [&] { r.before = Counters::now(device); });
    r.after = Counters::now(device);
    r.note_peaks();
    r.host_s = null_pass_seconds(s.ring[0], device);
    return r;
}

/// This command again, for one workload, in a process of its own. Returns its exit status.
int run_in_child(const BenchArguments& a, const std::string& workload) {
    std::vector<std::string> words{
        "ingot", "bench", workload, "--device", a.compute.device, "--seconds", std::to_string(a.seconds)};
    if (a.compute.threads) words.insert(words.end(), {"--threads", std::to_string(*a.compute.threads)});
    if (a.batch) words.insert(words.end(), {"--batch", std::to_string(*a.batch)});
    if (a.infer) words.emplace_back("--infer");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    finish_output();
    const pid_t parent = getpid(), child = fork();
    if (child < 0) throw Error("cannot start a process: " + io::errno_text(errno));
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() == parent) execv("/proc/self/exe", argv.data());
        _exit(127);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) throw Error("cannot wait for a process: " + io::errno_text(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace

int bench_command(const BenchArguments& a) {
    for (const std::string& name : a.workloads) { // all refusals first
        if (!is_op_workload(name)) find_workload(name);
        if (is_op_workload(name) && a.batch)
            throw UsageError("--batch does not go with " + name + ": the sizes of single operators are fixed");
    }
    const Device device = choose_device(a.compute.device);
    if (a.workloads.size() > 1) {
        int worst = 0;
        for (const std::string& name : a.workloads) {
            const int status = run_in_child(a, name);
            if (status == 130) return status;
            worst = std::max(worst, status);
        }
        return worst;
    }
    if (a.compute.threads) base::set_num_threads(*a.compute.threads);
    if (is_op_workload(a.workloads[0])) {
        print_json(measure_op(a.workloads[0], a.seconds, device).json());
        return 0;
    }
    const Workload& workload = find_workload(a.workloads[0]);
    const Record record = a.infer ? measure_inference(workload, a, device) : measure_training(workload, a, device);
    print_json(record.json());
    return 0;
}

} // namespace ingot::cli
