// SPDX-License-Identifier: MIT
// TensorBoard's event files: records of a length, its checksum, a protocol buffer `Event` and its checksum
// (tensorflow/core/lib/io/record_writer, tensorboard/compat/proto/{event,summary}.proto). Only the fields that scalars and
// histograms need are written, by hand: that is less than a dependency.
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstring>
#include <filesystem>

#include <unistd.h>

#include <ingot/error.h>
#include <ingot/train/sinks.h>

#include "io/append_file.h"

namespace ingot::train {

namespace {

/// CRC-32C (Castagnoli), reflected.
uint32_t crc32c(const std::string& bytes) {
    static const auto table = [] {
        std::array<uint32_t, 256> t{};
        for (uint32_t i = 0; i < 256; ++i) {
            uint32_t c = i;
            for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0x82F63B78u ^ (c >> 1) : c >> 1;
            t[i] = c;
        }
        return t;
    }();
    uint32_t crc = ~0u;
    for (const char byte : bytes) crc = table[(crc ^ static_cast<uint8_t>(byte)) & 0xFF] ^ (crc >> 8);
    return ~crc;
}

/// Records hold checksums in this form, because a checksum over data that holds checksums is a weak one.
uint32_t masked(uint32_t crc) { return std::rotr(crc, 15) + 0xA282EAD8u; }

template <class T> std::string little_endian(T value) {
    std::string out;
    for (size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
    return out;
}

std::string record(const std::string& data) {
    const std::string length = little_endian(static_cast<uint64_t>(data.size()));
    return length + little_endian(masked(crc32c(length))) + data + little_endian(masked(crc32c(data)));
}

/// A message of protocol buffers, field by field.
class Message {
public:
    Message& varint(uint32_t field, uint64_t value) {
        tag(field, 0);
        raw(value);
        return *this;
    }
    Message& real(uint32_t field, double value) {
        tag(field, 1);
        out += little_endian(std::bit_cast<uint64_t>(value));
        return *this;
    }
    Message& real32(uint32_t field, float value) {
        tag(field, 5);
        out += little_endian(std::bit_cast<uint32_t>(value));
        return *this;
    }
    Message& bytes(uint32_t field, const std::string& value) {
        tag(field, 2);
        raw(value.size());
        out += value;
        return *this;
    }
    Message& packed(uint32_t field, const std::vector<double>& values) {
        std::string all;
        for (const double v : values) all += little_endian(std::bit_cast<uint64_t>(v));
        return bytes(field, all);
    }
    std::string out;

private:
    void tag(uint32_t field, uint32_t type) { raw(field << 3 | type); }
    void raw(uint64_t value) {
        for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
        out += static_cast<char>(value);
    }
};

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

/// Event: wall_time 1, step 2, file_version 3, summary 5. Summary: value 1. Value: tag 1, simple_value 2, histo 5.
std::string event(int64_t step, const std::string& summary) {
    return record(Message().real(1, now()).varint(2, static_cast<uint64_t>(step)).bytes(5, summary).out);
}

/// HistogramProto: min 1, max 2, num 3, sum 4, sum_squares 5, bucket_limit 6, bucket 7; bucket i ends at bucket_limit i.
Message statistics(const TensorStatistics& t) {
    Message m;
    m.real(1, t.min).real(2, t.max).real(3, static_cast<double>(t.finite)).real(4, t.sum()).real(5, t.sum_of_squares());
    return m;
}

/// All elements in one bucket.
std::string constant(const TensorStatistics& t) {
    return statistics(t).packed(6, {t.max}).packed(7, {static_cast<double>(t.finite)}).out;
}

std::string histogram(const TensorStatistics& t) {
    std::vector<double> limits, counts;
    if (!(t.min < t.max)) return constant(t);
    const auto bins = static_cast<double>(t.counts.size());
    for (size_t i = 0; i < t.counts.size(); ++i) {
        const bool last = i + 1 == t.counts.size();
        limits.push_back(last ? t.max : t.min + (t.max - t.min) * static_cast<double>(i + 1) / bins);
        counts.push_back(static_cast<double>(t.counts[i]));
    }
    return statistics(t).packed(6, limits).packed(7, counts).out;
}

/// A new name: readers take what contains "tfevents" in the order of the names.
std::string file_name() {
    static std::atomic<uint32_t> counter{0};
    std::array<char, 256> host{};
    if (gethostname(host.data(), host.size() - 1) != 0) std::strcpy(host.data(), "localhost");
    return "events.out.tfevents." + std::to_string(static_cast<int64_t>(now())) + "." + host.data() + "." +
           std::to_string(getpid()) + "." + std::to_string(counter.fetch_add(1));
}

std::string in_folder(const std::string& folder) {
    std::error_code code;
    std::filesystem::create_directories(folder, code);
    if (code) throw FileError(folder + ": cannot create the folder: " + code.message());
    return folder + "/" + file_name();
}

} // namespace

struct TensorBoardSink::File {
    io::AppendFile file;
};

TensorBoardSink::TensorBoardSink(const std::string& folder) : file_(new File{io::AppendFile(in_folder(folder))}) {
    file_->file.write(record(Message().real(1, now()).bytes(3, "brain.Event:2").out));
}

TensorBoardSink::~TensorBoardSink() = default;

const std::string& TensorBoardSink::path() const { return file_->file.path(); }

void TensorBoardSink::scalars(int64_t step, const std::vector<MetricValue>& values) {
    Message summary;
    for (const MetricValue& v : values)
        summary.bytes(1, Message().bytes(1, v.name).real32(2, static_cast<float>(v.value)).out);
    if (!values.empty()) file_->file.write(event(step, summary.out));
}

void TensorBoardSink::histograms(int64_t step, const std::vector<TensorStatistics>& tensors) {
    Message summary;
    for (const TensorStatistics& t : tensors)
        if (t.finite > 0) summary.bytes(1, Message().bytes(1, t.name).bytes(5, histogram(t)).out);
    if (!summary.out.empty()) file_->file.write(event(step, summary.out));
}

} // namespace ingot::train
