// SPDX-License-Identifier: MIT
// `ingot bench`: one JSON line per workload, its fields, its flags.
#include <sstream>

#include "contract/contract_testing.h"

namespace ingot::contract {
namespace {

class Bench : public ContractTest {
protected:
    /// The lines of standard output; all of them must be JSON objects.
    std::vector<Json> bench(Words words, const std::string& seconds = "0.02") const {
        words.insert(words.begin(), "bench");
        words.insert(words.end(), {"--seconds", seconds});
        const Result result = run(words);
        EXPECT_EQ(result.status, 0) << result.err;
        std::vector<Json> lines;
        std::string line;
        for (std::istringstream in(result.out); std::getline(in, line);) {
            lines.push_back(Json::parse(line));
            EXPECT_TRUE(lines.back().is_object()) << line;
        }
        return lines;
    }
};

void expect_sound(const Json& line) {
    const double median = line.at("steps_per_s"), low = line.at("min"), high = line.at("max");
    EXPECT_GT(low, 0) << line;
    EXPECT_LE(low, median) << line;
    EXPECT_LE(median, high) << line;
    EXPECT_NEAR(line.at("samples_per_s").get<double>() / (median * line.at("batch").get<double>()), 1, 1e-3) << line;
    EXPECT_GT(line.at("latency_us").get<double>(), 0) << line;
    EXPECT_TRUE(line.at("device").is_string());
    EXPECT_EQ(line.at("dtype"), "f32");
    EXPECT_GT(line.at("peak_rss_bytes").get<int64_t>(), 1 << 20) << line;
    EXPECT_GE(line.at("peak_device_bytes").get<int64_t>(), 0) << line;
    EXPECT_GE(line.at("compile_s").get<double>(), 0) << line;
    EXPECT_GT(line.at("first_step_ms").get<double>(), 0) << line;
    EXPECT_GE(line.at("host_us_per_step").get<double>(), 0) << line;
    EXPECT_EQ(line.at("submissions_per_step").get<double>(), 1) << line;
    EXPECT_EQ(line.at("allocations_per_step").get<double>(), 0) << line;
    EXPECT_EQ(line.at("steps_per_launch"), 1) << line;
}

TEST_F(Bench, TrainingLinesAreSoundAndProveThatTheyTrained) {
    // Parameters and batches as the workloads' definition gives them.
    struct Row {
        std::string name;
        int batch, params, tensors;
    };
    for (const Row& row : {Row{"tiny-cnn", 32, 242, 4}, Row{"mlp", 64, 535818, 6}, Row{"lenet", 64, 61706, 10},
                           Row{"cifar-cnn", 32, 591338, 14}}) {
        SCOPED_TRACE(row.name);
        const auto lines = bench({row.name});
        ASSERT_EQ(lines.size(), 1u);
        const Json& line = lines[0];
        EXPECT_EQ(line.at("workload"), row.name);
        EXPECT_EQ(line.at("batch"), row.batch);
        EXPECT_EQ(line.at("params"), row.params);
        EXPECT_EQ(line.at("tensors"), row.tensors);
        EXPECT_EQ(line.at("tensors_changed"), row.tensors);
        EXPECT_LT(line.at("loss_last").get<double>(), line.at("loss_first").get<double>());
        expect_sound(line);
    }
}

TEST_F(Bench, LargerWorkloadsAtASmallBatch) {
    const auto resnet = bench({"resnet18", "--batch", "1"}, "0.001");
    ASSERT_EQ(resnet.size(), 1u);
    EXPECT_EQ(resnet[0].at("params"), 11173962);
    EXPECT_EQ(resnet[0].at("batch"), 1);
    expect_sound(resnet[0]);
    const auto gpt = bench({"gpt-tiny", "--batch", "1"}, "0.001");
    ASSERT_EQ(gpt.size(), 1u);
    EXPECT_EQ(gpt[0].at("params"), 1000 * 256 * 2 + 128 * 256 + 512 +
                                       4 * (4 * 256 + 256 * 768 + 768 + 256 * 256 + 256 + 2 * 1024 * 256 + 1024 + 256));
    expect_sound(gpt[0]);
}

TEST_F(Bench, BatchThreadsDtypeAndDevice) {
    const auto lines = bench({"tiny-cnn", "--batch", "5", "--threads", "1", "--dtype", "f32", "--device", "cpu"});
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].at("batch"), 5);
    EXPECT_EQ(lines[0].at("device"), "cpu");
}

TEST_F(Bench, WhatIsNotThereIsRefused) {
    expect_error(run({"bench", "no-such-workload"}), 2, {"no-such-workload"});
    expect_error(run({"bench", "op:nothing"}), 2, {"op:nothing"});
    expect_error(run({"bench", "mlp", "--dtype", "f8"}), 2, {"--dtype", "f8"});
    expect_error(run({"bench", "mlp", "--seconds", "0"}), 2, {"--seconds"});
    expect_error(run({"bench", "mlp", "--steps-per-launch", "0"}), 2, {"--steps-per-launch"});
}

} // namespace
} // namespace ingot::contract
