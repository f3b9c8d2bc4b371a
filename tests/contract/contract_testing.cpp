// SPDX-License-Identifier: MIT
#include "contract/contract_testing.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

#include <zlib.h>

namespace ingot::contract {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> fields;
    std::string field;
    for (std::istringstream in(line + ","); std::getline(in, field, ',');) fields.push_back(field);
    return fields;
}

void append_number(std::vector<uint8_t>& out, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(value >> shift));
}

void append_chunk(std::vector<uint8_t>& out, const char* type, const std::vector<uint8_t>& content) {
    append_number(out, static_cast<uint32_t>(content.size()));
    const size_t start = out.size();
    out.insert(out.end(), type, type + 4);
    out.insert(out.end(), content.begin(), content.end());
    append_number(out, static_cast<uint32_t>(crc32(0, out.data() + start, static_cast<uInt>(out.size() - start))));
}

} // namespace

std::map<std::string, std::vector<int64_t>> Checkpoint::weight_shapes() const {
    std::map<std::string, std::vector<int64_t>> shapes;
    for (const auto& [name, entry] : weights()) shapes[name] = entry.shape;
    return shapes;
}

std::map<std::string, Checkpoint::Entry> Checkpoint::weights() const {
    std::map<std::string, Entry> found;
    for (const auto& [name, entry] : tensors)
        if (!name.starts_with("train.")) found[name] = entry;
    return found;
}

