// SPDX-License-Identifier: MIT
// Writes the first inputs of the fuzz targets for files: fuzz_seeds OUT makes OUT/<target>/<file>, small good files of every kind that
// the target reads. The fuzzer changes them from there; nothing is checked in but the arrays in tests/golden/npy.
#include <zlib.h>

#include "io/archive_testing.h"
#include "io/image.h"
#include "io/image_testing.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "seeds.h"

namespace ingot::fuzz {
namespace {

using testing::Bytes;

void weights() {
    const std::vector<float> f = {1, 2, 3, 4, 5, 6};
    const std::vector<io::TensorView> tensors = {{"0.weight", f32, Shape{2, 3}, f.data(), 24},
                                                 {"0.bias", f64, Shape{}, f.data(), 8},
                                                 {"n", DType::boolean, Shape{2, 0}, f.data(), 0}};
    io::write_safetensors(place("safetensors", "plain"), tensors);
    io::write_safetensors(place("safetensors", "checked"), tensors,
                          {{"crc32", io::checksums_json(tensors)}, {"note", "\xC3\xA4\n"}});
    io::write_safetensors(place("safetensors", "empty"), {});
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(INGOT_TESTS_DIR) / "golden" / "npy")) {
        const std::string target = entry.path().extension() == ".npz" ? "npz" : "npy";
        std::filesystem::copy_file(entry, place(target, entry.path().filename()),
                                   std::filesystem::copy_options::overwrite_existing);
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
                                                 {"empty", {}}};
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
    put("png", "own", io::encode_png({16, 16, 3, io::Pixels(noise.begin(), noise.begin() + 768)}));
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

void tables() {
    for (const char* target : {"csv", "table"}) {
        put(target, "numbers", std::string("a,b,y\n1,2,3\n4,5.5,-6e1\n,8,9\n"));
        put(target, "words",
            std::string("size,\"colour, or so\",label\r\n1,red,yes\r\n2,\"gr\"\"een\",no\r\n\r\n3,,yes\r\n"));
        put(target, "mark",
            std::string("\xEF\xBB\xBF"
                        "a\n1\n"));
    }
}

} // namespace
} // namespace ingot::fuzz

int main(int argc, char** argv) {
    using namespace ingot::fuzz;
    if (!begin(argc, argv)) return 2;
    weights();
    idx();
    archives();
    images();
    cifar();
    tables();
}
