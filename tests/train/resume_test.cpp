// SPDX-License-Identifier: MIT
// Going on after a stop at any place: the end has the bytes of a run that was never stopped.
#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <thread>
#include <tuple>

#include <sys/resource.h>

#include <gtest/gtest.h>

#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>
#include <ingot/train.h>

#include "train/checkpoint.h"
#include "train/run_folder.h"
#include "train/trainer_testing.h"

namespace ingot::train {

namespace {

constexpr int64_t kSteps = 5, kEpochs = 3, kValSteps = 2;

/// Everything with state: dropout, running statistics, moments, a schedule.
struct Job {
    Clusters train{kSteps, 1}, validation{kValSteps, 2}, test{2, 3};
    bool validate = true;
    TrainerOptions options = {.epochs = kEpochs,
                              .schedule = optim::CosineWithWarmup({.warmup_steps = 4, .total_steps = kSteps * kEpochs}),
                              .seed = 7,
                              .model_json = kModelJson,
                              .progress = false,
                              .handle_interrupts = true};

    TrainResult run() {
        manual_seed(7);
        nn::Sequential model{nn::Linear(4, 16), nn::BatchNorm1d(16), nn::ReLU(), nn::Dropout(0.3), nn::Linear(16, 2)};
        optim::AdamW optimizer(model.parameters(), {.lr = 0.02});
        return Trainer(model, optimizer, nn::cross_entropy, options)
            .fit(train, validate ? &validation : nullptr, &test);
    }
};

class Resume : public testing::TestWithParam<bool> {
protected:
    Job job(const std::string& out) const {
        Job s;
        s.validate = GetParam();
        s.options.out = folder_ / out;
        return s;
    }
    void expect_same(const std::string& out, const std::string& what) const {
        for (const char* file : {"last.safetensors", "best.safetensors", "model.json"})
            EXPECT_EQ(folder_.read("whole/" + std::string(file)), folder_.read(out + "/" + file))
                << what << ", " << file;
        EXPECT_EQ(without_seconds(folder_.read("whole/metrics.csv")),
                  without_seconds(folder_.read(out + "/metrics.csv")))
            << what;
        EXPECT_EQ(without_seconds(folder_.read("whole/metrics.jsonl")),
                  without_seconds(folder_.read(out + "/metrics.jsonl")))
            << what;
    }
    void SetUp() override {
        whole_ = job("whole").run();
        ASSERT_FALSE(whole_.interrupted);
    }
    ScratchFolder folder_;
    TrainResult whole_;
};

void expect_equal(const TrainResult& a, const TrainResult& b, const std::string& what) {
    ASSERT_TRUE(a.test && b.test) << what;
    EXPECT_EQ(a.test->loss, b.test->loss) << what;
    EXPECT_EQ(a.test->accuracy, b.test->accuracy) << what;
    EXPECT_EQ(a.train_loss, b.train_loss) << what;
    EXPECT_EQ(a.epochs, b.epochs) << what;
    EXPECT_EQ(a.steps, b.steps) << what;
}

} // namespace

TEST_P(Resume, AfterAFailureAtAnyBatch) {
    for (const int64_t every : {0, 3}) {
        for (const int64_t at : {1, 4, 5, 6, 9, 15}) {
            const std::string what = "checkpoints every " + std::to_string(every) + ", failed at " + std::to_string(at);
            const std::string out = std::to_string(every) + "_" + std::to_string(at);
            Job first = job(out);
            first.options.checkpoint_steps = every;
            first.train.fail_at = at;
            ASSERT_THROW(first.run(), Error) << what;
            Job second = job(out);
            second.options.checkpoint_steps = every;
            second.options.resume = true;
            const TrainResult result = second.run();
            // Not all of it again: only what came after the last checkpoint.
            const int64_t epochs = (at - 1) / kSteps * kSteps, steps = every == 0 ? 0 : (at - 1) / every * every;
            EXPECT_EQ(second.train.handed_out, kSteps * kEpochs - std::max(epochs, steps)) << what;
            expect_equal(result, whole_, what);
            expect_same(out, what);
        }
    }
}

TEST_P(Resume, AfterASignalAtAnyBatchAndInValidation) {
    for (int64_t at = 1; at <= kEpochs * (kSteps + (GetParam() ? kValSteps : 0)); at += at < kSteps ? 2 : 1) {
        const std::string out = std::to_string(at), what = "signal at " + out;
        const int64_t pass = GetParam() ? kSteps + kValSteps : kSteps, epoch = (at - 1) / pass, in = (at - 1) % pass;
        Job first = job(out);
        if (in < kSteps)
            first.train.signal_at = epoch * kSteps + in + 1;
        else
            first.validation.signal_at = epoch * kValSteps + in - kSteps + 1;
        const TrainResult stopped = first.run();
        ASSERT_TRUE(stopped.interrupted) << what;
        EXPECT_EQ(stopped.steps, epoch * kSteps + std::min(in + 1, kSteps)) << what;
        Job second = job(out);
        second.options.resume = true;
        expect_equal(second.run(), whole_, what);
        EXPECT_EQ(second.train.handed_out, kSteps * kEpochs - stopped.steps) << what;
        expect_same(out, what);
    }
}

TEST_P(Resume, AfterWhatACallbackASinkOrTheValidationThrew) {
    // Nothing but the end makes checkpoints here, so it is that one which training goes on from.
    const auto stopped = [&](const std::string& out, const std::function<void(Job&)>& prepare, int64_t steps) {
        Job first = job(out);
        prepare(first);
        try {
            first.run();
            ADD_FAILURE() << out << ": no error";
        } catch (const Error& e) { EXPECT_NE(std::string(e.what()).find("throws"), std::string::npos) << e.what(); }
        Job second = job(out);
        second.options.resume = true;
        expect_equal(second.run(), whole_, out);
        EXPECT_EQ(second.train.handed_out, kSteps * kEpochs - steps) << out;
        expect_same(out, out);
    };
    stopped(
        "callback",
        [](Job& j) {
            j.options.callbacks = {{.on_step = [](const StepEvent& e) {
                if (e.step == 3) throw Error("the callback throws");
            }}};
        },
        3);
    stopped(
        "sink",
        [](Job& j) {
            j.options.sinks = {std::make_shared<CallbackSink>([](int64_t step, const std::vector<MetricValue>&) {
                if (step == kSteps) throw Error("the sink throws");
            })};
        },
        kSteps);
    if (!GetParam()) return;
    stopped(
        "validation",
        [](Job& j) {
            j.options.metrics = {std::make_shared<MeanOf>(
                "mine", [](const Tensor&, const Tensor&) -> Tensor { throw Error("the metric throws"); })};
        },
        kSteps);
}

TEST_P(Resume, LogsOfSinksGoOn) {
    const auto with_logs = [&](const std::string& out) {
        Job s = job(out);
        s.options.sinks = {std::make_shared<CsvSink>(folder_ / (out + ".csv")),
                           std::make_shared<JsonLinesSink>(folder_ / (out + ".jsonl"))};
        s.options.sink_steps = 1;
        s.options.checkpoint_steps = 3;
        return s;
    };
    with_logs("logged").run();
    const auto expect_same_logs = [&](const std::string& out) {
        for (const char* end : {".csv", ".jsonl"})
            EXPECT_EQ(folder_.read(out + end), folder_.read("logged" + std::string(end)));
    };
    EXPECT_GT(folder_.read("logged.csv").size(), 300u);
    for (const int64_t at : {1, 3, 5, 9, 10, 15}) {
        const std::string out = "fails" + std::to_string(at);
        Job first = with_logs(out);
        first.train.fail_at = at;
        ASSERT_THROW(first.run(), Error);
        Job second = with_logs(out);
        second.options.resume = true;
        second.run();
        expect_same_logs(out);
    }
    // A run that is refused leaves the log of the one that is there.
    fs::copy_file(folder_ / "logged.csv", folder_ / "refused.csv");
    Job refused = with_logs("refused");
    refused.options.out = folder_ / "logged";
    EXPECT_THROW(refused.run(), Error);
    EXPECT_EQ(folder_.read("refused.csv"), folder_.read("logged.csv"));
}

TEST_P(Resume, ManyStops) {
    // Every step and every other validation ends with one.
    const std::string out = "many";
    TrainResult result;
    int runs = 0;
    do {
        Job s = job(out);
        s.options.resume = true; // also the first one, in a folder that does not exist yet
        s.train.signal_at = 1;
        if (runs % 2 == 0) s.validation.signal_at = kValSteps;
        result = s.run();
    } while (result.interrupted && ++runs < 60);
    expect_equal(result, whole_, "many stops");
    expect_same(out, "many stops");
}

TEST_P(Resume, OfAFinishedRun) {
    Job again = job("whole");
    again.options.resume = true;
    const std::string before = folder_.read("whole/last.safetensors");
    expect_equal(again.run(), whole_, "finished");
    EXPECT_EQ(again.train.handed_out, 0);
    EXPECT_EQ(folder_.read("whole/last.safetensors"), before);
}

TEST_P(Resume, StepCheckpointsChangeNothing) {
    Job s = job("steps");
    s.options.checkpoint_steps = 1;
    expect_equal(s.run(), whole_, "steps");
    expect_same("steps", "steps");
    Job t = job("time");
    t.options.checkpoint_seconds = 1e-9;
    expect_equal(t.run(), whole_, "time");
    expect_same("time", "time");
}

TEST_P(Resume, WithoutLastTheBestServes) {
    Job first = job("a");
    first.train.fail_at = kSteps + 2;
    ASSERT_THROW(first.run(), Error);
    fs::remove(folder_ / "a/last.safetensors");
    Job second = job("a");
    second.options.resume = true;
    expect_equal(second.run(), whole_, "best only");
    EXPECT_EQ(second.train.handed_out, kSteps * (kEpochs - 1));
    expect_same("a", "best only");
}

INSTANTIATE_TEST_SUITE_P(Validation, Resume, testing::Bool(),
                         [](const auto& info) { return info.param ? "with" : "without"; });

TEST(ResumeFolder, SchedulesGoOn) {
    using namespace optim;
    ScratchFolder folder;
    const std::vector<std::pair<Schedule, Per>> schedules{
        {SequentialLR({LinearLR({.start_factor = 0.1, .total_iters = 4}), ExponentialLR({.gamma = 0.9})}, {4}),
         Per::step},
        {ChainedScheduler({LinearLR({.start_factor = 0.1, .total_iters = 9}), CosineAnnealingLR({.t_max = 20})}),
         Per::step},
        {MultiStepLR({.milestones = {1, 2}, .gamma = 0.5}), Per::epoch},
        {ReduceLROnPlateau({.factor = 0.5, .patience = 0, .threshold = 0.9}), Per::epoch}};
    for (size_t i = 0; i < schedules.size(); ++i) {
        const auto run = [&](const std::string& out, int64_t signal_at, bool resume) {
            Job job;
            job.options.out = folder / (out + std::to_string(i));
            std::tie(job.options.schedule, job.options.schedule_per) = schedules[i];
            job.options.resume = resume;
            job.train.signal_at = signal_at;
            return job.run();
        };
        run("whole", -1, false);
        for (const int64_t at : {2, 5, 7}) {
            ASSERT_TRUE(run("a" + std::to_string(at), at, false).interrupted);
            run("a" + std::to_string(at), -1, true);
            const std::string a = "a" + std::to_string(at) + std::to_string(i), whole = "whole" + std::to_string(i);
            EXPECT_EQ(folder.read(a + "/last.safetensors"), folder.read(whole + "/last.safetensors"))
                << i << ", " << at;
            EXPECT_EQ(without_seconds(folder.read(a + "/metrics.csv")),
                      without_seconds(folder.read(whole + "/metrics.csv")));
        }
        Job other;
        other.options.out = folder / ("whole" + std::to_string(i));
        other.options.resume = true;
        EXPECT_THROW(other.run(), Error) << "another schedule";
    }
}

TEST(ResumeFolder, AveragesAndLargeUpdatesGoOn) {
    ScratchFolder folder;
    const auto run = [&](const std::string& out, int64_t signal_at, bool resume) {
        Job job;
        job.options.out = folder / out;
        job.options.accumulate = 2; // updates of 2, 2 and 1 batches
        job.options.ema = 0.8;
        job.options.clip_norm = 0.5;
        job.options.checkpoint_steps = 2;
        job.options.resume = resume;
        job.train.signal_at = signal_at;
        return job.run();
    };
    const TrainResult whole = run("whole", -1, false);
    EXPECT_EQ(whole.steps, 9);
    for (const int64_t at : {1, 2, 3, 5, 7, 14}) {
        const std::string out = std::to_string(at);
        const TrainResult first = run(out, at, false);
        ASSERT_TRUE(first.interrupted);
        EXPECT_EQ(first.steps, (at - 1) / kSteps * 3 + (at - 1) % kSteps / 2 + 1) << "the update was finished";
        expect_equal(run(out, -1, true), whole, out);
        for (const char* file : {"/last.safetensors", "/best.safetensors"})
            EXPECT_EQ(folder.read(out + file), folder.read("whole" + std::string(file))) << out << file;
    }
    Job other;
    other.options.out = folder / "whole";
    other.options.resume = true;
    EXPECT_THROW(other.run(), Error) << "without averages it is another run";
}

TEST(ResumeFolder, OlderCheckpointsAreKept) {
    ScratchFolder folder;
    const auto kept = [&](const std::string& out) {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(folder / out))
            if (entry.path().filename().string().starts_with("step-"))
                names.push_back(entry.path().filename().string());
        std::sort(names.begin(), names.end());
        return names;
    };
    const auto job = [&](const std::string& out) {
        Job s;
        s.options.out = folder / out;
        s.options.keep = 2;
        s.options.checkpoint_steps = 2;
        return s;
    };
    job("whole").run();
    // Checkpoints after steps 2, 4, 5, 6, 8, 10, 12, 14 and 15, which is the last.
    EXPECT_EQ(kept("whole"), (std::vector<std::string>{"step-00000012.safetensors", "step-00000014.safetensors"}));
    EXPECT_EQ(read_checkpoint(folder / "whole/step-00000012.safetensors").position().step, 12);
    // A stop changes nothing about which ones there are.
    Job first = job("a");
    first.train.signal_at = 13;
    ASSERT_TRUE(first.run().interrupted);
    Job second = job("a");
    second.options.resume = true;
    second.run();
    EXPECT_EQ(kept("a"), kept("whole"));
    for (const std::string& name : kept("a")) EXPECT_EQ(folder.read("a/" + name), folder.read("whole/" + name));
}

