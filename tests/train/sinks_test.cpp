// SPDX-License-Identifier: MIT
// Sinks: what they write, read back; event files with a reader of records and protocol buffers that shares nothing with the
// writer.
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ingot/error.h>
#include <ingot/train/sinks.h>

#include "io/append_file.h"
#include "support/scratch_folder.h"

namespace ingot::train {

namespace {

using testing_support::read_file;

class Sinks : public ::testing::Test {
protected:
    std::string path(const std::string& name) const { return folder_ / name; }

private:
    testing_support::ScratchFolder folder_;
};

TensorStatistics some_statistics() {
    return {.name = "0.weight",
            .finite = 6,
            .not_finite = 1,
            .min = -2,
            .max = 2,
            .mean = 0.5,
            .std = 1.5,
            .counts = {1, 0, 2, 3}};
}

/// The checksum by its definition, bit by bit.
uint32_t slow_crc32c(const std::string& bytes) {
    uint32_t crc = 0xFFFFFFFF;
    for (const char c : bytes) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78 : 0);
    }
    return crc ^ 0xFFFFFFFF;
}

template <class T> T get(const std::string& bytes, size_t at) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

/// The data of the records of a file; fails where lengths or checksums are wrong.
std::vector<std::string> records(const std::string& file) {
    std::vector<std::string> out;
    size_t at = 0;
    const auto unmask = [](uint32_t v) {
        const uint32_t rotated = v - 0xA282EAD8;
        return rotated >> 17 | rotated << 15;
    };
    while (at < file.size()) {
        if (file.size() - at < 16) {
            ADD_FAILURE() << "torn record at " << at;
            return out;
        }
        const auto length = get<uint64_t>(file, at);
        EXPECT_EQ(unmask(get<uint32_t>(file, at + 8)), slow_crc32c(file.substr(at, 8))) << "length at " << at;
        if (length > file.size() - at - 16) {
            ADD_FAILURE() << "record at " << at << " is longer than the file";
            return out;
        }
        out.push_back(file.substr(at + 12, length));
        EXPECT_EQ(unmask(get<uint32_t>(file, at + 12 + length)), slow_crc32c(out.back())) << "data at " << at;
        at += 16 + length;
    }
    return out;
}

/// Fields of a message by number; the bytes of their values (varints as 8 bytes).
std::multimap<uint32_t, std::string> fields(const std::string& message) {
    std::multimap<uint32_t, std::string> out;
    size_t at = 0;
    const auto varint = [&] {
        uint64_t value = 0;
        for (int shift = 0;; shift += 7) {
            const auto byte = static_cast<unsigned char>(message.at(at++));
            value |= static_cast<uint64_t>(byte & 0x7F) << shift;
            if (byte < 0x80) return value;
        }
    };
    while (at < message.size()) {
        const uint64_t tag = varint();
        size_t length = 0;
        std::string value;
        switch (tag & 7) {
        case 0: {
            const uint64_t v = varint();
            value.assign(reinterpret_cast<const char*>(&v), 8);
            break;
        }
        case 1: length = 8; break;
        case 2: length = varint(); break;
        case 5: length = 4; break;
        default: ADD_FAILURE() << "wire type " << (tag & 7); return out;
        }
        if (length > 0) value = message.substr(at, length);
        EXPECT_EQ(value.size(), (tag & 7) == 0 ? 8 : length) << "field " << (tag >> 3);
        at += length;
        out.emplace(static_cast<uint32_t>(tag >> 3), value);
    }
    return out;
}

std::string field(const std::multimap<uint32_t, std::string>& message, uint32_t number) {
    EXPECT_EQ(message.count(number), 1u) << "field " << number;
    const auto found = message.find(number);
    return found == message.end() ? std::string(8, '\0') : found->second;
}

std::vector<double> doubles(const std::string& packed) {
    std::vector<double> out;
    for (size_t at = 0; at < packed.size(); at += 8) out.push_back(get<double>(packed, at));
    return out;
}

} // namespace

TEST_F(Sinks, Crc32cOfTheStandard) {
    EXPECT_EQ(slow_crc32c("123456789"), 0xE3069283u) << "RFC 3720's check value: the reader itself is right";
}

