// SPDX-License-Identifier: MIT
// Writes the first inputs of every fuzz target: fuzz_seeds OUT makes OUT/<target>/<file>, small good files of every kind that
// the target reads. The fuzzer changes them from there; nothing is checked in but the arrays in tests/golden/npy.
#include <filesystem>
#include <fstream>

#include <zlib.h>

#include <ingot/nn.h>
#include <ingot/optim.h>
#include <ingot/weights.h>

#include "data/spec.h"
#include "io/archive_testing.h"
#include "io/image.h"
#include "io/image_testing.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "train/checkpoint.h"
#include "train/model_spec.h"
#include "train/models.h"

namespace fs = std::filesystem;
using namespace ingot;
using ingot::testing::Bytes;

namespace {

std::string g_out;

std::string place(const std::string& target, const std::string& name) {
    fs::create_directories(fs::path(g_out) / target);
    return (fs::path(g_out) / target / name).string();
}

void put(const std::string& target, const std::string& name, const Bytes& bytes) {
    testing::write_bytes(place(target, name), bytes);
}

void put(const std::string& target, const std::string& name, const std::string& text) {
    put(target, name, Bytes(text.begin(), text.end()));
}

void weights() {
    const std::vector<float> f = {1, 2, 3, 4, 5, 6};
    const std::vector<io::TensorView> tensors = {{"0.weight", f32, Shape{2, 3}, f.data(), 24},
                                                 {"0.bias", f64, Shape{}, f.data(), 8},
                                                 {"n", boolean, Shape{2, 0}, f.data(), 0}};
    io::write_safetensors(place("safetensors", "plain"), tensors);
    io::write_safetensors(place("safetensors", "checked"), tensors,
                          {{"crc32", io::checksums_json(tensors)}, {"note", "\xC3\xA4\n"}});
    io::write_safetensors(place("safetensors", "empty"), {});
    for (const auto& entry : fs::directory_iterator(fs::path(INGOT_TESTS_DIR) / "golden" / "npy")) {
        const std::string target = entry.path().extension() == ".npz" ? "npz" : "npy";
        fs::copy_file(entry, place(target, entry.path().filename()), fs::copy_options::overwrite_existing);
    }
    io::write_npz(place("npz", "own"), tensors, true);
}

void idx() {
    const Bytes images = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    put("idx", "images", images);
    put("idx", "labels", Bytes{0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9});
    gzFile file = ::gzopen(place("idx", "images.gz").c_str(), "wb");
    ::gzwrite(file, images.data(), static_cast<unsigned>(images.size()));
    ::gzclose(file);
}

void archives() {
    const std::vector<testing::Entry> entries = {{"train/", {}, testing::Entry::Kind::folder},
                                                 {"train/a/one.jpg", Bytes(600, 7)},
                                                 {std::string(120, 'n') + "/long", Bytes(3, 1)},
                                                 {"\xC3\xA4", {}}};
    for (const char* name : {"t.tar", "t.tar.gz", "t.tar.xz", "t.tar.bz2", "t.tar.zst"})
        testing::write_archive(place("archive", name), entries);
    testing::write_archive(place("archive", "link"), {{"a", {}, testing::Entry::Kind::symlink}});
}

void images() {
    Bytes noise;
    for (int i = 0; i < 16 * 16 * 4; ++i) noise.push_back(static_cast<uint8_t>(i * i * 31 >> 4));
    for (const int channels : {1, 3, 4})
        for (const bool progressive : {false, true})
            put("jpeg", std::to_string(channels) + (progressive ? "p" : "b"),
                testing::make_jpeg(16, 16, channels, noise, progressive, 50));
    for (const int bits : {1, 2, 4, 8, 16})
        put("png", "grey" + std::to_string(bits), testing::make_png(8, 2, bits, 0, Bytes(size_t(2 * (1 + bits)))));
    put("png", "rgb", testing::make_png(2, 2, 8, 2, Bytes(14, 0)));
    put("png", "palette", testing::make_png(2, 1, 8, 3, {0, 1, 0}, {5, 6, 7, 50, 60, 70}, {0, 128}));
    put("png", "alpha", testing::make_png(2, 1, 16, 6, Bytes(17, 0)));
    put("png", "own", io::encode_png({16, 16, 3, Bytes(noise.begin(), noise.begin() + 768)}));
}

void cifar() {
    Bytes record(3073, 5);
    put("cifar", "two", [&] {
        Bytes bytes = record;
        bytes.insert(bytes.end(), record.begin(), record.end());
        return bytes;
    }());
    record.front() = 10; // a label that is out of range
    record.resize(2 * record.size());
    put("cifar", "label", record);
}

void models() {
    put("model_spec", "conv", std::string(R"({"input": [3, 8, 8], "layers": [
{"type": "conv2d", "out": 4, "kernel": 3, "padding": 1, "name": "c"}, {"type": "batch_norm2d"}, {"type": "relu"},
{"type": "residual", "layers": [{"type": "conv2d", "out": 4, "kernel": [1, 3], "padding": [0, 1], "bias": false}],
 "shortcut": [{"type": "identity"}], "after": [{"type": "gelu"}]},
{"type": "max_pool2d", "kernel": 2}, {"type": "flatten"}, {"type": "dropout", "p": 0.1}, {"type": "linear", "out": 10}]})"));
    put("model_spec", "tokens", std::string(R"({"input": 5, "layers": [{"type": "embedding", "num_embeddings": 7,
"embedding_dim": 4}, {"type": "layer_norm"}, {"type": "sequential", "layers": [{"type": "linear", "out": 3}]}]})"));
    put("model_spec", "pool", std::string(R"({"input": [1, 9, 9], "layers": [{"type": "avg_pool2d", "kernel": 3,
"stride": 2, "padding": 1, "count_include_pad": false}, {"type": "adaptive_avg_pool2d", "output_size": 2},
{"type": "leaky_relu", "slope": 0.2}, {"type": "softmax", "axis": 1}]})"));
    for (const std::string& name : train::model_names())
        if (name != "resnet18") // 20 kB say nothing that the others do not
            put("model_spec", name, train::model_spec(name, {3, 32, 32}, 10));

    train::Model model = train::build_model(
        R"({"input": [1, 2, 2], "layers": [{"type": "batch_norm2d"}, {"type": "flatten"}, {"type": "linear", "out": 2}]})");
    optim::SGD optimizer(model.net.parameters(), {.lr = 0.1, .momentum = 0.9});
    const train::ModelInfo info{"tiny", model.spec, {"a", "b"}, {0.5f}, {0.25f}};
    train::Checkpoint(model.net, optimizer, {}, train::to_json(info)).write(place("checkpoint", "sgd"));
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: fuzz_seeds OUT\n");
        return 2;
    }
    g_out = argv[1];
    weights();
    idx();
    archives();
    images();
    cifar();
    models();
}
