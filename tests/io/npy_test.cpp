// SPDX-License-Identifier: MIT
// npy and npz: what NumPy wrote (tests/golden/npy) is read, what is written NumPy reads, hostile files are refused.
#include "io/npy.h"

#include <cstdio>
#include <cstring>
#include <map>

#include "io/atomic_file.h"
#include "io/io_testing.h"
#include "io/zip.h"

namespace ingot::io {
namespace {

using testing::Bytes;
using testing::read_bytes;
using testing::ScratchFolder;
using testing::write_bytes;

std::string golden(const std::string& name) { return std::string(INGOT_TESTS_DIR) + "/golden/npy/" + name; }

template <class T> std::vector<T> values(const NpyArray& array) {
    std::vector<T> out(array.data.size() / sizeof(T));
    if (!out.empty()) std::memcpy(out.data(), array.data.data(), array.data.size());
    return out;
}

/// -2, -1.5, ... 3.5, as make_npy.py has them, converted to T as NumPy does.
template <class T> std::vector<T> golden_values() {
    std::vector<T> out;
    for (int i = 0; i < 12; ++i) out.push_back(static_cast<T>(i / 2.0 - 2));
    return out;
}

/// An npy file of version 1 with this dictionary and `data` zero bytes.
Bytes file_with(const std::string& dict, size_t data, uint8_t major = 1) {
    Bytes bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', major, 0};
    for (int i = 0; i < (major == 1 ? 2 : 4); ++i) bytes.push_back(static_cast<uint8_t>(dict.size() >> (8 * i)));
    bytes.insert(bytes.end(), dict.begin(), dict.end());
    bytes.resize(bytes.size() + data);
    return bytes;
}

NpyArray parse(const std::string& dict, size_t data) { return parse_npy(file_with(dict, data), "f.npy"); }

std::string dict(const std::string& shape, const std::string& descr = "'<f4'", const std::string& order = "False") {
    return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }";
}

TEST(Npy, ReadsWhatNumPyWrote) {
    const auto check = [](const char* name, DType dtype, const Shape& shape) {
        const NpyArray a = read_npy(golden(std::string(name) + ".npy"));
        EXPECT_EQ(a.dtype, dtype) << name;
        EXPECT_EQ(a.shape, shape) << name;
        return a;
    };
    const Shape shape{3, 4};
    EXPECT_EQ(values<float>(check("little_f4", f32, shape)), golden_values<float>());
    EXPECT_EQ(values<double>(check("little_f8", f64, shape)), golden_values<double>());
    EXPECT_EQ(values<int32_t>(check("little_i4", i32, shape)), golden_values<int32_t>());
    EXPECT_EQ(values<int64_t>(check("little_i8", i64, shape)), golden_values<int64_t>());
    EXPECT_EQ(values<float>(check("big_f4", f32, shape)), golden_values<float>());
    EXPECT_EQ(values<int64_t>(check("big_i8", i64, shape)), golden_values<int64_t>());
    EXPECT_EQ(values<float>(check("fortran", f32, shape)), golden_values<float>());
    EXPECT_EQ(values<float>(check("version2", f32, shape)), golden_values<float>());
    EXPECT_EQ(values<float>(check("version3", f32, shape)), golden_values<float>());
    const std::vector<uint16_t> half = values<uint16_t>(check("little_f2", f16, shape));
    EXPECT_EQ(half[0], 0xC000); // -2
    EXPECT_EQ(half[6], 0x3C00); // 1
    EXPECT_EQ(values<uint16_t>(check("big_f2", f16, shape)), half);
    const Bytes bytes = check("bytes", u8, shape).data;
    EXPECT_EQ(bytes[11], 253);
    EXPECT_EQ(check("bools", boolean, shape).data, (Bytes{0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1}));
    const std::vector<int32_t> cube = values<int32_t>(check("fortran_3d", i32, Shape{2, 3, 4}));
    for (int i = 0; i < 24; ++i) EXPECT_EQ(cube[static_cast<size_t>(i)], i);
    EXPECT_EQ(values<double>(check("scalar", f64, Shape{})), std::vector<double>{2.5});
    EXPECT_EQ(values<int64_t>(check("vector", i64, Shape{5})), (std::vector<int64_t>{0, 1, 2, 3, 4}));
    EXPECT_TRUE(check("empty", f32, Shape{0, 3}).data.empty());
}

TEST(Npy, RefusesWhatItHasNoTypeFor) {
    EXPECT_ERROR(read_npy(golden("objects.npy")), "pickled Python objects, which are never read");
    EXPECT_ERROR(read_npy(golden("text.npy")), "dtype '<U2'; Ingot reads");
    EXPECT_ERROR(read_npy(golden("complex.npy")), "dtype '<c16'");
    EXPECT_ERROR(read_npy(golden("structured.npy")), "a structured array");
}

TEST(Npy, AcceptsWhatTheFormatAllows) {
    EXPECT_EQ(parse(R"({"shape":(2,),"descr":"=f4","fortran_order":False})", 8).shape, Shape{2});
    EXPECT_EQ(parse(dict("(2L, 1L)"), 8).shape, (Shape{2, 1}));
    EXPECT_EQ(parse(dict("( 2 , 1 , )") + "   \n", 8).shape, (Shape{2, 1}));
    EXPECT_EQ(parse(dict("()", "'>u1'"), 1).shape.rank(), 0u);
    EXPECT_EQ(parse(dict("(0, 9223372036854775807)", "'|u1'"), 0).shape[1], INT64_MAX);
}

TEST(Npy, RefusesBadHeaders) {
    EXPECT_ERROR(parse_npy({}, "none.npy"), "none.npy: is not an npy file: wrong magic number at offset 0");
    const std::string html = "<!DOCTYPE html><html><body>404</body></html>";
    EXPECT_ERROR(parse_npy(Bytes(html.begin(), html.end()), "x"), "wrong magic number");
    for (const uint8_t major : {0, 4, 255})
        EXPECT_ERROR(parse_npy(file_with(dict("()"), 4, major), "x"), "version " + std::to_string(major) + ".0");
    Bytes minor = file_with(dict("()"), 4);
    minor[7] = 1;
    EXPECT_ERROR(parse_npy(minor, "x"), "version 1.1 at offset 6");
    // Twelve bytes that ask for 4 GB.
    EXPECT_ERROR(parse_npy(Bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, 0xFF, 0xFF, 0xFF, 0xFF}, "x"),
                 "header length at offset 8 is 4294967295");
    EXPECT_ERROR(parse_npy(Bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 0xFF, 0xFF}, "x"), "needs 65545 bytes");
    EXPECT_ERROR(parse_npy(file_with(std::string(65'537, ' '), 0, 2), "x"), "more than the limit of 65536");

    EXPECT_ERROR(parse("", 0), "f.npy: bad npy header at offset 10: expected '{'");
    EXPECT_ERROR(parse("{}", 0), "descr, fortran_order and shape are needed");
    EXPECT_ERROR(parse("{'descr': '<f4', 'shape': (1,)}", 4), "are needed");
    EXPECT_ERROR(parse(dict("(1,)") + "x", 4), "text after the dictionary");
    EXPECT_ERROR(parse("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4),
                 "'descr' occurs twice");
    EXPECT_ERROR(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (), 'shape': ()}", 4), "occurs twice");
    EXPECT_ERROR(parse("{'extra': 1}", 4), "unknown key 'extra'");
    EXPECT_ERROR(parse("{'descr': '<f4", 4), "a string does not end");
    EXPECT_ERROR(parse("{'de\\x73cr': '<f4'}", 4), "a string with escapes");
    EXPECT_ERROR(parse("{descr: '<f4'}", 4), "expected a string");
    EXPECT_ERROR(parse(dict("()", "'<f4'", "0"), 4), "expected True or False");
    EXPECT_ERROR(parse(dict("(1)"), 4), "the shape is not a tuple");
    EXPECT_ERROR(parse(dict("1"), 4), "expected '('");
    EXPECT_ERROR(parse(dict("(-1,)"), 4), "expected a size that is not negative");
    EXPECT_ERROR(parse(dict("(1.0,)"), 4), "expected ')'");
    EXPECT_ERROR(parse(dict("(,)"), 4), "expected a size");
    EXPECT_ERROR(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2", 4), "expected ')'");
    EXPECT_ERROR(parse(dict("(9223372036854775808,)"), 4), "a size is too large");
    EXPECT_ERROR(parse(dict("(99999999999999999999999,)"), 4), "a size is too large");
    std::string axes;
    for (int i = 0; i < 33; ++i) axes += "1,";
    EXPECT_ERROR(parse(dict("(" + axes + ")"), 4), "more than 32 axes");
    for (const char* descr : {"''", "'f4'", "'|f4'", "'<f3'", "'<f44'", "'!f4'", "'<u4'", "'<M8[ns]'"})
        EXPECT_ERROR(parse(dict("()", descr), 4), "Ingot reads f2, f4, f8, i4, i8, u1 and b1");
    EXPECT_ERROR(parse(dict("()", "'|O'"), 8), "pickled");
}

TEST(Npy, RefusesBadSizes) {
    EXPECT_ERROR(parse(dict("(3,)"), 8), "[3] of f32 needs 12 bytes, but 8 follow");
    EXPECT_ERROR(parse(dict("(3,)"), 8), "the file is truncated");
    EXPECT_ERROR(parse(dict("(3,)"), 13), "needs 12 bytes, but 13 follow");
    EXPECT_ERROR(parse(dict("(0,)"), 1), "needs 0 bytes, but 1 follow");
    // Products that wrap around 2^64: to 0, to 4, with a zero elsewhere.
    EXPECT_ERROR(parse(dict("(4294967296, 4294967296)"), 0), "overflows");
    EXPECT_ERROR(parse(dict("(4611686018427387905,)"), 4), "overflows");
    EXPECT_ERROR(parse(dict("(0, 4294967296, 4294967296)"), 0), "overflows");
    EXPECT_ERROR(parse(dict("(1152921504606846976,)", "'<f8'"), 0), "overflows");
    Bytes bytes = file_with(dict("(3,)", "'|b1'"), 3);
    bytes.back() = 2;
    EXPECT_ERROR(parse_npy(bytes, "x"), "the bool at offset " + std::to_string(bytes.size() - 1) + " is 2");
}

TEST(Npy, TruncatedAtEveryOffsetAndEveryFlippedBit) {
    const Bytes whole = read_bytes(golden("version2.npy"));
    for (size_t n = 0; n < whole.size(); ++n)
        EXPECT_ERROR(parse_npy(std::span(whole).first(n), "cut.npy"), "cut.npy: ");
    int accepted = 0;
    for (size_t n = 0; n < whole.size() - 48; ++n)
        for (int bit = 1; bit < 256; bit *= 2) {
            Bytes bytes = whole;
            bytes[n] = static_cast<uint8_t>(bytes[n] ^ bit);
            try {
                EXPECT_EQ(parse_npy(bytes, "x").data.size(),
                          48u); // another dtype of the same size, never another extent
                ++accepted;
            } catch (const FileError&) { // the usual outcome
            }
        }
    EXPECT_GT(accepted, 0);
    EXPECT_LT(accepted, 200); // a space for a line end, mostly
}

const float kFloats[] = {1.5f, -2.0f, 3.0f, 4.0f, 5.0f, 6.0f};
const int64_t kLongs[] = {INT64_MIN, INT64_MAX};
const uint16_t kHalfs[] = {0x3C00, 0xC000};
const bool kBools[] = {true, false, true};

std::vector<TensorView> every_kind() {
    return {{"z.weight", f32, Shape{2, 3}, kFloats, 24},
            {"a/long", i64, Shape{2}, kLongs, 16},
            {"half", f16, Shape{1, 2}, kHalfs, 4},
            {"gr\xC3\xB6\xC3\x9F"
             "e",
             boolean, Shape{3}, kBools, 3},
            {"scalar", f32, Shape{}, kFloats, 4},
            {"empty", f32, Shape{0, 5}, nullptr, 0}};
}

/// What NumPy says about `path`; empty without NumPy.
std::string numpy_reads(const std::string& path) {
    const std::string script = std::string(INGOT_TESTS_DIR) + "/../tools/golden/make_npy.py";
    FILE* pipe = ::popen(("/usr/bin/python3 '" + script + "' --read '" + path + "' 2>&1").c_str(), "r");
    if (pipe == nullptr) return "";
    std::string out;
    char buffer[256];
    while (std::fgets(buffer, sizeof(buffer), pipe) != nullptr) out += buffer;
    ::pclose(pipe);
    return out.find("No module named 'numpy'") == std::string::npos ? out : "";
}

TEST(Npy, WritesTheBytesThatNumPyWrites) {
    const ScratchFolder folder;
    for (const char* name : {"little_f4.npy", "bools.npy", "scalar.npy", "vector.npy", "empty.npy", "bytes.npy"}) {
        const NpyArray a = read_npy(golden(name));
        write_npy(folder / name, {"", a.dtype, a.shape, a.data.data(), a.data.size()});
        EXPECT_EQ(read_bytes(folder / name), read_bytes(golden(name))) << name;
    }
}

TEST(Npy, WriterRefusesNonsense) {
    const ScratchFolder folder;
    const std::string path = folder / "a.npy";
    EXPECT_ERROR(write_npy(path, {"", bf16, Shape{2}, kHalfs, 4}), "NumPy has no dtype for bf16; convert with to(f32)");
    EXPECT_ERROR(write_npy(path, {"", f32, Shape{2}, kFloats, 4}), "4 bytes, which do not fit its shape [2]");
    EXPECT_ERROR(write_npy(path, {"", f32, Shape{-1}, kFloats, 4}), "do not fit");
    EXPECT_ERROR(write_npy(folder.path() + "/no/a.npy", {"", f32, Shape{1}, kFloats, 4}), "cannot create");
    EXPECT_EQ(folder.entries(), 0u);
}

TEST(Npz, ReadsWhatNumPyWrote) {
    for (const char* name : {"stored.npz", "deflated.npz"}) {
        std::map<std::string, NpyArray> arrays;
        for (auto& [key, array] : read_npz(golden(name))) arrays[key] = array;
        EXPECT_EQ(values<float>(arrays.at("layer.weight")), golden_values<float>());
        EXPECT_EQ(values<int64_t>(arrays.at("block/bias")), (std::vector<int64_t>{0, 1, 2}));
        EXPECT_EQ(arrays
                      .at("gr\xC3\xB6\xC3\x9F"
                          "e")
                      .data,
                  Bytes{1});
        EXPECT_EQ(arrays.at("empty").shape, (Shape{0, 2}));
        EXPECT_EQ(arrays.contains("zeros"), std::string(name) == "deflated.npz");
    }
}

TEST(Npz, RoundTrips) {
    const ScratchFolder folder;
    const std::vector<TensorView> arrays = every_kind();
    for (const bool compress : {false, true}) {
        const std::string path = folder / "a.npz";
        write_npz(path, arrays, compress);
        const auto back = read_npz(path);
        ASSERT_EQ(back.size(), arrays.size());
        for (size_t i = 0; i < arrays.size(); ++i) {
            EXPECT_EQ(back[i].first, arrays[i].name);
            EXPECT_EQ(back[i].second.dtype, arrays[i].dtype);
            EXPECT_EQ(back[i].second.shape, arrays[i].shape);
            ASSERT_EQ(back[i].second.data.size(), arrays[i].bytes);
            if (arrays[i].bytes > 0) {
                EXPECT_EQ(std::memcmp(back[i].second.data.data(), arrays[i].data, arrays[i].bytes), 0);
            }
        }
        const Bytes bytes = read_bytes(path);
        write_npz(path, arrays, compress);
        EXPECT_EQ(read_bytes(path), bytes); // deterministic
    }
    write_npz(folder / "none.npz", {});
    EXPECT_TRUE(read_npz(folder / "none.npz").empty());
    const std::vector<float> zeros(100'000);
    write_npz(folder / "zeros.npz", {{"z", f32, Shape{100'000}, zeros.data(), 400'000}}, true);
    EXPECT_LT(std::filesystem::file_size(folder / "zeros.npz"), 2000u);
    EXPECT_EQ(values<float>(read_npz(folder / "zeros.npz")[0].second), zeros);
}

TEST(Npz, NumPyReadsWhatIsWritten) {
    if (numpy_reads(golden("vector.npy")).empty())
        GTEST_SKIP() << "/usr/bin/python3 has no NumPy (package python3-numpy)";
    const ScratchFolder folder;
    const std::string expected = "'z.weight' <f4 [2, 3] [1.5, -2.0, 3.0, 4.0, 5.0, 6.0]\n"
                                 "'a/long' <i8 [2] [-9.223372036854776e+18, 9.223372036854776e+18]\n"
                                 "'half' <f2 [1, 2] [1.0, -2.0]\n"
                                 "'gr\\xf6\\xdfe' |b1 [3] [1.0, 0.0, 1.0]\n"
                                 "'scalar' <f4 [] [1.5]\n"
                                 "'empty' <f4 [0, 5] []\n";
    for (const bool compress : {false, true}) {
        write_npz(folder / "a.npz", every_kind(), compress);
        EXPECT_EQ(numpy_reads(folder / "a.npz"), expected);
    }
}

/// A zip archive of these members, names taken as they are.
void write_zip(const std::string& path, const std::vector<std::pair<std::string, Bytes>>& members, bool deflate = false,
               uint64_t zip64_from = 0xFFFFFFFF) {
    AtomicFile file(path);
    ZipWriter zip(file, deflate, zip64_from);
    for (const auto& [name, content] : members) zip.add(name, {content});
    zip.finish();
    file.commit();
}

TEST(Npz, Zip64RecordsAreReadAndWritten) {
    const ScratchFolder folder;
    const std::vector<std::pair<std::string, Bytes>> members = {{"a.npy", read_bytes(golden("vector.npy"))},
                                                                {"b.npy", read_bytes(golden("scalar.npy"))}};
    const bool numpy = !numpy_reads(golden("vector.npy")).empty();
    for (const bool deflate : {false, true})
        for (const uint64_t from : {0, 1, 100, 150}) { // everything, then only what reaches the bound
            write_zip(folder / "a.npz", members, deflate, from);
            const auto back = read_npz(folder / "a.npz");
            ASSERT_EQ(back.size(), 2u);
            EXPECT_EQ(values<int64_t>(back[0].second), (std::vector<int64_t>{0, 1, 2, 3, 4}));
            EXPECT_EQ(values<double>(back[1].second), std::vector<double>{2.5});
            if (numpy && from == 0) {
                EXPECT_EQ(numpy_reads(folder / "a.npz"), "'a' <i8 [5] [0.0, 1.0, 2.0, 3.0, 4.0]\n'b' <f8 [] [2.5]\n");
            }
            const Bytes whole = read_bytes(folder / "a.npz");
            for (size_t n = 0; n < whole.size(); ++n)
                EXPECT_ERROR(ZipReader(std::span(whole).first(n), "cut.npz"), "cut.npz: ");
        }
}

TEST(Npz, RefusesHostileMembers) {
    const ScratchFolder folder;
    const std::string path = folder / "a.npz";
    const Bytes good = file_with(dict("(2,)"), 8);
    EXPECT_ERROR(read_npz(golden("other_member.npz")), "member 'notes.txt' is not an npy file");
    const auto reject = [&](const std::string& name, const std::string& part) {
        write_zip(path, {{"good.npy", good}, {name, good}});
        EXPECT_ERROR(read_npz(path), part);
    };
    reject("../evil.npy", "a.npz: member '../evil.npy': its name leaves the archive's folder");
    reject("a/../../evil.npy", "leaves the archive's folder");
    reject("/etc/evil.npy", "leaves the archive's folder");
    reject(".npy", "leaves the archive's folder");
    reject("good.npy", "member 'good.npy' occurs twice");
    reject("folder/", "is not an npy file");
    write_zip(path, {{"w.npy", file_with(dict("(3,)"), 8)}});
    EXPECT_ERROR(read_npz(path), "a.npz: member 'w.npy': the array [3] of f32 needs 12 bytes");
    write_zip(path, {{"w.npy", Bytes{}}});
    EXPECT_ERROR(read_npz(path), "member 'w.npy': is not an npy file");
}

/// Where the first `signature` begins.
size_t find(const Bytes& bytes, const std::string& signature) {
    const auto at = std::search(bytes.begin(), bytes.end(), signature.begin(), signature.end());
    EXPECT_NE(at, bytes.end());
    return static_cast<size_t>(at - bytes.begin());
}

void put32(Bytes& bytes, size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<uint8_t>(value >> (8 * i));
}

TEST(Npz, RefusesDeclaredSizesThatAreNotThere) {
    Bytes good = read_bytes(golden("deflated.npz"));
    const size_t central = find(good, "PK\x01\x02"), end = good.size() - 22;
    const auto reject = [&](size_t at, uint32_t value, const std::string& part) {
        Bytes bytes = good;
        put32(bytes, at, value);
        EXPECT_ERROR(parse_npz(bytes, "a.npz"), part);
    };
    reject(central + 24, 0xFFFFFFF0, "announces 4294967280 bytes of content, which its 115 bytes cannot hold");
    reject(central + 24, 100'000, "member 'zeros.npy': ends after 16512 of 100000 bytes"); // possible for deflate
    reject(central + 24, 100, "member 'zeros.npy': holds more than it announces");
    reject(central + 24, 0xFFFFFFFF, "which its 115 bytes cannot hold"); // a ZIP64 field that is not there
    reject(central + 16, 0, "member 'zeros.npy': its checksum does not match");
    reject(central + 20, 0x7FFFFFFF, "announces 2147483647 bytes, ");
    reject(central + 20, 100, "member 'zeros.npy': damaged or truncated deflate data");
    reject(central + 20, 116, "overlaps another one");
    reject(central + 42, 0x7FFFFFFF, "offset 2147483647: member 'zeros.npy': its local header is missing");
    reject(central + 42, 1, "offset 1: member 'zeros.npy': its local header is missing");
    reject(central + 8, 0x00080001, "member 'zeros.npy': is encrypted");
    reject(central + 10, 99, "compression method 99; only stored and deflated are read");
    reject(central + 28, 0xFFFF, "a directory entry is longer than the directory");
    reject(central, 0, "a directory entry is missing");
    reject(end + 8, 0xFFFEFFFE, "announces 65534 members in a directory of ");
    reject(end + 8, 0x00040004, "the directory has more than its 4 entries");
    reject(end + 8, 0x00060006, "a directory entry is missing");
    reject(end + 8, 0x00050004, "it has several parts");
    reject(end + 12, 0x7FFFFFFF, "does not end at the end record");
    reject(end + 16, 0x7FFFFFFF, "does not end at the end record");
    reject(end + 16, 0xFFFFFFFF, "the ZIP64 end record is missing");
    good[find(good, "zeros")] = 'Z'; // in the local header only
    reject(end + 18, 0, "member 'zeros.npy': its local header contradicts the directory");
}

TEST(Npz, RefusesMembersThatShareBytes) {
    const ScratchFolder folder;
    write_zip(folder / "a.npz", {{"a.npy", read_bytes(golden("vector.npy"))}, {"a.npy", {}}});
    Bytes bytes = read_bytes(folder / "a.npz");
    const size_t first = find(bytes, "PK\x01\x02");
    const auto entry = std::vector<uint8_t>(bytes.begin() + static_cast<std::ptrdiff_t>(first),
                                            bytes.begin() + static_cast<std::ptrdiff_t>(first) + 51);
    std::copy(entry.begin(), entry.end(), bytes.begin() + static_cast<std::ptrdiff_t>(first) + 51);
    write_bytes(folder / "a.npz", bytes);
    EXPECT_ERROR(read_npz(folder / "a.npz"), "member 'a.npy' overlaps another one");
}

TEST(Npz, DamagedArchivesAreErrors) {
    const ScratchFolder folder;
    for (const char* name : {"stored.npz", "deflated.npz"}) {
        const Bytes whole = read_bytes(golden(name));
        for (size_t n = 0; n < whole.size(); ++n)
            EXPECT_ERROR(parse_npz(std::span(whole).first(n), "cut.npz"), "cut.npz: ");
        // A flipped bit is an error, or it changes nothing but a name, a date or an attribute.
        int accepted = 0;
        for (size_t n = 0; n < whole.size(); ++n) {
            Bytes bytes = whole;
            bytes[n] = static_cast<uint8_t>(bytes[n] ^ (1u << (n % 8)));
            try {
                for (const auto& [key, array] : parse_npz(bytes, "flip.npz")) {
                    if (key == "layer.weight") { EXPECT_EQ(values<float>(array), golden_values<float>()) << n; }
                }
                ++accepted;
            } catch (const FileError&) { // the usual outcome
            }
        }
        EXPECT_LT(accepted, static_cast<int>(whole.size()) / 2) << name;
    }
    testing::write_text(folder / "page.npz", "<html><body>404</body></html>");
    EXPECT_ERROR(read_npz(folder / "page.npz"), "page.npz: is not a zip archive");
    Bytes prefixed = read_bytes(golden("stored.npz"));
    prefixed.insert(prefixed.begin(), 64, '#');
    write_bytes(folder / "prefixed.npz", prefixed);
    EXPECT_ERROR(read_npz(folder / "prefixed.npz"), "wrong magic number");
    EXPECT_ERROR(read_npz(folder / "none"), "none: cannot open");
}

TEST(Npz, WriterRefusesNonsense) {
    const ScratchFolder folder;
    const std::string path = folder / "a.npz";
    const auto view = [](const std::string& name) { return TensorView{name, f32, Shape{2}, kFloats, 8}; };
    write_npz(path, {view("old")});
    const Bytes old = read_bytes(path);
    EXPECT_ERROR(write_npz(path, {view("w"), view("w")}), "two arrays are named 'w'");
    EXPECT_ERROR(write_npz(path, {view("../w")}), "'../w' cannot be a name in an npz file");
    EXPECT_ERROR(write_npz(path, {view("")}), "cannot be a name");
    EXPECT_ERROR(write_npz(path, {view("\xFF")}), "is not valid UTF-8");
    EXPECT_ERROR(write_npz(path, {{"w", bf16, Shape{2}, kHalfs, 4}}), "a.npz: 'w': NumPy has no dtype for bf16");
    EXPECT_ERROR(write_npz(path, {{"w", f32, Shape{3}, kFloats, 8}}), "do not fit its shape [3]");
    EXPECT_ERROR(write_npz(folder.path() + "/no/a.npz", {view("w")}), "cannot create");
    EXPECT_EQ(read_bytes(path), old);
    EXPECT_EQ(folder.entries(), 1u);
}

} // namespace
} // namespace ingot::io