TEST(ResumeFolder, ADamagedCheckpointIsNamedAndAnotherOffered) {
    ScratchFolder folder;
    Job first;
    first.options.out = folder / "a";
    first.options.keep = 1;
    first.run();
    const std::string good = folder.read("a/last.safetensors");
    std::string bad = good;
    bad[bad.size() - 9] ^= 1;
    std::ofstream(folder / "a/last.safetensors", std::ios::binary) << bad;
    const auto message = [&] {
        Job second;
        second.options.out = folder / "a";
        second.options.resume = true;
        try {
            second.run();
        } catch (const FileError& error) { return std::string(error.what()); }
        return std::string("no error");
    };
    const auto expect = [&](const std::vector<std::string>& parts) {
        for (const std::string& part : parts)
            EXPECT_NE(message().find(part), std::string::npos) << part << " in " << message();
    };
    expect({"last.safetensors", "tensor 'train.", "offset", "damaged", "best.safetensors is whole (step 15)", "cp '"});
    EXPECT_EQ(folder.read("a/last.safetensors"), bad) << "nothing was touched";
    std::ofstream(folder / "a/best.safetensors", std::ios::binary) << bad;
    expect({"last.safetensors", "damaged", "step-00000010.safetensors is whole (step 10)", "cp '"});
    // What it says works.
    fs::copy_file(folder / "a/step-00000010.safetensors", folder / "a/last.safetensors",
                  fs::copy_options::overwrite_existing);
    expect({"best.safetensors", "damaged"}); // found before hours of training, not after
    fs::remove(folder / "a/best.safetensors");
    Job third;
    third.options.out = folder / "a";
    third.options.resume = true;
    testing::internal::CaptureStderr();
    third.run();
    EXPECT_NE(testing::internal::GetCapturedStderr().find("best.safetensors is missing"), std::string::npos);
    EXPECT_EQ(third.train.handed_out, kSteps);
    EXPECT_EQ(folder.read("a/last.safetensors"), good);
    // Nothing whole is left.
    for (const char* name : {"a/step-00000010.safetensors", "a/best.safetensors"}) fs::remove(folder / name);
    std::ofstream(folder / "a/last.safetensors", std::ios::binary) << bad;
    expect({"no other checkpoint"});
}