std::vector<uint8_t> png(int width, int height, int channels, const std::vector<uint8_t>& pixels) {
    std::vector<uint8_t> rows;
    const size_t stride = static_cast<size_t>(width) * static_cast<size_t>(channels);
    for (size_t y = 0; y < static_cast<size_t>(height); ++y) {
        rows.push_back(0); // no filter
        rows.insert(rows.end(), pixels.begin() + static_cast<std::ptrdiff_t>(y * stride),
                    pixels.begin() + static_cast<std::ptrdiff_t>((y + 1) * stride));
    }
    uLongf length = compressBound(static_cast<uLong>(rows.size()));
    std::vector<uint8_t> packed(length);
    if (compress(packed.data(), &length, rows.data(), static_cast<uLong>(rows.size())) != Z_OK)
        throw std::runtime_error("compress failed");
    packed.resize(length);
    std::vector<uint8_t> out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, header;
    append_number(header, static_cast<uint32_t>(width));
    append_number(header, static_cast<uint32_t>(height));
    const uint8_t colour = channels == 1 ? 0 : 2; // grey, or red green blue
    for (const uint8_t byte : {uint8_t{8}, colour, uint8_t{0}, uint8_t{0}, uint8_t{0}}) header.push_back(byte);
    append_chunk(out, "IHDR", header);
    append_chunk(out, "IDAT", packed);
    append_chunk(out, "IEND", {});
    return out;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Result ContractTest::run(const Words& words, const std::map<std::string, std::string>& environment) const {
    return testing_support::ingot(words, {.folder = folder_.path(), .environment = environment});
}

Json ContractTest::json(Words words) const {
    words.push_back("--json");
    const Result result = run(words);
    EXPECT_EQ(result.status, 0) << result.err;
    if (result.status != 0) return Json::object();
    const Json found = result.json();
    EXPECT_TRUE(found.is_object()) << result.out;
    return found;
}

Words ContractTest::with_defaults(Words words, const Words& defaults) {
    for (size_t i = 0; i < defaults.size(); i += 2)
        if (std::find(words.begin(), words.end(), defaults[i]) == words.end())
            words.insert(words.end(), {defaults[i], defaults[i + 1]});
    return words;
}

Words ContractTest::train_words(const std::string& out, const Words& more) {
    Words words = {"train", "--model", "net.json", "--data", "folder:images", "--out", out};
    words.insert(words.end(), more.begin(), more.end());
    return with_defaults(words, {"--seed", "1", "--batch", "8"});
}

Json ContractTest::train(const std::string& out, const Words& more) const {
    if (!exists("net.json")) make_spec();
    if (!exists("images")) make_images("images");
    return json(train_words(out, more));
}

void ContractTest::write(const std::string& name, const std::string& content) const {
    fs::create_directories(path(name).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
}

Checkpoint ContractTest::checkpoint(const std::string& name) const {
    const std::string file = read(name);
    uint64_t length = 0;
    if (file.size() < sizeof length) throw std::runtime_error(name + " is no safetensors file");
    std::memcpy(&length, file.data(), sizeof length); // little endian, as this machine
    const size_t start = sizeof length + length;
    Checkpoint found;
    const Json header = Json::parse(file.substr(sizeof length, length));
    for (const auto& [key, value] : header.items()) {
        if (key == "__metadata__") {
            found.metadata = value.get<std::map<std::string, std::string>>();
        } else {
            const auto offsets = value.at("data_offsets").get<std::vector<size_t>>();
            found.tensors[key] = {value.at("dtype"), value.at("shape"),
                                  file.substr(start + offsets.at(0), offsets.at(1) - offsets.at(0))};
        }
    }
    return found;
}

Table ContractTest::table(const std::string& name) const {
    std::istringstream lines(read(name));
    std::string line;
    Table found;
    if (std::getline(lines, line)) found.columns = split(line);
    while (std::getline(lines, line)) {
        const auto fields = split(line);
        if (fields.size() != found.columns.size()) throw std::runtime_error(name + ": " + line);
        auto& row = found.rows.emplace_back();
        for (size_t i = 0; i < fields.size(); ++i) row[found.columns[i]] = fields[i];
    }
    return found;
}

void ContractTest::make_images(const std::string& name, const Pictures& what) const {
    std::mt19937 random(7);
    const int count = static_cast<int>(what.classes.size());
    const auto pixels = static_cast<size_t>(what.size * what.size * what.channels);
    for (const bool test : {false, true}) {
        for (int label = 0; label < count; ++label) {
            const std::string folder = name +
                                       (what.test == 0 ? ""
                                        : test         ? "/test"
                                                       : "/train") +
                                       "/" + what.classes[static_cast<size_t>(label)] + "/";
            for (int i = 0; i < (test ? what.test : what.train); ++i) {
                std::vector<uint8_t> image(pixels);
                for (size_t p = 0; p < pixels; ++p) {
                    // The classes' levels go around by channel.
                    const int level =
                        (count - 1 - label + static_cast<int>(p) % what.channels) % count; // falls with the label
                    image[p] = static_cast<uint8_t>(random() % 100 + static_cast<unsigned>(150 * level / (count - 1)));
                }
                const auto file = png(what.size, what.size, what.channels, image);
                write(folder + std::to_string(i) + ".png", std::string(file.begin(), file.end()));
            }
        }
    }
}

void ContractTest::make_spec() const {
    write("net.json", R"({"input": [1, 12, 12], "layers": [
        {"type": "conv2d", "out": 4, "kernel": 3, "name": "conv"}, {"type": "relu"}, {"type": "max_pool2d", "kernel": 2},
        {"type": "flatten"}, {"type": "dropout", "p": 0.1}, {"type": "linear", "out": 2, "name": "head"}]})");
}

void ContractTest::make_classes_csv(const std::string& name, int rows, bool noise) const {
    std::mt19937 random(11);
    std::ostringstream text;
    text << "a,b,c,kind\n";
    for (int i = 0; i < rows; ++i) {
        const double a = static_cast<double>(random() % 1000) / 100, b = static_cast<double>(random() % 1000) / 100,
                     c = static_cast<double>(random() % 1000) / 100;
        const bool up = noise ? random() % 2 == 0 : a + b > c + 5;
        text << a << ',' << b << ',' << c << ',' << (up ? "up" : "down") << '\n';
    }
    write(name, text.str());
}

void ContractTest::make_regression_csv(const std::string& name, int rows) const {
    std::mt19937 random(13);
    std::ostringstream text;
    text << "a,price,b\n";
    for (int i = 0; i < rows; ++i) {
        const double a = static_cast<double>(random() % 1000) / 1000, b = static_cast<double>(random() % 1000) / 1000;
        text << a << ',' << 3 * a - 2 * b + 1 << ',' << b << '\n';
    }
    write(name, text.str());
}

} // namespace ingot::contract
