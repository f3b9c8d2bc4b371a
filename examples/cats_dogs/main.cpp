// SPDX-License-Identifier: MIT
// Cats against dogs, from folders of pictures: lists them, decodes them in worker threads, changes them at random so that no
// two passes are alike, and trains the convolutional network of model.json (which `ingot train` takes) with the trainer,
// which keeps the best weights and a report. The pictures come out of $INGOT_DATA/cifar10-jpeg.tar.xz (CIFAR-10 as JPEG
// files); without it the example is skipped. By default it looks at some pictures only; --full trains on all 10,000 until
// four of five test pictures are right.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <ingot/ingot.h>
#include <string>

using namespace ingot;
namespace fs = std::filesystem;

namespace {

/// A convolution with what belongs to it, then half the size.
void add_stage(nn::Sequential& net, int64_t in, int64_t out) {
    net.add(nn::Conv2d(in, out, {.kernel = 3, .padding = 1, .bias = false}));
    net.add(nn::BatchNorm2d(out));
    net.add(nn::ReLU());
    net.add(nn::MaxPool2d(2));
}

} // namespace

int main(int argc, char** argv) {
    const bool full = argc > 1 && std::strcmp(argv[1], "--full") == 0;
    const char* data = std::getenv("INGOT_DATA");
    const fs::path archive = fs::path(data != nullptr ? data : "") / "cifar10-jpeg.tar.xz";
    if (!fs::exists(archive)) {
        std::printf("SKIPPED: INGOT_DATA names no folder with cifar10-jpeg.tar.xz\n");
        return 0;
    }
    if (!fs::exists("pets/test/dog") || !fs::exists("pets/train/dog")) {
        fs::create_directories("pets");
        const std::string unpack = "tar -xJf '" + archive.string() + "' -C pets train/cat train/dog test/cat test/dog";
        if (std::system(unpack.c_str()) != 0) return 1;
    }

    // Pictures are decoded when they are asked for. Classes are the folders' names, in order.
    const data::ImageFolder train_set("pets/train"), test_set("pets/test");
    std::printf("%lld training pictures, classes: %s, %s\n", static_cast<long long>(train_set.size()),
                train_set.class_names()[0].c_str(), train_set.class_names()[1].c_str());
    const data::Split some = data::stratified_split(train_set, 0.1, /*seed=*/1);
    const data::Split few = data::stratified_split(test_set, 0.2, /*seed=*/1);

    const data::Normalize normalize({0.49f, 0.46f, 0.42f}, {0.25f, 0.24f, 0.25f});
    const data::LoaderOptions learning{
        .batch = 50,
        .shuffle = true,
        .drop_last = true,
        .workers = 2,
        .transforms = {data::RandomCrop(32, {.padding = 4}), data::RandomHorizontalFlip(), normalize},
        .seed = 1};
    const data::LoaderOptions looking{.batch = 100, .workers = 2, .transforms = {normalize}};
    data::DataLoader train = full ? data::DataLoader(train_set, learning)
                                  : data::DataLoader(data::Subset(train_set, some.held_out), learning);
    data::DataLoader test =
        full ? data::DataLoader(test_set, looking) : data::DataLoader(data::Subset(test_set, few.held_out), looking);

    manual_seed(1);
    nn::Sequential model;
    const int64_t width = full ? 32 : 8;
    add_stage(model, 3, width);
    add_stage(model, width, 2 * width);
    add_stage(model, 2 * width, 4 * width);
    add_stage(model, 4 * width, 8 * width);
    model.add(nn::AdaptiveAvgPool2d(1));
    model.add(nn::Flatten());
    model.add(nn::Dropout(full ? 0.3 : 0.0));
    model.add(nn::Linear(8 * width, 2));

    const int64_t epochs = full ? 16 : 4;
    auto opt = optim::AdamW(model.parameters(), {.lr = 3e-3, .weight_decay = 0.05});
    train::Trainer trainer(model, opt, nn::cross_entropy,
                           {.epochs = epochs,
                            .out = "run",
                            .force = true,
                            .schedule = optim::OneCycleLR({.total_steps = epochs * train.steps()}),
                            .progress = full,
                            .metrics = {std::make_shared<train::F1>(2), std::make_shared<train::ConfusionMatrix>(2)}});
    const train::TrainResult result = trainer.fit(train, test);
    std::printf("accuracy %.4f, F1 %.4f, %.0f pictures/s (waited for the loader %.1f %% of the time)\n",
                result.test->accuracy, result.test->metric("f1"), result.samples_per_s,
                100 * train.stats().wait_seconds / result.seconds);

    // One picture, as a program would ask.
    data::DataLoader one(data::Subset(test_set, {0}), looking);
    model.eval();
    for (auto [x, y] : one) {
        const auto p = no_grad([&] { return softmax(model(x)); }).to_vector<float>();
        std::printf("%s: cat %.2f, dog %.2f\n", test_set.file(0).c_str(), p[0], p[1]);
    }
    return result.test->accuracy > (full ? 0.8 : 0.55) ? 0 : 1;
}
