// SPDX-License-Identifier: MIT
// For the tests of this folder, which know the command's contract only (README.md here says which line is tested where):
// a scratch folder in which the command runs, small data made on the spot, and readers of the files that it writes, made
// from their public formats without the library.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/command.h"

namespace ingot::contract {

using Json = nlohmann::json;
using testing_support::expect_error;
using testing_support::Result;
using testing_support::Running;
using Words = std::vector<std::string>;

/// A safetensors file, parsed by its public format: 8 bytes of length, a JSON header, the bytes of the tensors.
struct Checkpoint {
    struct Entry {
        std::string dtype;
        std::vector<int64_t> shape;
        std::string bytes;
        bool operator==(const Entry&) const = default;
    };
    std::map<std::string, Entry> tensors;
    std::map<std::string, std::string> metadata;
    /// The tensors that are no part of the training state: shapes by name.
    std::map<std::string, std::vector<int64_t>> weight_shapes() const;
    std::map<std::string, Entry> weights() const;
};

/// Rows of a CSV file by the names of its header; the header itself is in `columns`.
struct Table {
    std::vector<std::string> columns;
    std::vector<std::map<std::string, std::string>> rows;
    double number(size_t row, const std::string& column) const { return std::stod(rows.at(row).at(column)); }
};

/// What pictures make_images draws: each class is its own brightness (and tint, with 3 channels) under noise.
struct Pictures {
    std::vector<std::string> classes = {"bright", "dark"};
    int train = 16, test = 8, size = 12, channels = 1;
};

std::vector<uint8_t> png(int width, int height, int channels, const std::vector<uint8_t>& pixels);
bool contains(const std::string& text, const std::string& part);

class ContractTest : public ::testing::Test {
protected:
    /// Runs in the scratch folder, so names are relative to it.
    Result run(const Words& words, const std::map<std::string, std::string>& environment = {}) const;
    /// `ingot words... --json`: must end well and print an object on the last line.
    Json json(Words words) const;
    /// `words` and those of the pairs of flag and value in `defaults` whose flag is not among them.
    static Words with_defaults(Words words, const Words& defaults);
    /// A short training run of the small model net.json on the pictures `images`: its JSON. `more` comes last.
    Json train(const std::string& out, const Words& more = {}) const;
    static Words train_words(const std::string& out, const Words& more = {});

    std::filesystem::path path(const std::string& name) const { return folder_ / name; }
    bool exists(const std::string& name) const { return std::filesystem::exists(path(name)); }
    std::string read(const std::string& name) const { return folder_.read(name); }
    void write(const std::string& name, const std::string& content) const;
    Checkpoint checkpoint(const std::string& name) const;
    Table table(const std::string& name) const;

    /// name/train/<class>/<i>.png and name/test/...; with test = 0 only name/<class>/<i>.png.
    void make_images(const std::string& name, const Pictures& what = {}) const;
    /// net.json: a small network with a convolution "conv", dropout and a linear layer "head" of two outputs.
    void make_spec() const;
    /// `rows` lines of a, b, c and a word or number that follows from them (noise instead: it does not).
    void make_classes_csv(const std::string& name, int rows, bool noise = false) const;
    void make_regression_csv(const std::string& name, int rows) const;

private:
    testing_support::ScratchFolder folder_;
};

} // namespace ingot::contract
