// SPDX-License-Identifier: MIT
#include "cli/cli_testing.h"

#include <cstdint>
#include <fstream>
#include <random>

#include "io/image.h"

namespace ingot::cli_testing {

std::string CliTest::make_images(const std::string& name, int train, int test) const {
    std::mt19937 random(7);
    for (const auto& [split, count] : {std::pair<std::string, int>{"train", train}, {"test", test}}) {
        for (const std::string label : {"bright", "dark"}) {
            const fs::path folder = fs::path(path(name)) / split / label;
            if (count == 0) continue;
            fs::create_directories(folder);
            for (int i = 0; i < count; ++i) {
                io::Image image{12, 12, 1, io::Pixels(144)};
                for (uint8_t& pixel : image.pixels)
                    pixel = static_cast<uint8_t>(random() % 128 + (label == "bright" ? 120 : 0));
                const std::vector<uint8_t> png = io::encode_png(image);
                std::ofstream(folder / (std::to_string(i) + ".png"), std::ios::binary)
                    .write(reinterpret_cast<const char*>(png.data()), static_cast<std::streamsize>(png.size()));
            }
        }
    }
    return "folder:" + path(name);
}

std::string CliTest::make_spec(const std::string& name) const {
    write(name, R"({"input": [1, 12, 12], "layers": [
        {"type": "conv2d", "out": 4, "kernel": 3, "name": "conv"}, {"type": "relu"}, {"type": "max_pool2d", "kernel": 2},
        {"type": "flatten"}, {"type": "dropout", "p": 0.1}, {"type": "linear", "out": 2, "name": "head"}]})");
    return path(name);
}

std::string CliTest::read(const std::string& name) const { return folder_.read(name); }

void CliTest::write(const std::string& name, const std::string& content) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
}

} // namespace ingot::cli_testing
