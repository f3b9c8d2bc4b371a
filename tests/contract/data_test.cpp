// SPDX-License-Identifier: MIT
// Every data SPEC, as small files made here.
#include <cstdlib>
#include <random>

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include "contract/contract_testing.h"

namespace ingot::contract {
namespace {

class Data : public ContractTest {
protected:
    /// One epoch of a linear model on `spec`: what train says. The input's shape comes from the data.
    Json learn(const std::string& spec, const Words& more = {}) const {
        Words words = {"train", "--model", "mlp", "--data", spec, "--out", "run", "--force"};
        words.insert(words.end(), more.begin(), more.end());
        return json(with_defaults(words, {"--epochs", "1", "--seed", "1", "--batch", "10"}));
    }
    std::vector<int64_t> first_layer() const {
        return checkpoint("run/last.safetensors").weight_shapes().at("0.weight");
    }
    int64_t classes() const { return checkpoint("run/last.safetensors").weight_shapes().at("4.bias").at(0); }
    int samples(const std::string& spec) const {
        return json({"eval", "run/last.safetensors", "--data", spec}).at("samples");
    }

    void write_idx(const std::string& name, bool images, int count, bool gzip) const {
        std::string file = {0, 0, 8, static_cast<char>(images ? 3 : 1), 0, 0, 0, static_cast<char>(count)};
        std::mt19937 random(5);
        if (images) file += std::string{0, 0, 0, 6, 0, 0, 0, 7}; // 6 rows of 7
        for (int i = 0; i < count; ++i) {
            if (images)
                for (int p = 0; p < 42; ++p)
                    file += static_cast<char>(random() % 50 + static_cast<unsigned>(20 * (i % 10)));
            else
                file += static_cast<char>(i % 10);
        }
        if (!gzip) return write(name, file);
        const gzFile out = gzopen(path(name + ".gz").c_str(), "wb");
        ASSERT_EQ(gzwrite(out, file.data(), static_cast<unsigned>(file.size())), static_cast<int>(file.size()));
        gzclose(out);
    }

    void write_archive(const std::string& name, const std::string& folder, int filter) const {
        archive* out = archive_write_new();
        archive_write_add_filter(out, filter);
        archive_write_set_format_ustar(out);
        ASSERT_EQ(archive_write_open_filename(out, path(name).c_str()), ARCHIVE_OK);
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path(folder))) {
            if (!entry.is_regular_file()) continue;
            const std::string bytes = testing_support::read_file(entry.path());
            archive_entry* header = archive_entry_new();
            archive_entry_set_pathname(header, std::filesystem::relative(entry.path(), path("")).c_str());
            archive_entry_set_size(header, static_cast<la_int64_t>(bytes.size()));
            archive_entry_set_filetype(header, AE_IFREG);
            archive_entry_set_perm(header, 0644);
            ASSERT_EQ(archive_write_header(out, header), ARCHIVE_OK);
            archive_write_data(out, bytes.data(), bytes.size());
            archive_entry_free(header);
        }
        ASSERT_EQ(archive_write_close(out), ARCHIVE_OK);
        archive_write_free(out);
    }
};

TEST_F(Data, MnistPlainAndGzipped) {
    std::filesystem::create_directories(path("zipped"));
    for (const bool gzip : {false, true}) {
        const std::string folder = gzip ? "zipped" : "plain";
        write_idx(folder + "/train-images-idx3-ubyte", true, 100, gzip);
        write_idx(folder + "/train-labels-idx1-ubyte", false, 100, gzip);
        write_idx(folder + "/t10k-images-idx3-ubyte", true, 30, gzip);
        write_idx(folder + "/t10k-labels-idx1-ubyte", false, 30, gzip);
    }
    EXPECT_EQ(learn("mnist:plain").at("steps"), 10);
    EXPECT_EQ(first_layer().at(1), 42);
    EXPECT_EQ(classes(), 10);
    EXPECT_EQ(samples("mnist:plain"), 30);
    const std::string plain = read("run/last.safetensors");
    learn("mnist:zipped");
    EXPECT_EQ(read("run/last.safetensors"), plain);
}

