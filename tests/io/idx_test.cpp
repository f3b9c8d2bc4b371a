// SPDX-License-Identifier: MIT
#include "io/idx.h"

#include <zlib.h>

#include "io/io_testing.h"

namespace ingot::io {
namespace {

using testing::Bytes;
using testing::read_bytes;
using testing::ScratchFolder;
using testing::write_bytes;

Bytes idx(uint8_t type, const std::vector<uint32_t>& dims, size_t data) {
    Bytes bytes = {0, 0, type, static_cast<uint8_t>(dims.size())};
    for (const uint32_t d : dims)
        for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<uint8_t>(d >> shift));
    for (size_t i = 0; i < data; ++i) bytes.push_back(static_cast<uint8_t>(i * 7));
    return bytes;
}

void write_gzip(const std::string& path, const Bytes& bytes) {
    gzFile file = ::gzopen(path.c_str(), "wb9");
    ASSERT_NE(file, nullptr);
    ASSERT_EQ(::gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())), static_cast<int>(bytes.size()));
    ASSERT_EQ(::gzclose(file), Z_OK);
}

Bytes prefix(const Bytes& bytes, size_t n) {
    return Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
}

TEST(Idx, ReadsPlainAndGzip) {
    const ScratchFolder folder;
    const Bytes bytes = idx(8, {2, 3, 4}, 24);
    write_bytes(folder / "a", bytes);
    write_gzip(folder / "a.gz", bytes);
    for (const char* name : {"a", "a.gz"}) {
        const IdxArray array = read_idx(folder / name, 3);
        EXPECT_EQ(array.dims, (std::vector<int64_t>{2, 3, 4}));
        EXPECT_EQ(array.data, Bytes(bytes.begin() + 16, bytes.end()));
    }
    write_bytes(folder / "none", idx(8, {0}, 0));
    EXPECT_TRUE(read_idx(folder / "none", 1).data.empty());
}

TEST(Idx, TruncatedAtEveryOffset) {
    const ScratchFolder folder;
    const Bytes bytes = idx(8, {2, 3, 4}, 24);
    for (size_t n = 0; n < bytes.size(); ++n) {
        write_bytes(folder / "cut", prefix(bytes, n));
        const std::string expected = n < 4 ? "4" : n < 16 ? "16" : "40";
        EXPECT_ERROR(read_idx(folder / "cut", 3),
                     "cut: is truncated: expected " + expected + " bytes, found " + std::to_string(n));
    }
    write_gzip(folder / "a.gz", bytes);
    const Bytes gz = read_bytes(folder / "a.gz");
    for (size_t n = 0; n < gz.size(); ++n) { // the last 8 bytes are the checksum and the length
        write_bytes(folder / "cut.gz", prefix(gz, n));
        EXPECT_ERROR(read_idx(folder / "cut.gz", 3), "cut.gz: ");
    }
}

TEST(Idx, DamagedGzip) {
    const ScratchFolder folder;
    write_gzip(folder / "a.gz", idx(8, {100, 10, 10}, 10000));
    Bytes gz = read_bytes(folder / "a.gz");
    gz[gz.size() - 6] ^= 1; // inside the checksum
    write_bytes(folder / "b.gz", gz);
    EXPECT_ERROR(read_idx(folder / "b.gz", 3), "b.gz: damaged gzip data");
}

TEST(Idx, HostileHeaders) {
    const ScratchFolder folder;
    const auto reject = [&](const Bytes& bytes, int rank, const std::string& part) {
        write_bytes(folder / "x", bytes);
        EXPECT_ERROR(read_idx(folder / "x", rank), part);
        write_gzip(folder / "x.gz", bytes);
        EXPECT_ERROR(read_idx(folder / "x.gz", rank), part);
    };
    reject({'<', 'h', 't', 'm', 'l', '>'}, 3, "is not an IDX file: wrong magic number at offset 0");
    reject(idx(0x0D, {1}, 4), 1, "IDX element type 13 is not supported");
    reject(idx(8, {1}, 1), 3, "IDX array has 1 axes, expected 3");
    reject(idx(8, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, 0), 3, "asks for more than");
    reject(idx(8, {0x10000, 0x10000, 2}, 0), 3, "asks for more than");
    reject(idx(8, {0xFFFFFFFF, 1, 1}, 10), 3, "is truncated: expected 4294967311 bytes"); // no 4 GB allocated for 26
    reject(idx(8, {4}, 5), 1, "does not end after the 12 bytes its header announces");
    EXPECT_ERROR(read_idx(folder / "none", 1), "none: cannot open");
    EXPECT_ERROR(read_idx(folder.path(), 1), "is not a regular file");
}

} // namespace
} // namespace ingot::io
