// SPDX-License-Identifier: MIT
// last.safetensors and best.safetensors, read by their public format only.
#include <fstream>

#include <unistd.h>
#include <zlib.h>

#include "contract/contract_testing.h"

namespace ingot::contract {
namespace {

using CheckpointFile = ContractTest;

TEST_F(CheckpointFile, WeightsHaveTheirNamesAndTheRestBeginsWithTrain) {
    train("run", {"--epochs", "1"});
    for (const std::string file : {"run/last.safetensors", "run/best.safetensors"}) {
        const Checkpoint found = checkpoint(file);
        const std::map<std::string, std::vector<int64_t>> expected = {
            {"conv.weight", {4, 1, 3, 3}}, {"conv.bias", {4}}, {"head.weight", {2, 100}}, {"head.bias", {2}}};
        EXPECT_EQ(found.weight_shapes(), expected) << file;
        for (const auto& [name, entry] : found.weights()) EXPECT_EQ(entry.dtype, "F32") << name;
        EXPECT_GT(found.tensors.size(), expected.size()) << "the state of training is missing in " << file;
    }
}

TEST_F(CheckpointFile, MetadataHoldsModelJsonAndChecksums) {
    train("run", {"--epochs", "1"});
    for (const std::string file : {"run/last.safetensors", "run/best.safetensors"}) {
        const Checkpoint found = checkpoint(file);
        EXPECT_EQ(found.metadata.at("ingot"), read("run/model.json"));
        const auto sums = Json::parse(found.metadata.at("crc32"));
        ASSERT_TRUE(sums.is_object());
        EXPECT_EQ(sums.size(), found.tensors.size());
        for (const auto& [name, entry] : found.tensors) {
            const auto sum =
                crc32(0, reinterpret_cast<const Bytef*>(entry.bytes.data()), static_cast<uInt>(entry.bytes.size()));
            ASSERT_TRUE(sums.contains(name)) << name;
            EXPECT_EQ(sums.at(name).get<uLong>(), sum) << name;
        }
    }
}

TEST_F(CheckpointFile, HoldsNoTimeHostOrPath) {
    train("run", {"--epochs", "1"});
    std::filesystem::create_directories(path("elsewhere"));
    std::filesystem::rename(path("images"), path("elsewhere/zebra_pictures"));
    std::filesystem::rename(path("net.json"), path("elsewhere/net.json"));
    json({"train", "--model", "elsewhere/net.json", "--data", "folder:elsewhere/zebra_pictures", "--out", "other/place",
          "--seed", "1", "--batch", "8", "--epochs", "1"});
    const std::string bytes = read("run/last.safetensors");
    EXPECT_EQ(read("other/place/last.safetensors"), bytes);
    char host[256] = {};
    ASSERT_EQ(gethostname(host, sizeof host - 1), 0);
    for (const std::string& word :
         {path("").string(), std::string(host), std::string("elsewhere"), std::string("zebra")})
        if (word.size() > 3) { EXPECT_FALSE(contains(bytes, word)) << word; }
}

TEST_F(CheckpointFile, IsEnoughByItself) {
    const Json whole = train("run", {"--epochs", "2"});
    const std::string best = read("run/best.safetensors");
    write("alone/any_name.safetensors", best);
    std::filesystem::remove_all(path("run"));
    std::filesystem::remove(path("net.json"));
    const Json result = json({"eval", "alone/any_name.safetensors", "--data", "folder:images"});
    EXPECT_NEAR(result.at("test_loss").get<double>(), whole.at("test_loss").get<double>(), 1e-5);
}

TEST_F(CheckpointFile, ResumesFromTheLastCheckpointAlone) {
    make_spec();
    make_images("images");
    train("whole", {"--epochs", "3"});
    // Stopped after an epoch, and everything but the checkpoint is lost.
    Running training(train_words("cut", {"--epochs", "3", "--checkpoint-steps", "1"}), {.folder = path("")});
    while (!exists("cut/last.safetensors") && training.alive()) usleep(1000);
    training.signal(SIGKILL);
    training.wait();
    for (const auto& entry : std::filesystem::directory_iterator(path("cut")))
        if (entry.path().filename() != "last.safetensors") std::filesystem::remove_all(entry.path());
    train("cut", {"--epochs", "3", "--checkpoint-steps", "1", "--resume"});
    EXPECT_EQ(checkpoint("cut/last.safetensors").weights(), checkpoint("whole/last.safetensors").weights());
}

TEST_F(CheckpointFile, ACorruptedTensorIsNamed) {
    train("run", {"--epochs", "1"});
    std::string bytes = read("run/last.safetensors");
    const std::string weight = checkpoint("run/last.safetensors").tensors.at("head.weight").bytes;
    const size_t at = bytes.find(weight);
    ASSERT_NE(at, std::string::npos);
    bytes[at + 5] = static_cast<char>(bytes[at + 5] ^ 1);
    write("run/last.safetensors", bytes);
    expect_error(run({"eval", "run/last.safetensors", "--data", "folder:images"}), 1,
                 {"last.safetensors", "head.weight"});
    const Result listed = run({"inspect", "run/last.safetensors"}); // a table may come first: it shows what is there
    EXPECT_EQ(listed.status, 1);
    EXPECT_TRUE(listed.err.starts_with("ingot: error: ") && contains(listed.err, "head.weight")) << listed.err;
}

} // namespace
} // namespace ingot::contract