TEST_F(Sinks, TensorBoardScalars) {
    std::string file;
    {
        TensorBoardSink sink(path("logs/run"));
        file = sink.path();
        sink.scalars(300, {{"train/loss", 0.25}, {"lr", 1e-3}});
        EXPECT_EQ(records(read_file(file)).size(), 2u) << "written at once";
        sink.scalars(70000, {{"train/loss", NAN}});
        sink.scalars(70001, {});
    }
    EXPECT_NE(std::filesystem::path(file).filename().string().find("tfevents"), std::string::npos);
    const std::vector<std::string> all = records(read_file(file));
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(field(fields(all[0]), 3), "brain.Event:2");
    const auto event = fields(all[1]);
    EXPECT_GT(get<double>(field(event, 1), 0), 1.5e9) << "wall time";
    EXPECT_EQ(get<int64_t>(field(event, 2), 0), 300);
    const auto summary = fields(field(event, 5));
    ASSERT_EQ(summary.count(1), 2u);
    std::map<std::string, float> values;
    for (const auto& [number, value] : summary) {
        const auto v = fields(value);
        values[field(v, 1)] = get<float>(field(v, 2), 0);
    }
    EXPECT_EQ(values, (std::map<std::string, float>{{"train/loss", 0.25f}, {"lr", 1e-3f}}));
    const auto last = fields(all[2]);
    EXPECT_EQ(get<int64_t>(field(last, 2), 0), 70000) << "steps of several bytes";
    EXPECT_TRUE(std::isnan(get<float>(field(fields(field(fields(field(last, 5)), 1)), 2), 0)));
}

TEST_F(Sinks, TensorBoardHistograms) {
    TensorBoardSink sink(path("logs"));
    TensorStatistics constant{.name = "c", .finite = 5, .min = 7, .max = 7, .mean = 7, .std = 0, .counts = {5, 0}};
    TensorStatistics none{
        .name = "n", .finite = 0, .not_finite = 3, .min = NAN, .max = NAN, .mean = NAN, .std = NAN, .counts = {0}};
    sink.histograms(9, {some_statistics(), constant, none});
    const std::vector<std::string> all = records(read_file(sink.path()));
    ASSERT_EQ(all.size(), 2u);
    const auto event = fields(all[1]);
    EXPECT_EQ(get<int64_t>(field(event, 2), 0), 9);
    const auto summary = fields(field(event, 5));
    ASSERT_EQ(summary.count(1), 2u) << "nothing to draw of a tensor without finite elements";
    const auto value = fields(summary.find(1)->second);
    EXPECT_EQ(field(value, 1), "0.weight");
    const auto histogram = fields(field(value, 5));
    const auto number = [&](uint32_t n) { return get<double>(field(histogram, n), 0); };
    EXPECT_EQ(number(1), -2);
    EXPECT_EQ(number(2), 2);
    EXPECT_EQ(number(3), 6);
    EXPECT_DOUBLE_EQ(number(4), 3);
    EXPECT_DOUBLE_EQ(number(5), 6 * (1.5 * 1.5 + 0.5 * 0.5));
    EXPECT_EQ(doubles(field(histogram, 6)), (std::vector<double>{-1, 0, 1, 2})) << "upper ends";
    EXPECT_EQ(doubles(field(histogram, 7)), (std::vector<double>{1, 0, 2, 3}));
    const auto one = fields(field(fields(std::next(summary.find(1))->second), 5));
    EXPECT_EQ(doubles(field(one, 6)), std::vector<double>{7});
    EXPECT_EQ(doubles(field(one, 7)), std::vector<double>{5});
}

TEST_F(Sinks, EveryTensorBoardSinkHasAFileOfItsOwn) {
    TensorBoardSink a(path("logs")), b(path("logs"));
    EXPECT_NE(a.path(), b.path());
    std::ofstream(path("file")) << "x";
    EXPECT_THROW(TensorBoardSink(path("file")), FileError);
}

TEST_F(Sinks, Csv) {
    CsvSink sink(path("log.csv"));
    sink.scalars(1, {{"loss", 0.5}, {"lr", 1e-3}});
    sink.scalars(2, {{"lr", 2e-3}, {"loss", NAN}});
    EXPECT_EQ(read_file(path("log.csv")), "step,loss,lr\n1,0.5,0.001\n2,nan,0.002\n");
    sink.scalars(3, {{"accuracy", 0.1}});
    EXPECT_EQ(read_file(path("log.csv")), "step,loss,lr,accuracy\n1,0.5,0.001,\n2,nan,0.002,\n3,,,0.1\n");
    EXPECT_THROW(sink.scalars(4, {{"a,b", 1}}), Error);
    sink.scalars(4, {{"loss", 1.0 / 3}});
    EXPECT_NE(read_file(path("log.csv")).find("\n4,0.3333333333333333,,\n"), std::string::npos);
    EXPECT_THROW(CsvSink(path("missing/log.csv")).begin(0), FileError);
}

TEST_F(Sinks, AFileIsReplacedByTheFirstFiguresAndNotBefore) {
    const auto expect_kept = [&](const std::string& name, auto&& make) {
        std::ofstream(path(name)) << "of before";
        auto sink = make(path(name));
        EXPECT_EQ(read_file(path(name)), "of before") << name;
        EXPECT_THROW(make(path("missing/" + name)).scalars(1, {{"a", 1}}), FileError) << name;
        sink.scalars(1, {{"a", 1}});
        sink.begin(0); // of a second run with the same sink
        sink.scalars(1, {{"a", 2}});
    };
    expect_kept("a.csv", [](const std::string& file) { return CsvSink(file); });
    EXPECT_EQ(read_file(path("a.csv")), "step,a\n1,1\n1,2\n");
    expect_kept("a.jsonl", [](const std::string& file) { return JsonLinesSink(file); });
    EXPECT_EQ(read_file(path("a.jsonl")), "{\"step\":1,\"a\":1.0}\n{\"step\":1,\"a\":2.0}\n");
}

