// SPDX-License-Identifier: MIT
#include "data/sources.h"

#include <cstdlib>
#include <filesystem>

#include "base/parallel.h"
#include "data/data_testing.h"
#include "io/archive_testing.h"

namespace ingot::data {
namespace {

namespace fs = std::filesystem;
using testing::Bytes;
using testing::bytes_of;
using testing::flat_png;
using testing::labels_of;
using testing::make_idx;
using testing::ScratchFolder;
using testing::write_archive;
using testing::write_bytes;
using testing::write_text;

/// Damaged pictures are errors.
ImageData load(const std::string& spec) { return load_images(parse_data_spec(spec), {.strict = true}); }

void write_mnist(const ScratchFolder& folder) {
    write_bytes(folder / "train-images-idx3-ubyte", make_idx({3, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
    write_bytes(folder / "train-labels-idx1-ubyte", make_idx({3}, {7, 0, 9}));
    write_bytes(folder / "t10k-images-idx3-ubyte", make_idx({1, 2, 2}, {20, 21, 22, 23}));
    write_bytes(folder / "t10k-labels-idx1-ubyte", make_idx({1}, {3}));
}

TEST(Mnist, Loads) {
    const ScratchFolder folder;
    write_mnist(folder);
    const DataSplits splits = load_mnist(folder.path());
    EXPECT_EQ(splits.train.labels, (std::vector<int64_t>{7, 0, 9}));
    EXPECT_EQ(splits.train.pixels, (Bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
    EXPECT_EQ(splits.train.channels, 1);
    EXPECT_EQ(splits.train.height, 2);
    EXPECT_EQ(splits.test.labels, std::vector<int64_t>{3});
    EXPECT_EQ(splits.test.class_names[9], "9");
}

TEST(Mnist, BadFolders) {
    const ScratchFolder folder;
    EXPECT_ERROR(load_mnist(folder.path() + "/none"), "none: is not a folder");
    EXPECT_ERROR(load_mnist(folder.path()), "has no train-images-idx3-ubyte or train-images-idx3-ubyte.gz");
    write_mnist(folder);
    write_bytes(folder / "train-labels-idx1-ubyte", make_idx({3}, {7, 10, 9}));
    EXPECT_ERROR(load_mnist(folder.path()), "train-labels-idx1-ubyte: label 10 at index 1 is out of range");
    write_bytes(folder / "train-labels-idx1-ubyte", make_idx({2}, {7, 1}));
    EXPECT_ERROR(load_mnist(folder.path()), "has 2 labels for the 3 images of");
    write_mnist(folder);
    write_bytes(folder / "t10k-images-idx3-ubyte", make_idx({1, 2, 3}, {20, 21, 22, 23, 24, 25}));
    EXPECT_ERROR(load_mnist(folder.path()), "training and test images have different sizes");
    write_bytes(folder / "t10k-images-idx3-ubyte", make_idx({0, 2, 2}, {}));
    write_bytes(folder / "t10k-labels-idx1-ubyte", make_idx({0}, {}));
    EXPECT_ERROR(load_mnist(folder.path()), "t10k-images-idx3-ubyte: holds no images");
}

/// `labels.size()` CIFAR-10 records; every pixel of record i is i.
Bytes cifar_records(const Bytes& labels) {
    Bytes bytes;
    for (size_t i = 0; i < labels.size(); ++i) {
        bytes.push_back(labels[i]);
        bytes.insert(bytes.end(), 3072, static_cast<uint8_t>(i));
    }
    return bytes;
}

TEST(Cifar10, OfficialBinaryFolderAndArchive) {
    const ScratchFolder folder;
    const Bytes one = cifar_records({1, 2}), two = cifar_records({3}), test = cifar_records({9, 8, 7});
    write_bytes(folder / "c/cifar-10-batches-bin/data_batch_2.bin", two);
    write_bytes(folder / "c/cifar-10-batches-bin/data_batch_1.bin", one);
    write_bytes(folder / "c/cifar-10-batches-bin/test_batch.bin", test);
    write_text(folder / "c/cifar-10-batches-bin/readme.html", "x");
    write_archive(folder / "c.tar.gz", {{"cifar-10-batches-bin/readme.html", {1}},
                                        {"cifar-10-batches-bin/data_batch_2.bin", two},
                                        {"cifar-10-batches-bin/test_batch.bin", test},
                                        {"cifar-10-batches-bin/data_batch_1.bin", one}});
    for (const std::string& path : {folder / "c", folder / "c/cifar-10-batches-bin", folder / "c.tar.gz"}) {
        const ImageData data = load_cifar10(path);
        EXPECT_EQ(labels_of(*data.train), (std::vector<int64_t>{1, 2, 3})) << path;
        EXPECT_EQ(labels_of(*data.test), (std::vector<int64_t>{9, 8, 7}));
        EXPECT_EQ(bytes_of(*data.train, 1)[3071], 1);
        EXPECT_EQ(data.class_names[9], "truck");
        EXPECT_EQ(bytes_of(*data.test, 2).size(), 3072u);
    }
}

TEST(Cifar10, BadBatches) {
    const ScratchFolder folder;
    write_bytes(folder / "data_batch_1.bin", cifar_records({1, 2, 11}));
    write_bytes(folder / "test_batch.bin", cifar_records({1}));
    EXPECT_ERROR(load_cifar10(folder.path()), "data_batch_1.bin: label 11 at index 2 is out of range");
    Bytes cut = cifar_records({1, 2});
    cut.pop_back();
    write_bytes(folder / "data_batch_1.bin", cut);
    EXPECT_ERROR(load_cifar10(folder.path()), "data_batch_1.bin: has 6145 bytes, which is not a whole number");
    write_bytes(folder / "data_batch_1.bin", {});
    EXPECT_ERROR(load_cifar10(folder.path()), "data_batch_1.bin: has 0 bytes");
    fs::remove(folder / "data_batch_1.bin");
    EXPECT_ERROR(load_cifar10(folder.path()), "has no data_batch_*.bin");
    EXPECT_ERROR(load_cifar10(folder.path() + "/none"), "none: no such file or folder");
    EXPECT_ERROR(load_cifar10(folder.path() + "/test_batch.bin"), "give the folder that holds the .bin files");
}

TEST(Cifar10, CutAtEveryByteOfARecord) {
    const ScratchFolder folder;
    write_bytes(folder / "test_batch.bin", cifar_records({1}));
    const Bytes whole = cifar_records({4, 2});
    for (size_t n = 0; n <= whole.size(); n += n < 3073 ? 1 : 307) {
        const std::string path = folder / "data_batch_1.bin";
        write_bytes(path, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)));
        if (n > 0 && n % 3073 == 0)
            EXPECT_EQ(load_cifar10(folder.path()).train->size(), static_cast<int64_t>(n / 3073));
        else
            EXPECT_ERROR(load_cifar10(folder.path()), path + ": has " + std::to_string(n) + " bytes");
    }
    const std::string page = "<!DOCTYPE html><html><body>404</body></html>";
    write_text(folder / "data_batch_1.bin", page);
    EXPECT_ERROR(load_cifar10(folder.path()), "data_batch_1.bin: has 44 bytes");
    write_bytes(folder / "data_batch_1.bin", Bytes(3073, '<'));
    EXPECT_ERROR(load_cifar10(folder.path()), "data_batch_1.bin: label 60 at index 0 is out of range");
}

TEST(Cifar10, ImagesNeedTenClasses) {
    const ScratchFolder folder;
    for (const char* name : {"train/a/1.png", "train/b/1.png", "test/a/1.png"})
        write_bytes(folder / name, flat_png(32, 32, 3, 5));
    EXPECT_ERROR(load_cifar10(folder.path()), "has 2 classes, but CIFAR-10 has 10; use folder:PATH");
}

TEST(Folder, TrainAndTest) {
    const ScratchFolder folder;
    write_bytes(folder / "train/dog/b.png", flat_png(6, 4, 1, 20));
    write_bytes(folder / "train/dog/a.JPG", testing::make_jpeg(6, 4, 1, Bytes(24, 10)));
    write_bytes(folder / "train/cat/z.png", flat_png(12, 8, 1, 30)); // another size: resized to the first one's
    write_bytes(folder / "test/cat/q.png", flat_png(6, 4, 1, 40));
    write_text(folder / "train/dog/notes.txt", "not a picture");
    write_text(folder / "train/.hidden", "x");
    for (const std::string cache : {"", ",cache=0"}) { // in memory, from the files
        const ImageData data = load("folder:" + folder.path() + cache);
        EXPECT_EQ(data.in_memory, cache.empty());
        EXPECT_EQ(data.class_names, (std::vector<std::string>{"cat", "dog"}));
        EXPECT_EQ(labels_of(*data.train), (std::vector<int64_t>{0, 1, 1}));
        EXPECT_EQ(data.channels, 1);
        EXPECT_EQ(data.height, 8);
        EXPECT_EQ(data.width, 12);
        EXPECT_EQ(bytes_of(*data.train, 0)[0], 30);
        EXPECT_NEAR(bytes_of(*data.train, 1)[0], 10, 1); // a.JPG before b.png
        EXPECT_EQ(bytes_of(*data.train, 2)[95], 20);
        ASSERT_TRUE(data.test);
        EXPECT_EQ(labels_of(*data.test), std::vector<int64_t>{0});
        EXPECT_EQ(bytes_of(*data.test, 0).size(), bytes_of(*data.train, 0).size());

        const ImageData sized = load("folder:" + folder.path() + ",size=5x3" + cache);
        EXPECT_EQ(sized.height, 5);
        EXPECT_EQ(sized.width, 3);
        EXPECT_EQ(bytes_of(*sized.train, 2), Bytes(15, 20));
    }
}

TEST(Folder, OneLevelAndMixedColours) {
    const ScratchFolder folder;
    write_bytes(folder / "a/1.png", flat_png(200, 100, 1, 20)); // scaled down to 64 x 32
    write_bytes(folder / "b/1.png", flat_png(3, 3, 3, 30));
    for (const std::string cache : {"", ",cache=1K"}) {
        const ImageData data = load("folder:" + folder.path() + cache);
        EXPECT_EQ(data.in_memory, cache.empty());
        EXPECT_FALSE(data.test);
        EXPECT_EQ(data.train->size(), 2);
        EXPECT_EQ(data.channels, 3);
        EXPECT_EQ(data.height, 32);
        EXPECT_EQ(data.width, 64);
        EXPECT_EQ(bytes_of(*data.train, 0), Bytes(32 * 64 * 3, 20)); // grey is repeated
    }
}

TEST(Folder, AClassMayBeCalledTrain) {
    const ScratchFolder folder;
    write_bytes(folder / "train/1.png", flat_png(4, 4, 1, 20));
    write_bytes(folder / "plane/1.png", flat_png(4, 4, 1, 30));
    EXPECT_EQ(load("folder:" + folder.path()).class_names, (std::vector<std::string>{"plane", "train"}));
}

TEST(Folder, BadFolders) {
    const ScratchFolder folder;
    const std::string spec = "folder:" + folder.path();
    EXPECT_ERROR(load(spec + "/none"), "none: no such folder");
    EXPECT_ERROR(load(spec), folder.path() + ": holds no class folders with images");
    fs::create_directories(folder / "a");
    EXPECT_ERROR(load(spec), "the class folder 'a' holds no JPEG or PNG images");
    write_bytes(folder / "a/1.png", flat_png(4, 4, 1, 20));
    EXPECT_ERROR(load(spec), "holds only one class, 'a'");
    EXPECT_ERROR(load(spec + "/a/1.png"), "1.png: is not a folder");
    write_bytes(folder / "b/1.png", {});
    EXPECT_ERROR(load(spec), "b/1.png: is empty");
    Bytes cut = flat_png(4, 4, 1, 20);
    cut.resize(cut.size() - 15);
    write_bytes(folder / "b/1.png", cut);
    EXPECT_ERROR(load(spec), "b/1.png: bad PNG");
    write_text(folder / "b/1.png", "<html>");
    EXPECT_ERROR(load(spec), "b/1.png: is neither a JPEG nor a PNG file");
    write_bytes(folder / "b/1.png", flat_png(4, 4, 1, 20));
    write_text(folder / "b/2.bmp", "BM");
    EXPECT_ERROR(load(spec), "b/2.bmp: only JPEG and PNG images can be read");
    fs::remove(folder / "b/2.bmp");
    EXPECT_EQ(load(spec).train->size(), 2);

    const ScratchFolder other;
    const std::string other_spec = "folder:" + other.path();
    write_bytes(other / "test/a/1.png", flat_png(4, 4, 1, 20));
    EXPECT_ERROR(load(other_spec), "has test/ but no train/");
    write_bytes(other / "train/b/1.png", flat_png(4, 4, 1, 20));
    write_bytes(other / "train/c/1.png", flat_png(4, 4, 1, 20));
    EXPECT_ERROR(load(other_spec), "the test class 'a' does not occur in training, which has 'b', 'c'");
    fs::remove(other / "test/a/1.png");
    fs::rename(other / "test/a", other / "test/b");
    EXPECT_ERROR(load(other_spec), "test holds no images");
}

TEST(ImageArchive, SameAsTheFolderWithAnyThreads) {
    const ScratchFolder folder;
    std::vector<testing::Entry> entries;
    for (int i = 0; i < 60; ++i) {
        const std::string name = std::string(i % 5 == 0 ? "test/" : "train/") + (i % 2 == 0 ? "x/" : "y/") +
                                 std::to_string(i * 37 % 60) + ".jpg";
        Bytes pixels;
        for (int k = 0; k < 16 * 16 * 3; ++k) pixels.push_back(static_cast<uint8_t>(i * 3 + k));
        const Bytes jpeg = testing::make_jpeg(16, 16, 3, pixels);
        write_bytes(folder / ("d/" + name), jpeg);
        entries.push_back({"top/" + name, jpeg});
    }
    write_archive(folder / "d.tar.xz", entries);
    const ImageData one = load_folder(folder / "d", {});
    ASSERT_EQ(one.train->size(), 48);
    const int threads = base::num_threads();
    for (const int n : {1, 2, 5}) {
        base::set_num_threads(n);
        const ImageData two = load_archive(folder / "d.tar.xz", {});
        EXPECT_EQ(labels_of(*one.train), labels_of(*two.train));
        for (int64_t i = 0; i < 48; ++i) EXPECT_EQ(bytes_of(*one.train, i), bytes_of(*two.train, i));
        for (int64_t i = 0; i < 12; ++i) EXPECT_EQ(bytes_of(*one.test, i), bytes_of(*two.test, i));
    }
    base::set_num_threads(threads);
}

TEST(ImageArchive, BadEntries) {
    const ScratchFolder folder;
    const Bytes png = flat_png(4, 4, 1, 20);
    write_archive(folder / "a.tar", {{"train/a/1.png", png}, {"other/1.png", png}});
    EXPECT_ERROR(load_archive(folder / "a.tar", {}), "entry 'other/1.png' is not of the form train/<class>/*");
    write_archive(folder / "b.tar", {{"train/a/1.png", png}, {"train/b/1.png", {1, 2, 3}}});
    EXPECT_ERROR(load_archive(folder / "b.tar", {.load = {.strict = true}}),
                 "b.tar: train/b/1.png: is neither a JPEG nor a PNG");
    write_archive(folder / "c.tar", {{"readme", {1}}});
    EXPECT_ERROR(load_archive(folder / "c.tar", {}), "holds no class folders with images");
}

// Real data: INGOT_DATA names a folder that holds mnist/ and cifar10-jpeg.tar.xz.
class RealData : public ::testing::Test {
protected:
    void SetUp() override {
        const char* root = std::getenv("INGOT_DATA");
        if (root == nullptr || *root == '\0') GTEST_SKIP() << "INGOT_DATA is not set";
        root_ = root;
    }
    std::string root_;
};

TEST_F(RealData, Mnist) {
    const DataSplits splits = load_mnist(root_ + "/mnist");
    EXPECT_EQ(splits.train.size(), 60000);
    EXPECT_EQ(splits.test.size(), 10000);
    EXPECT_EQ(splits.train.height, 28);
    const ChannelStats stats = channel_stats(MemoryImages(splits.train));
    EXPECT_NEAR(stats.mean[0], 0.1307, 5e-5); // the constants everybody uses
    EXPECT_NEAR(stats.std[0], 0.3081, 5e-5);
}

TEST_F(RealData, Cifar10) {
    const ImageData data = load_cifar10(root_ + "/cifar10-jpeg.tar.xz");
    EXPECT_EQ(data.train->size(), 50000);
    EXPECT_EQ(data.test->size(), 10000);
    EXPECT_EQ(data.channels, 3);
    EXPECT_EQ(data.class_names[1], "automobile");
    const ChannelStats stats = channel_stats(*data.train);
    EXPECT_NEAR(stats.mean[0], 0.4914, 2e-3); // of the original; the files are JPEG
    EXPECT_NEAR(stats.std[2], 0.2616, 4e-3);
}

} // namespace
} // namespace ingot::data
