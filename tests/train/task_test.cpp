// SPDX-License-Identifier: MIT
// Data specs as tasks: parts, normalization, what a trained model demands.
#include "train/task.h"

#include <cmath>
#include <set>

#include "data/data_testing.h"

namespace ingot::train {
namespace {

using testing::Bytes;
using testing::ScratchFolder;
using testing::write_bytes;
using testing::write_text;

struct Everything {
    std::vector<float> x, y;
    std::vector<int64_t> sizes;
    bool operator==(const Everything&) const = default;
};

/// One pass.
Everything all_of(data::Batches& batches, int64_t epoch = 0, int64_t first = 0) {
    Everything all;
    batches.start(epoch, first);
    for (Tensor x, y; batches.next(x, y);) {
        for (const float v : x.to_vector<float>()) all.x.push_back(v);
        for (const float v : y.to_vector<float>()) all.y.push_back(v);
        all.sizes.push_back(x.size(0));
    }
    return all;
}

class Tasks : public ::testing::Test {
protected:
    /// 40 + 10 pictures of 8 x 6 in two classes.
    std::string pictures() {
        for (int i = 0; i < 50; ++i) {
            io::Pixels bytes;
            for (int k = 0; k < 8 * 6 * 3; ++k) bytes.push_back(static_cast<uint8_t>(k * 5 + i * 11));
            write_bytes(folder_ / ("d/" + std::string(i < 40 ? "train/" : "test/") + (i % 4 == 0 ? "a/" : "b/") +
                                   std::to_string(i) + ".png"),
                        io::encode_png({8, 6, 3, bytes}));
        }
        return "folder:" + (folder_ / "d");
    }
    std::string table(const std::string& rows) {
        write_text(folder_ / "t.csv", rows);
        return "csv:" + (folder_ / "t.csv");
    }
    ScratchFolder folder_;
};

TEST_F(Tasks, Images) {
    const Task task(pictures(), {.val = 0.25, .seed = 3});
    EXPECT_EQ(task.input, (Shape{3, 6, 8}));
    EXPECT_EQ(task.outputs, 2);
    EXPECT_EQ(task.class_names, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(task.train_samples, 30);
    EXPECT_EQ(task.validation_samples, 10);
    EXPECT_EQ(task.test_samples, 10);
    Recipe recipe;
    recipe.batch = 8;
    recipe.flip = true;
    recipe.shift = 2;
    const auto train = task.training(recipe, Device::cpu());
    EXPECT_EQ(train->steps(), 3); // the last 6 are dropped
    const Everything one = all_of(*train);
    EXPECT_EQ(one.sizes, (std::vector<int64_t>{8, 8, 8}));
    EXPECT_EQ(all_of(*train, 0), one);
    EXPECT_FALSE(all_of(*train, 1) == one);
    EXPECT_FALSE(all_of(*Task(pictures(), {.val = 0.25, .seed = 4}).training(recipe, Device::cpu())) == one);
    // A quarter of each class: 10 of a, 30 of b.
    const Everything val = all_of(*task.validation(Device::cpu()));
    EXPECT_EQ(std::count(val.y.begin(), val.y.end(), 0.0f), 3); // 2.5, rounded up before 7.5 as the first of equals
    EXPECT_EQ(val.y.size(), 10u);
    // The training part, unaugmented, has mean 0 and deviation 1 per channel.
    recipe.flip = false;
    recipe.shift = 0;
    recipe.batch = 30;
    const Everything plain = all_of(*task.training(recipe, Device::cpu()));
    double sum = 0, squares = 0;
    for (size_t i = 0; i < 30; ++i)
        for (size_t k = 0; k < 48; ++k) {
            const double v = static_cast<double>(plain.x[i * 144 + 48 + k]);
            sum += v;
            squares += v * v;
        }
    EXPECT_NEAR(sum / (30 * 48), 0, 1e-5);
    EXPECT_NEAR(squares / (30 * 48), 1, 1e-5);
    EXPECT_NE(task.str().find("30 training images [3, 6, 8], 2 classes"), std::string::npos) << task.str();
}

TEST_F(Tasks, PicturesInFilesAreTheSameTask) {
    const Task memory(pictures(), {.val = 0.25, .seed = 3}), files(pictures() + ",cache=1K", {.val = 0.25, .seed = 3});
    Recipe recipe;
    recipe.batch = 7;
    recipe.shift = 1;
    for (const int64_t epoch : {0, 1})
        EXPECT_TRUE(all_of(*memory.training(recipe, Device::cpu()), epoch) ==
                    all_of(*files.training(recipe, Device::cpu()), epoch));
    EXPECT_TRUE(all_of(*memory.validation(Device::cpu())) == all_of(*files.validation(Device::cpu())));
    EXPECT_TRUE(all_of(*memory.test(Device::cpu())) == all_of(*files.test(Device::cpu())));
    EXPECT_GT(files.training(recipe, Device::cpu())->options().workers, 0);
}

TEST_F(Tasks, DamagedPictures) {
    const std::string spec = pictures();
    write_text(folder_ / "d/train/b/7.png", "gone");
    write_text(folder_ / "d/test/b/41.png", "");
    for (const std::string cache : {"", ",cache=0"}) {
        std::vector<std::string> warned;
        TaskOptions options{.load = {.warn = [&](const std::string& what) { warned.push_back(what); }}};
        const Task task(spec + cache, options);
        Recipe recipe;
        recipe.batch = 8;
        const auto train = task.training(recipe, Device::cpu());
        for (const int64_t epoch : {0, 1}) {
            const std::vector<int64_t> sizes = all_of(*train, epoch).sizes;
            EXPECT_EQ(sizes, std::vector<int64_t>(static_cast<size_t>(train->steps()), 8));
        }
        const auto test = task.test(Device::cpu());
        EXPECT_EQ(all_of(*test).y.size(), 9u); // nothing counts twice
        EXPECT_EQ(warned.size(), 2u);
        EXPECT_EQ(task.left_out + train->stats().bad_samples + test->stats().bad_samples, 2);

        options.load.strict = true;
        if (cache.empty()) {
            EXPECT_ERROR(Task(spec, options), "is neither a JPEG nor a PNG file");
        } else {
            const Task strict(spec + cache, options);
            EXPECT_ERROR(all_of(*strict.training(recipe, Device::cpu())), "7.png: is neither a JPEG nor a PNG file");
        }
    }
}

TEST_F(Tasks, Tables) {
    std::string text = "a,b,kind\n";
    for (int i = 0; i < 100; ++i)
        text += std::to_string(i % 10) + "," + (i % 3 ? "x" : "y") + "," + (i % 5 ? "no" : "yes") + "\n";
    const std::string spec = table(text);
    const Task task(spec, {.val = 0.25, .seed = 1}), other(spec, {.val = 0.25, .seed = 2});
    EXPECT_EQ(task.kind, Task::Kind::table);
    EXPECT_EQ(task.input, Shape{3});
    EXPECT_EQ(task.outputs, 2);
    EXPECT_EQ(task.train_samples, 60);
    EXPECT_EQ(task.validation_samples, 20);
    EXPECT_EQ(task.test_samples, 20);
    // The test part does not depend on the seed (mean and deviation do, by the part that is left for training).
    EXPECT_EQ(all_of(*task.test(Device::cpu())).y, all_of(*other.test(Device::cpu())).y);
    EXPECT_NE(all_of(*task.validation(Device::cpu())).x, all_of(*other.validation(Device::cpu())).x);
    const auto labels = all_of(*task.test(Device::cpu())).y;
    EXPECT_EQ(std::count(labels.begin(), labels.end(), 1.0f), 4); // a fifth of 20 "yes"

    // A model that was trained on it reads it again in its own way.
    const ModelInfo info = model_info_from_json(to_json(task.describe("m", "{}")), "x");
    const Task again(spec, {.trained = &info});
    EXPECT_TRUE(all_of(*again.evaluation(Device::cpu())) == all_of(*task.test(Device::cpu())));
    EXPECT_ERROR(Task(spec + ",label=b", {.trained = &info}), "the model predicts 'kind', not 'b'");
    EXPECT_ERROR(Task(spec + ",label=kind,task=regression", {.trained = &info}),
                 "the model was trained for classification");
    ModelInfo images;
    EXPECT_ERROR(Task(spec, {.trained = &images}), "the model was not trained on a table");
    EXPECT_ERROR(Task(table("a,b\n1,u\n2,v\n")), "2 rows are too few: a fifth of them, at least one, is the test part");
}

TEST_F(Tasks, Regression) {
    std::string text = "a,price\n";
    for (int i = 0; i < 50; ++i) text += std::to_string(i) + "," + std::to_string(1000 + 10 * i) + "\n";
    const std::string spec = table(text) + ",task=regression";
    const Task task(spec);
    EXPECT_TRUE(task.regression);
    EXPECT_EQ(task.outputs, 1);
    EXPECT_EQ(task.train_samples, 40);
    Recipe recipe;
    recipe.batch = 40;
    const Everything train = all_of(*task.training(recipe, Device::cpu()));
    for (size_t i = 0; i < 40; ++i)
        EXPECT_NEAR(train.x[i], train.y[i], 1e-6); // both standardized, and linear in each other
    EXPECT_NEAR(task.in_units(1), 10 * task.table->columns[0].std, 1e-6);
    const ModelInfo info = model_info_from_json(to_json(task.describe("m", "{}")), "x");
    EXPECT_TRUE(info.table->regression);
    const Task again(table(text), {.trained = &info}); // the model knows its task
    EXPECT_TRUE(all_of(*again.evaluation(Device::cpu())) == all_of(*task.test(Device::cpu())));
}

TEST_F(Tasks, Text) {
    std::string text;
    for (int i = 0; i < 4000; ++i) text += static_cast<char>('a' + i * i % 26);
    write_text(folder_ / "t.txt", text);
    const std::string spec = "text:" + (folder_ / "t.txt") + ",length=16";
    const Task task(spec);
    EXPECT_EQ(task.kind, Task::Kind::text);
    EXPECT_EQ(task.input, Shape{16});
    EXPECT_EQ(task.outputs, 256);
    EXPECT_EQ(task.train_samples, 3599 / 16);
    EXPECT_EQ(task.test_samples, 399 / 16);
    EXPECT_EQ(task.validation_samples, task.test_samples); // the last 10 % serve both
    EXPECT_TRUE(all_of(*task.validation(Device::cpu())) == all_of(*task.test(Device::cpu())));
    const Task held_out(spec, {.val = 0.2});
    EXPECT_EQ(held_out.validation_samples, 719 / 16);
    EXPECT_EQ(held_out.train_samples, 2879 / 16);
    EXPECT_EQ(held_out.test_samples, task.test_samples);
    Recipe recipe;
    recipe.batch = 8;
    const auto train = task.training(recipe, Device::cpu());
    const Everything pass = all_of(*train, 1);
    ASSERT_EQ(pass.x.size(), static_cast<size_t>(train->steps() * 8 * 16));
    for (size_t i = 0; i + 1 < pass.x.size(); ++i) {
        if (i % 16 != 15) { ASSERT_EQ(pass.y[i], pass.x[i + 1]); }
    }
    const Everything rest = all_of(*train, 1, 5);
    EXPECT_EQ(rest.x, std::vector<float>(pass.x.begin() + 5 * 8 * 16, pass.x.end()));
    EXPECT_ERROR(Task(spec, {.val = 0.001}), "both parts need at least one window of 16 bytes");
    EXPECT_EQ(Task(spec, {.text_length = 32}).input, Shape{32}); // what a model takes goes before the spec
}

TEST_F(Tasks, FingerprintsTellDataApart) {
    const std::string spec = pictures();
    const std::string before = Task(spec).fingerprint;
    EXPECT_EQ(Task(spec).fingerprint, before);
    EXPECT_EQ(Task(spec, {.val = 0.25}).fingerprint, before); // all of the data
    const Bytes file = testing::read_bytes(folder_ / "d/train/a/0.png");
    write_bytes(folder_ / "d/train/a/0.png", testing::read_bytes(folder_ / "d/train/a/4.png"));
    EXPECT_NE(Task(spec).fingerprint, before);
    write_bytes(folder_ / "d/train/a/0.png", file);
    EXPECT_EQ(Task(spec).fingerprint, before);
    std::filesystem::rename(folder_ / "d/train/a/0.png", folder_ / "d/train/b/0.png");
    EXPECT_NE(Task(spec).fingerprint, before); // the same pictures with another label
}

} // namespace
} // namespace ingot::train