TEST_F(Sinks, ARunThatGoesOnDropsWhatItWillTellAgain) {
    std::ofstream(path("a.csv")) << "step,a,b\n1,1,\n2,2,4\n3,3,\n4,";
    CsvSink csv(path("a.csv"));
    csv.begin(2);
    EXPECT_EQ(read_file(path("a.csv")), "step,a,b\n1,1,\n2,2,4\n") << "before anything is told";
    csv.scalars(3, {{"b", 5}, {"c", 6}});
    EXPECT_EQ(read_file(path("a.csv")), "step,a,b,c\n1,1,,\n2,2,4,\n3,,5,6\n");

    const std::string lines = "{\"step\":1,\"a\":1.0}\n{\"step\":2,\"histogram\":\"w\"}\n";
    std::ofstream(path("a.jsonl")) << lines << "{\"step\":3,\"a\":3.0}\n{\"step\":1,";
    JsonLinesSink json(path("a.jsonl"));
    json.begin(2);
    EXPECT_EQ(read_file(path("a.jsonl")), lines);
    json.scalars(3, {{"a", 7}});
    EXPECT_EQ(read_file(path("a.jsonl")), lines + "{\"step\":3,\"a\":7.0}\n");

    CsvSink fresh(path("new.csv"));
    fresh.begin(2);
    fresh.scalars(3, {{"a", 1}});
    EXPECT_EQ(read_file(path("new.csv")), "step,a\n3,1\n");
}

TEST_F(Sinks, AFileThatIsNoLogIsNotCutByARunThatGoesOn) {
    const auto expect_error = [&](Sink& sink, const std::string& file, const std::string& text,
                                  const std::string& part) {
        std::ofstream(path(file)) << text;
        try {
            sink.begin(5);
            FAIL() << "nothing was thrown for " << text;
        } catch (const FileError& error) {
            EXPECT_EQ(std::string(error.what()).find(path(file) + ": " + part), 0u) << error.what();
        }
        EXPECT_EQ(read_file(path(file)), text);
    };
    CsvSink csv(path("a.csv"));
    expect_error(csv, "a.csv", "my notes\n", "line 1 is damaged");
    expect_error(csv, "a.csv", "step,a\n1,2\nx,3\n4,5\n", "line 3 is damaged");
    JsonLinesSink json(path("a.jsonl"));
    expect_error(json, "a.jsonl", "{\"step\":1}\n{\"step\":\"x\"}\n", "line 2: ");
    expect_error(json, "a.jsonl", "{\"step\":1}\n[1]\n", "line 2: ");
    expect_error(json, "a.jsonl", "{\"step\":1}\n{\n", "line 2: ");
}

TEST_F(Sinks, JsonLines) {
    JsonLinesSink sink(path("log.jsonl"));
    sink.scalars(5, {{"loss", 0.5}, {"bad \"name\"", INFINITY}});
    sink.histograms(5, {some_statistics()});
    std::istringstream lines(read_file(path("log.jsonl")));
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(line, R"({"step":5,"loss":0.5,"bad \"name\"":null})");
    ASSERT_TRUE(std::getline(lines, line));
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json.at("histogram"), "0.weight");
    EXPECT_EQ(json.at("counts"), nlohmann::json({1, 0, 2, 3}));
    EXPECT_EQ(json.at("not_finite"), 1);
}

TEST_F(Sinks, ConsoleAndCallback) {
    std::FILE* file = std::fopen(path("console").c_str(), "w");
    ConsoleSink console(file);
    console.scalars(450, {{"train_loss", 0.31237}, {"lr", 1e-3}});
    EXPECT_EQ(read_file(path("console")), "step 450  train_loss 0.3124  lr 0.001\n");
    std::fclose(file);
    int64_t seen = 0;
    CallbackSink callback([&](int64_t step, const std::vector<MetricValue>& values) {
        seen = step + static_cast<int64_t>(values.size());
    });
    callback.scalars(10, {{"a", 1}, {"b", 2}});
    callback.histograms(10, {some_statistics()}); // no function: nothing to do
    EXPECT_EQ(seen, 12);
}

TEST_F(Sinks, AppendedFilesLoseNothingWhenTheDiskIsFull) {
    std::ofstream(path("f")) << "abc";
    {
        io::AppendFile file(path("f"), false);
        file.write("def");
        EXPECT_EQ(read_file(path("f")), "abcdef");
    }
    io::AppendFile full("/dev/full");
    try {
        full.write("x");
        FAIL() << "nothing was thrown";
    } catch (const FileError& error) {
        EXPECT_NE(std::string(error.what()).find("/dev/full: writing failed"), std::string::npos) << error.what();
    }
}

} // namespace ingot::train
