// SPDX-License-Identifier: MIT
// ingot train --resume: a run that was killed at any moment ends like one that never was. INGOT_KILLS sets how many random
// moments are tried (6 unless set).
#include <chrono>
#include <csignal>
#include <functional>
#include <random>
#include <sstream>
#include <thread>

#include <sys/inotify.h>
#include <unistd.h>

#include "cli/cli_testing.h"

namespace ingot::cli_testing {

namespace {

using Clock = std::chrono::steady_clock;

/// Without the last column (seconds), or the last member of each object.
std::string without_seconds(const std::string& text) {
    std::string out, line;
    for (std::istringstream in(text); std::getline(in, line);) out += line.substr(0, line.rfind(',')) + "\n";
    return out;
}

/// Tells of files as soon as they appear in a folder.
class Watch {
public:
    explicit Watch(const std::string& folder) : fd_(inotify_init1(IN_NONBLOCK)) {
        inotify_add_watch(fd_, folder.c_str(), IN_CREATE | IN_MOVED_TO);
    }
    ~Watch() { close(fd_); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    /// Whether a file whose name contains `part` has appeared since the last call.
    bool seen(const std::string& part) {
        alignas(inotify_event) char buffer[16384];
        const ssize_t got = ::read(fd_, buffer, sizeof buffer);
        bool found = false;
        for (ssize_t at = 0; at < got;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
            found = found || (event->len > 0 && std::string(event->name).find(part) != std::string::npos);
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
        }
        return found;
    }

private:
    int fd_;
};

} // namespace

class ResumeCommand : public CliTest {
protected:
    /// Dropout, augmentation, validation, Adam's moments, a schedule, and checkpoints inside epochs.
    std::vector<std::string> words(const std::string& out, const std::vector<std::string>& more = {}) const {
        std::vector<std::string> all{"train",
                                     "--model",
                                     path("net.json"),
                                     "--data",
                                     data_,
                                     "--out",
                                     path(out),
                                     "--epochs",
                                     "4",
                                     "--batch",
                                     "4",
                                     "--threads",
                                     "2",
                                     "--seed",
                                     "5",
                                     "--val",
                                     "0.25",
                                     "--augment",
                                     "flip,shift",
                                     "--checkpoint-steps",
                                     "10",
                                     "--json"};
        all.insert(all.end(), always_.begin(), always_.end());
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    void SetUp() override {
        data_ = make_images("data", 100);
        // About a megabyte of checkpoint, so that saving takes a moment.
        write("net.json", R"({"input": [1, 12, 12], "layers": [
            {"type": "conv2d", "out": 8, "kernel": 3, "name": "conv"}, {"type": "batch_norm2d"}, {"type": "relu"},
            {"type": "flatten"}, {"type": "dropout", "p": 0.2}, {"type": "linear", "out": 64}, {"type": "relu"},
            {"type": "linear", "out": 2, "name": "head"}]})");
        undisturbed();
    }
    void undisturbed(const std::vector<std::string>& more = {}) {
        const auto start = Clock::now();
        whole_ = ingot(words("whole", more));
        ASSERT_EQ(whole_.status, 0) << whole_.err;
        seconds_ = std::chrono::duration<double>(Clock::now() - start).count();
    }
    /// Goes on to the end and compares.
    void finish(const std::string& out, const std::string& what) {
        const Result result = ingot(words(out, {"--resume"}));
        ASSERT_EQ(result.status, 0) << what << ": " << result.err;
        for (const char* file : {"last.safetensors", "best.safetensors", "model.json"})
            EXPECT_TRUE(read(out + "/" + file) == read("whole/" + std::string(file))) << what << ", " << file;
        for (const char* file : {"metrics.csv", "metrics.jsonl"})
            EXPECT_EQ(without_seconds(read(out + "/" + file)), without_seconds(read("whole/" + std::string(file))))
                << what << ", " << file;
        const Json a = whole_.json(), b = result.json();
        for (const char* key : {"test_accuracy", "test_loss", "train_loss", "epochs", "steps", "params"})
            EXPECT_EQ(a.at(key), b.at(key)) << what << ", " << key;
        for (const auto& entry : fs::directory_iterator(path(out)))
            EXPECT_EQ(entry.path().filename().string().find("tmp"), std::string::npos) << what << ": " << entry.path();
    }
    /// Starts or goes on with the run and kills it when `now` says so. Returns whether it was still running.
    bool kill_when(const std::string& out, const std::function<bool()>& now) {
        Running run(words(out, {"--resume"}));
        while (!now()) {
            if (!run.alive()) return false;
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
        if (!run.alive()) return false;
        run.signal(SIGKILL);
        const int status = run.wait().status;
        if (status == 0) return false; // it ended before the signal came
        EXPECT_EQ(status, 128 + SIGKILL);
        return true;
    }
    std::string data_;
    std::vector<std::string> always_; ///< flags of all runs
    Result whole_;
    double seconds_ = 0;
};

TEST_F(ResumeCommand, KilledAtRandomMoments) {
    const char* wanted = std::getenv("INGOT_KILLS");
    const int kills = wanted ? std::atoi(wanted) : 6;
    std::mt19937 random(2024);
    int done = 0, folder = 0;
    while (done < kills) {
        // The second half stops within updates of several batches, too.
        if (done >= kills / 2 && always_.empty()) {
            always_ = {"--accumulate", "3", "--ema", "0.9", "--clip-norm", "1", "--schedule", "plateau,patience=0"};
            undisturbed({"--force"});
        }
        // Each run is killed up to three times.
        const std::string out = "random" + std::to_string(++folder);
        std::string what = out + " killed after";
        for (int i = 0; i < 3 && done < kills; ++i) {
            const double after = std::uniform_real_distribution<>(0, seconds_)(random);
            const auto until = Clock::now() + std::chrono::duration<double>(after);
            if (!kill_when(out, [&] { return Clock::now() >= until; })) break;
            ++done;
            what += " " + std::to_string(after);
        }
        finish(out, what);
    }
}

TEST_F(ResumeCommand, KilledBeforeTheFirstCheckpoint) {
    fs::create_directories(path("early"));
    Watch watch(path("early"));
    ASSERT_TRUE(kill_when("early", [&] { return watch.seen("model.json"); }));
    EXPECT_FALSE(fs::exists(path("early/last.safetensors"))) << "the test came too late";
    // A table of some other run must not survive.
    write("early/metrics.csv", "epoch,step,train_loss,val_loss,val_accuracy,lr,seconds\n9,9,9,9,9,9,9\n");
    finish("early", "before the first checkpoint");
}

TEST_F(ResumeCommand, KilledDuringSaves) {
    int saves = 0;
    for (const char* file : {"last.safetensors.tmp", "best.safetensors.tmp", "metrics.csv.tmp", "metrics.jsonl.tmp"}) {
        const std::string out = "save" + std::to_string(++saves);
        fs::create_directories(path(out));
        for (int i = 0; i < 2; ++i) {
            Watch watch(path(out));
            kill_when(out, [&] { return watch.seen(file); });
        }
        finish(out, file);
    }
}

TEST_F(ResumeCommand, CtrlCSaysHowToGoOn) {
    fs::create_directories(path("stopped"));
    Watch watch(path("stopped"));
    Running run(words("stopped"));
    while (run.alive() && !watch.seen("last.safetensors")) std::this_thread::sleep_for(std::chrono::microseconds(500));
    ASSERT_TRUE(run.alive());
    run.signal(SIGINT);
    const Result result = run.wait();
    ASSERT_EQ(result.status, 130) << result.err;
    // The line works as it stands.
    const size_t at = result.err.find("to go on: ");
    ASSERT_NE(at, std::string::npos) << result.err;
    std::string line = result.err.substr(at + 10);
    line = line.substr(0, line.find('\n'));
    ASSERT_EQ(line.rfind("ingot train ", 0), 0u) << line;
    EXPECT_EQ(line.substr(line.size() - 9), " --resume") << line;
    const std::string command = INGOT_COMMAND + line.substr(5) + " >" + path("out") + " 2>" + path("err");
    ASSERT_EQ(std::system(command.c_str()), 0) << read("err");
    EXPECT_NE(read("out").find("test_accuracy"), std::string::npos);
    finish("stopped", "Ctrl-C");
}

TEST_F(ResumeCommand, FlagsThatContradictTheRun) {
    const std::string before = read("whole/last.safetensors");
    const auto refused = [&](const std::string& flag, const std::string& value, const std::vector<std::string>& parts) {
        auto all = words("whole", {"--resume"});
        const auto it = std::find(all.begin(), all.end(), flag);
        if (it == all.end())
            all.insert(all.end(), {flag, value});
        else
            *(it + 1) = value;
        auto expected = parts;
        expected.push_back(flag);
        expect_error(ingot(all), 2, expected);
    };
    refused("--seed", "6", {"6", "5"});
    refused("--lr", "0.5", {"0.5", "0.001"});
    refused("--batch", "8", {"8", "4"});
    refused("--val", "0.5", {"0.5", "0.25"});
    refused("--epochs", "5", {"5", "4", "schedule"});
    refused("--optimizer", "sgd", {"sgd", "adamw"});
    refused("--schedule", "none", {"none", "cosine"});
    refused("--loss", "mse", {"mse", "cross_entropy"});
    refused("--augment", "none", {"none", "flip"});
    refused("--weight-decay", "0.5", {"0.5", "0.01"});
    refused("--data", "glyphs", {"glyphs", "folder"});
    refused("--model", "lenet", {"lenet", "net"});
    make_images("other", 90);
    refused("--data", "folder:" + path("other"), {"180 images", "200 images"});
    write("more/net.json", R"({"input": [1, 12, 12], "layers": [{"type": "flatten"}, {"type": "linear", "out": 2}]})");
    auto other = words("whole", {"--resume"});
    *(std::find(other.begin(), other.end(), "--model") + 1) = path("more/net.json");
    expect_error(ingot(other), 2, {"--model", "layers"});
    expect_error(ingot(words("whole", {"--resume", "--force"})), 2, {"--resume", "--force"});
    EXPECT_TRUE(read("whole/last.safetensors") == before) << "a refused command changed the run";
    // Flags that are left out are the run's.
    const Result result =
        ingot({"train", "--model", path("net.json"), "--data", data_, "--out", path("whole"), "--resume", "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.json().at("test_loss"), whole_.json().at("test_loss"));
    EXPECT_EQ(result.json().at("steps"), whole_.json().at("steps"));
}

TEST_F(ResumeCommand, MoreEpochsWhereTheScheduleAllowsThem) {
    const auto run = [&](const std::string& out, const std::string& epochs, const std::vector<std::string>& more) {
        auto all = words(out, more);
        *(std::find(all.begin(), all.end(), "--epochs") + 1) = epochs;
        all.insert(all.end(), {"--schedule", "none"});
        return ingot(all);
    };
    ASSERT_EQ(run("two", "2", {}).status, 0);
    ASSERT_EQ(run("two", "3", {"--resume"}).status, 0);
    ASSERT_EQ(run("three", "3", {}).status, 0);
    EXPECT_TRUE(read("two/last.safetensors") == read("three/last.safetensors"));
    EXPECT_EQ(without_seconds(read("two/metrics.csv")), without_seconds(read("three/metrics.csv")));
    expect_error(run("two", "1", {"--resume"}), 2, {"--epochs 1", "3"});
}

TEST_F(ResumeCommand, DamagedCheckpoint) {
    const std::string good = read("whole/last.safetensors");
    std::string bad = good;
    bad[bad.size() - 20] = static_cast<char>(bad[bad.size() - 20] ^ 8);
    write("whole/last.safetensors", bad);
    expect_error(ingot(words("whole", {"--resume"})), 1,
                 {"last.safetensors", "tensor 'train.", "offset", "best.safetensors is whole"});
    fs::copy_file(path("whole/best.safetensors"), path("whole/last.safetensors"), fs::copy_options::overwrite_existing);
    const Result result = ingot(words("whole", {"--resume"}));
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_TRUE(read("whole/last.safetensors") == good);
}

TEST_F(ResumeCommand, NothingToGoOnFrom) {
    // Missing, empty, and a folder with other things in it.
    fs::create_directories(path("empty"));
    write("notes/notes.txt", "mine");
    for (const char* out : {"missing", "empty", "notes"}) {
        const Result result = ingot(words(out, {"--resume"}));
        ASSERT_EQ(result.status, 0) << result.err;
        EXPECT_NE(result.err.find("starting from the beginning"), std::string::npos) << result.err;
        EXPECT_TRUE(read(std::string(out) + "/last.safetensors") == read("whole/last.safetensors")) << out;
    }
    EXPECT_EQ(read("notes/notes.txt"), "mine");
}

TEST_F(ResumeCommand, TwoAtOnce) {
    auto all = words("busy");
    *(std::find(all.begin(), all.end(), "--epochs") + 1) = "100000";
    fs::create_directories(path("busy"));
    Watch watch(path("busy"));
    Running run(all);
    while (run.alive() && !watch.seen("last.safetensors")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(run.alive());
    all.push_back("--resume");
    expect_error(ingot(all), 1, {path("busy"), "another process"});
    EXPECT_TRUE(run.alive());
}

} // namespace ingot::cli_testing