TEST(ResumeFolder, AFullDiskLeavesTheOldCheckpoint) {
    ScratchFolder folder;
    Job whole, s;
    whole.options.out = folder / "whole";
    whole.run();
    s.options.out = folder / "a";
    // Limits what a file may hold from the second epoch's first batch on: as if the disk were full.
    class Limited : public Clusters {
    public:
        using Clusters::Clusters;
        bool next(Tensor& x, Tensor& y) override {
            if (handed_out == kSteps) {
                std::signal(SIGXFSZ, SIG_IGN);
                getrlimit(RLIMIT_FSIZE, &before);
                const rlimit limit{600, before.rlim_max};
                setrlimit(RLIMIT_FSIZE, &limit);
            }
            if (handed_out == lift_at) setrlimit(RLIMIT_FSIZE, &before);
            return Clusters::next(x, y);
        }
        rlimit before = {};
        int64_t lift_at = -1;
    };
    const auto run = [&](const std::string& out, int64_t lift_at) {
        manual_seed(7);
        nn::Sequential model{nn::Linear(4, 16), nn::BatchNorm1d(16), nn::ReLU(), nn::Dropout(0.3), nn::Linear(16, 2)};
        optim::AdamW optimizer(model.parameters(), {.lr = 0.02});
        TrainerOptions options = s.options;
        options.out = folder / out;
        Limited train(kSteps, 1);
        train.lift_at = lift_at;
        std::string error;
        testing::internal::CaptureStderr();
        try {
            Trainer(model, optimizer, nn::cross_entropy, options).fit(train, &s.validation, nullptr);
        } catch (const FileError& e) { error = e.what(); }
        setrlimit(RLIMIT_FSIZE, &train.before);
        return std::pair(testing::internal::GetCapturedStderr(), error);
    };
    {
        const auto [warnings, error] = run("a", -1);
        EXPECT_NE(warnings.find("no checkpoint could be saved after step 10, the older one stays"), std::string::npos)
            << warnings;
        EXPECT_NE(error.find("File too large"), std::string::npos) << error;
        EXPECT_EQ(read_checkpoint(folder / "a/last.safetensors").position().step, kSteps);
        for (const auto& entry : fs::directory_iterator(folder / "a"))
            EXPECT_EQ(entry.path().filename().string().find("tmp"), std::string::npos) << entry.path();
        Job again;
        again.options.out = folder / "a";
        again.options.resume = true;
        again.run();
        EXPECT_EQ(folder.read("a/last.safetensors"), folder.read("whole/last.safetensors"));
        EXPECT_EQ(folder.read("a/best.safetensors"), folder.read("whole/best.safetensors"));
    }
    {
        // Room again before the end: only a warning remains.
        const auto [warnings, error] = run("b", 2 * kSteps + 1);
        EXPECT_NE(warnings.find("no checkpoint could be saved"), std::string::npos) << warnings;
        EXPECT_EQ(error, "");
        for (const char* file : {"last.safetensors", "best.safetensors"})
            EXPECT_EQ(folder.read("b/" + std::string(file)), folder.read("whole/" + std::string(file))) << file;
        EXPECT_EQ(without_seconds(folder.read("b/metrics.csv")), without_seconds(folder.read("whole/metrics.csv")));
    }
}

