// SPDX-License-Identifier: MIT
// ingot bench: one record per workload, in order, with every figure. Speeds are not judged here.
#include <set>
#include <sstream>

#include "cli/cli_testing.h"

namespace ingot::cli_testing {

class Bench : public CliTest {};

const std::set<std::string> kKeys = {"workload",
                                     "device",
                                     "dtype",
                                     "batch",
                                     "steps_per_s",
                                     "min",
                                     "max",
                                     "samples_per_s",
                                     "latency_us",
                                     "loss_first",
                                     "loss_last",
                                     "params",
                                     "tensors",
                                     "tensors_changed",
                                     "peak_rss_bytes",
                                     "peak_device_bytes",
                                     "compile_s",
                                     "first_step_ms",
                                     "host_us_per_step",
                                     "submissions_per_step",
                                     "allocations_per_step",
                                     "steps_per_launch"};

std::vector<Json> records(const Result& result) {
    std::vector<Json> out;
    std::string line;
    for (std::istringstream in(result.out); std::getline(in, line);) out.push_back(Json::parse(line));
    return out;
}

TEST_F(Bench, Training) {
    const Result result = ingot({"bench", "tiny-cnn", "mlp", "--seconds", "0.1", "--threads", "2"});
    ASSERT_EQ(result.status, 0) << result.err;
    const auto list = records(result);
    ASSERT_EQ(list.size(), 2u) << result.out;
    EXPECT_EQ(list[0].at("workload"), "tiny-cnn");
    EXPECT_EQ(list[1].at("workload"), "mlp");
    EXPECT_EQ(list[0].at("params"), 3 * 8 * 9 + 8 + 8 * 2 + 2);
    EXPECT_EQ(list[1].at("params"), 784 * 512 + 512 + 512 * 256 + 256 + 2560 + 10);
    EXPECT_EQ(list[0].at("batch"), 32);
    EXPECT_EQ(list[1].at("batch"), 64);
    for (const Json& r : list) {
        std::set<std::string> keys;
        for (const auto& item : r.items()) keys.insert(item.key());
        EXPECT_EQ(keys, kKeys);
        EXPECT_LT(r.at("loss_last").get<double>(), r.at("loss_first").get<double>());
        EXPECT_EQ(r.at("tensors_changed"), r.at("tensors"));
        EXPECT_LE(r.at("min").get<double>(), r.at("steps_per_s").get<double>());
        EXPECT_GE(r.at("max").get<double>(), r.at("steps_per_s").get<double>());
        EXPECT_NEAR(r.at("samples_per_s").get<double>(),
                    r.at("steps_per_s").get<double>() * r.at("batch").get<double>(), 1e-3);
        EXPECT_EQ(r.at("submissions_per_step"), 1.0);
        EXPECT_GT(r.at("peak_rss_bytes").get<double>(), 1e6);
        EXPECT_GT(r.at("peak_device_bytes").get<double>(), 1e5);
        EXPECT_GT(r.at("first_step_ms").get<double>(), 0);
        EXPECT_GT(r.at("host_us_per_step").get<double>(), 0);
        EXPECT_EQ(r.at("device"), "cpu");
        EXPECT_EQ(r.at("steps_per_launch"), 1);
    }
}

TEST_F(Bench, Inference) {
    const Result result = ingot({"bench", "lenet", "--infer", "--seconds", "0.05"});
    ASSERT_EQ(result.status, 0) << result.err;
    const auto list = records(result);
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].at("batch"), 1);
    EXPECT_TRUE(list[0].at("loss_first").is_null());
    EXPECT_NEAR(list[0].at("latency_us").get<double>() * list[0].at("steps_per_s").get<double>(), 1e6, 1);
}

TEST_F(Bench, Operators) {
    const std::vector<std::string> names{"op:sgemm", "op:chain",     "op:sum",      "op:softmax",
                                         "op:conv",  "op:layernorm", "op:bcast_add"};
    std::vector<std::string> words{"bench", "--seconds", "0.02"};
    words.insert(words.end(), names.begin(), names.end());
    const Result result = ingot(words);
    ASSERT_EQ(result.status, 0) << result.err;
    const auto list = records(result);
    ASSERT_EQ(list.size(), names.size()) << result.out;
    for (size_t i = 0; i < names.size(); ++i) {
        const Json& r = list[i];
        std::set<std::string> keys;
        for (const auto& item : r.items()) keys.insert(item.key());
        EXPECT_EQ(keys, kKeys);
        EXPECT_EQ(r.at("workload"), names[i]);
        EXPECT_EQ(r.at("batch"), 1);
        EXPECT_EQ(r.at("tensors"), 0);
        EXPECT_TRUE(r.at("loss_first").is_null());
        EXPECT_NEAR(r.at("latency_us").get<double>() * r.at("steps_per_s").get<double>(), 1e6, 1);
        EXPECT_EQ(r.at("submissions_per_step"), 1.0);
        EXPECT_LE(r.at("allocations_per_step").get<double>(), 1.0); // the result
    }
}

TEST_F(Bench, OperatorsHaveFixedSizes) {
    expect_error(ingot({"bench", "op:sgemm", "--batch", "4"}), 2, {"--batch", "op:sgemm"});
    expect_error(ingot({"bench", "op:gemm"}), 2, {"op:gemm", "tiny-cnn", "op:sgemm", "op:bcast_add"});
}

TEST_F(Bench, Batch) {
    const Result result = ingot({"bench", "lenet", "--batch", "8", "--seconds", "0.05"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(records(result).at(0).at("batch"), 8);
}

} // namespace ingot::cli_testing