TEST_F(Data, Cifar10Binary) {
    std::mt19937 random(3);
    for (const std::string name :
         {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
        std::string file;
        for (int i = 0; i < 20; ++i) {
            file += static_cast<char>(i % 10);
            for (int p = 0; p < 3072; ++p)
                file += static_cast<char>(random() % 50 + static_cast<unsigned>(20 * (i % 10)));
        }
        write("cifar/" + name + ".bin", file);
    }
    EXPECT_EQ(learn("cifar10:cifar").at("steps"), 10);
    EXPECT_EQ(first_layer().at(1), 3072);
    EXPECT_EQ(classes(), 10);
    EXPECT_EQ(samples("cifar10:cifar"), 20);
}

TEST_F(Data, Cifar10FolderAndArchivesOfImages) {
    make_images("pictures",
                {.classes = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
                 .train = 3,
                 .test = 2,
                 .size = 32,
                 .channels = 3});
    EXPECT_EQ(learn("cifar10:pictures").at("steps"), 3);
    EXPECT_EQ(first_layer().at(1), 3072);
    EXPECT_EQ(classes(), 10);
    EXPECT_EQ(samples("cifar10:pictures"), 20);
    const std::string folder = read("run/last.safetensors");
    for (const auto& [name, filter] : {std::pair<std::string, int>{"p.tar", ARCHIVE_FILTER_NONE},
                                       {"p.tar.gz", ARCHIVE_FILTER_GZIP},
                                       {"p.tar.xz", ARCHIVE_FILTER_XZ}}) {
        write_archive(name, "pictures", filter);
        learn("cifar10:" + name);
        EXPECT_EQ(read("run/last.safetensors"), folder) << name;
    }
}

TEST_F(Data, FolderWithTrainAndTest) {
    make_images("pictures", {.classes = {"a", "b", "c"}, .train = 10, .test = 4});
    EXPECT_EQ(learn("folder:pictures").at("steps"), 3);
    EXPECT_EQ(first_layer().at(1) % 144, 0);
    EXPECT_EQ(classes(), 3);
    EXPECT_EQ(samples("folder:pictures"), 12);
}

TEST_F(Data, FolderWithOneLevelOfClasses) {
    make_images("pictures", {.train = 20, .test = 0});
    learn("folder:pictures");
    EXPECT_EQ(classes(), 2);
    EXPECT_EQ(samples("folder:pictures"), 40);
    EXPECT_TRUE(contains(read("run/model.json"), "bright"));
}

TEST_F(Data, CsvTakesTheLastColumnOrTheNamedOne) {
    make_classes_csv("last.csv", 100);
    learn("csv:last.csv");
    EXPECT_EQ(first_layer().at(1), 3);
    EXPECT_EQ(classes(), 2);
    EXPECT_TRUE(contains(read("run/model.json"), "up"));
    const auto by_default = checkpoint("run/last.safetensors").weights();
    learn("csv:last.csv,label=kind");
    EXPECT_EQ(checkpoint("run/last.safetensors").weights(), by_default);

    // The same table with the label in front.
    const Table source = table("last.csv");
    std::string text = "kind,a,b,c\n";
    for (const auto& row : source.rows)
        text += row.at("kind") + "," + row.at("a") + "," + row.at("b") + "," + row.at("c") + "\n";
    write("first.csv", text);
    learn("csv:first.csv,label=kind");
    EXPECT_EQ(checkpoint("run/last.safetensors").weights(), by_default);
    expect_error(run({"train", "--model", "mlp", "--data", "csv:first.csv,label=colour", "--out", "x"}), 1, {"colour"});
}

TEST_F(Data, CsvRegression) {
    make_regression_csv("houses.csv", 100);
    const Json result = learn("csv:houses.csv,label=price,task=regression");
    EXPECT_TRUE(result.at("test_accuracy").is_null());
    EXPECT_EQ(first_layer().at(1), 2);
    EXPECT_EQ(classes(), 1);
}

TEST_F(Data, TextKeepsItsLastTenthForValidationAndTest) {
    std::mt19937 random(9);
    const auto noise = [&](size_t length) {
        std::string text;
        while (text.size() < length) text += static_cast<char>('a' + random() % 6);
        return text;
    };
    const std::string first = noise(9000);
    write("a.txt", first + noise(1000));
    write("b.txt", first + noise(1000));
    write("c.txt", noise(9000) + noise(1000));
    write(
        "net.json",
        R"({"input": [128], "layers": [{"type": "embedding", "num_embeddings": 256, "embedding_dim": 8}, {"type": "linear", "out": 256}]})");
    const auto learn_text = [&](const std::string& name) {
        return json({"train", "--model", "net.json", "--data", "text:" + name + ".txt", "--out", name, "--epochs", "1",
                     "--seed", "1", "--schedule", "none"});
    };
    const Json a = learn_text("a"), b = learn_text("b"), c = learn_text("c");
    const auto weights = [&](const std::string& name) { return checkpoint(name + "/last.safetensors").weights(); };
    EXPECT_EQ(weights("a"), weights("b")) << "the last tenth was trained on";
    EXPECT_NE(a.at("test_loss"), b.at("test_loss"));
    EXPECT_NE(weights("a"), weights("c"));
    // Validation reads what the test reads.
    EXPECT_NEAR(table("a/metrics.csv").number(0, "val_loss"), a.at("test_loss").get<double>(), 1e-4);
    // Nats per byte: no more than a uniform guess among 256.
    EXPECT_LT(a.at("train_loss").get<double>(), 6.5);
}

TEST_F(Data, GlyphsAreTenDigitsOf32x32) {
    EXPECT_EQ(learn("glyphs", {"--batch", "1000"}).at("steps"), 20);
    EXPECT_EQ(first_layer().at(1), 1024);
    EXPECT_EQ(classes(), 10);
    EXPECT_EQ(samples("glyphs"), 4000);
    const Json model = Json::parse(read("run/model.json"));
    EXPECT_TRUE(contains(model.dump(), R"(["0","1","2","3","4","5","6","7","8","9"])"));
    EXPECT_EQ(model.at("mean").size(), 1u);

    // Drawn by the data's seed, which is 0 and not --seed.
    const auto loss = [&](const std::string& spec) {
        return json({"eval", "run/last.safetensors", "--data", spec}).at("test_loss");
    };
    EXPECT_EQ(loss("glyphs"), loss("glyphs,seed=0"));
    EXPECT_NE(loss("glyphs"), loss("glyphs,seed=1"));
    learn("glyphs", {"--batch", "1000", "--seed", "2"});
    const Json other = Json::parse(read("run/model.json"));
    EXPECT_EQ(other.at("mean"), model.at("mean"));
    EXPECT_EQ(other.at("std"), model.at("std"));
    learn("glyphs,seed=1", {"--batch", "1000"});
    EXPECT_NE(Json::parse(read("run/model.json")).at("mean"), model.at("mean"));
}

TEST_F(Data, WrongSpecsAreRefused) {
    for (const std::string spec : {"", "nothing", "mnist", "pictures:here", "glyphs,seed=x", "glyphs,colour=red"}) {
        SCOPED_TRACE(spec);
        const Result result = run({"train", "--model", "mlp", "--data", spec, "--out", "run"});
        EXPECT_TRUE(result.status == 1 || result.status == 2) << result.status;
        expect_error(result, result.status, {});
        EXPECT_FALSE(exists("run"));
    }
    for (const std::string spec : {"mnist:absent", "cifar10:absent", "folder:absent", "csv:absent", "text:absent"})
        expect_error(run({"train", "--model", "mlp", "--data", spec, "--out", "run"}), 1, {"absent"});
}

} // namespace
} // namespace ingot::contract