TEST(ResumeFolder, OtherRunsAreRefused) {
    ScratchFolder folder;
    Job first;
    first.options.out = folder / "a";
    first.run();
    const auto message = [&](auto&& change) {
        Job s;
        s.options.out = folder / "a";
        s.options.resume = true;
        change(s);
        try {
            s.run();
        } catch (const Error& error) { return std::string(error.what()); }
        return std::string("no error");
    };
    const auto expect = [&](const std::string& text, const std::vector<std::string>& parts) {
        for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
    };
    expect(message([](Job& s) { s.options.seed = 8; }), {"seed", "8", "7"});
    expect(message([](Job& s) { s.train = Clusters(6, 1); }), {"batches", "6", "5"});
    expect(message([](Job& s) { s.options.epochs = 2; }), {"3 epochs", "2"});
    expect(message([](Job& s) { s.options.model_json = "{}"; }), {"model"});
    expect(message([](Job& s) { s.options.resume = false; }), {"holds a run", "last.safetensors"});
    expect(message([](Job& s) { s.options.force = true; }), {"contradict"});
    EXPECT_EQ(message([](Job&) {}), "no error");
}

TEST(ResumeFolder, AnotherOptimizerIsRefusedByTheNameOfTheOption) {
    ScratchFolder folder;
    /// With `scheduled` the rate in the checkpoint is another one than that which the run was started with.
    const auto run = [&](bool resume, bool scheduled,
                         const std::function<std::unique_ptr<optim::Optimizer>(const std::vector<Tensor>&)>& make) {
        nn::Sequential model = small_net();
        const auto before = values(model.state_dict());
        const auto optimizer = make(model.parameters());
        Clusters train(5, 1);
        TrainerOptions options{.epochs = resume ? 2 : 1, .out = folder / (scheduled ? "scheduled" : "constant")};
        options.resume = resume;
        if (scheduled) options.schedule = optim::ExponentialLR({.gamma = 0.5});
        options.progress = false;
        try {
            Trainer(model, *optimizer, nn::cross_entropy, options).fit(train);
        } catch (const Error& error) {
            EXPECT_EQ(values(model.state_dict()), before) << "a run that is refused changes nothing: " << error.what();
            return std::string(error.what());
        }
        return std::string("no error");
    };
    const auto sgd = [](const optim::SGDOptions& options) {
        return [options](const std::vector<Tensor>& p) { return std::make_unique<optim::SGD>(p, options); };
    };
    for (const bool scheduled : {false, true}) {
        const std::string in = " in the run in " + folder / (scheduled ? "scheduled" : "constant");
        ASSERT_EQ(run(false, scheduled, sgd({.lr = 0.25, .momentum = 0.5})), "no error");
        const auto message = [&](const optim::SGDOptions& options) { return run(true, scheduled, sgd(options)); };
        EXPECT_EQ(message({.lr = 0.5, .momentum = 0.5}), "resume: lr is 0.5, but 0.25" + in);
        EXPECT_EQ(message({.lr = 0.25, .momentum = 0.75}), "resume: momentum is 0.75, but 0.5" + in);
        EXPECT_EQ(message({.lr = 0.25, .momentum = 0.5, .weight_decay = 1e-3}),
                  "resume: weight_decay is 0.001, but 0" + in);
        EXPECT_EQ(message({.lr = 0.25, .momentum = 0.5, .nesterov = true}), "resume: nesterov is 1, but 0" + in);
        EXPECT_EQ(run(true, scheduled, [](const std::vector<Tensor>& p) { return std::make_unique<optim::AdamW>(p); }),
                  "resume: optimizer is AdamW, but SGD" + in);
        EXPECT_EQ(run(true, scheduled,
                      [](const std::vector<Tensor>& p) {
                          return std::make_unique<optim::SGD>(std::vector<optim::ParamGroup<optim::SGDOptions>>{
                              {{p[0]}, {.lr = 0.25}}, {{p[1], p[2], p[3]}, {.lr = 0.25}}});
                      }),
                  "resume: parameter_groups is 2, but 1" + in);
        // Of the same kind, but for one parameter only: this shows in its state, after the model's.
        EXPECT_NE(run(true, scheduled,
                      [](const std::vector<Tensor>& p) {
                          return std::make_unique<optim::SGD>(std::vector<Tensor>{p[0]},
                                                              optim::SGDOptions{.lr = 0.25, .momentum = 0.5});
                      })
                      .find("optimizer state"),
                  std::string::npos);
        EXPECT_EQ(message({.lr = 0.25, .momentum = 0.5}), "no error");
    }
}

TEST(ResumeFolder, ARateThatACallbackSetGoesOn) {
    ScratchFolder folder;
    const auto run = [&](int64_t epochs) {
        nn::Sequential model = small_net();
        optim::SGD optimizer(model.parameters(), {.lr = 0.25});
        Clusters train(5, 1);
        TrainerOptions options{.epochs = epochs, .out = folder / "run", .resume = true};
        options.progress = false;
        options.callbacks = {{.on_epoch = [&](const EpochEvent&) { optimizer.set_lr(optimizer.lr() / 2); }}};
        Trainer(model, optimizer, nn::cross_entropy, options).fit(train);
        return optimizer.lr();
    };
    EXPECT_EQ(run(1), 0.125);
    EXPECT_EQ(run(2), 0.0625);
}

TEST(ResumeFolder, SecondsOfBeforeAStopCount) {
    /// Batches that take a while.
    class Slow : public Clusters {
    public:
        using Clusters::Clusters;
        bool next(Tensor& x, Tensor& y) override {
            std::this_thread::sleep_for(std::chrono::milliseconds(60));
            return Clusters::next(x, y);
        }
    };
    ScratchFolder folder;
    const auto run = [&](int64_t signal_at, int64_t epochs) {
        nn::Sequential model = small_net();
        optim::SGD optimizer(model.parameters(), {.lr = 0.1});
        Slow train(5, 1);
        train.signal_at = signal_at;
        return Trainer(model, optimizer, nn::cross_entropy,
                       {.epochs = epochs,
                        .out = folder / "run",
                        .resume = true,
                        .progress = false,
                        .handle_interrupts = true})
            .fit(train);
    };
    ASSERT_TRUE(run(2, 1).interrupted);
    EXPECT_TRUE(run(2, 1).interrupted); // and again: this one adds to the one before
    const TrainResult end = run(-1, 1);
    EXPECT_EQ(end.steps, 5);
    EXPECT_GE(end.seconds, 0.3);
    const std::string row = folder.read("run/metrics.csv");
    EXPECT_GE(std::stod(row.substr(row.rfind(',') + 1)), 0.3) << row;
    EXPECT_FALSE(fs::exists(folder / "run/metrics.seconds")) << "a finished run has its own files only";
    const TrainResult more = run(-1, 2);
    EXPECT_GE(more.seconds, 0.6);
    EXPECT_LT(more.seconds, 2 * 0.3 + end.seconds + 60) << "not twice";
}

TEST(ResumeFolder, OneProcessAtATime) {
    ScratchFolder folder;
    const RunFolder held(folder / "a");
    EXPECT_THROW(RunFolder(folder / "a"), FileError);
}

TEST(ResumeFolder, LeftoversOfKilledSavesGo) {
    ScratchFolder folder;
    fs::create_directories(folder / "a");
    for (const char* name : {".last.safetensors.tmp-1-0", ".metrics.csv.tmp-9-3", ".hidden", "notes.txt", ".x.tmp-1-0"})
        std::ofstream(folder / ("a/" + std::string(name))) << "x";
    const RunFolder opened(folder / "a");
    EXPECT_FALSE(fs::exists(folder / "a/.last.safetensors.tmp-1-0"));
    EXPECT_FALSE(fs::exists(folder / "a/.metrics.csv.tmp-9-3"));
    for (const char* name : {".hidden", "notes.txt", ".x.tmp-1-0"})
        EXPECT_TRUE(fs::exists(folder / ("a/" + std::string(name)))) << name;
}

} // namespace ingot::train
