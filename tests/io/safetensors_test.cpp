// SPDX-License-Identifier: MIT
#include "io/safetensors.h"

#include <cstring>

#include "io/io_testing.h"

namespace ingot::io {
namespace {

using testing::Bytes;
using testing::read_bytes;
using testing::ScratchFolder;
using testing::write_bytes;

/// A file with this header and `data` zero bytes after it.
Bytes file_with(const std::string& header, size_t data) {
    const uint64_t length = header.size();
    Bytes bytes(8 + header.size() + data);
    std::memcpy(bytes.data(), &length, 8);
    std::memcpy(bytes.data() + 8, header.data(), header.size());
    return bytes;
}

SafetensorsFile parse(const std::string& header, size_t data) {
    return SafetensorsFile::parse(file_with(header, data), "f.safetensors");
}

#define EXPECT_REJECTED(header, data, part) EXPECT_ERROR(parse(header, data), part)

const std::string kOne = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

TEST(Safetensors, RoundTripsEveryDtype) {
    const ScratchFolder folder;
    const std::string path = folder / "w.safetensors";
    const float f[] = {1.5f, -2.0f, 3.0f, 4.0f, 5.0f, 6.0f};
    const double d[] = {0.1};
    const uint16_t h[] = {0x3C00, 0xC000};
    const int32_t i[] = {-7};
    const int64_t l[] = {INT64_MIN, INT64_MAX};
    const uint8_t u[] = {1, 2, 255};
    const bool b[] = {true, false};
    const std::vector<TensorView> tensors = {
        {"z.weight", DType::f32, Shape{2, 3}, f, 24},
        {"scalar", DType::f64, Shape{}, d, 8},
        {"half", DType::f16, Shape{2}, h, 4},
        {"brain", DType::bf16, Shape{1, 2}, h, 4},
        {"int", DType::i32, Shape{1}, i, 4},
        {"long", DType::i64, Shape{2}, l, 16},
        {"byte \"q\" \xC3\xA4", DType::u8, Shape{3}, u, 3},
        {"empty", DType::f32, Shape{0, 5}, nullptr, 0},
        {"flag", DType::boolean, Shape{2}, b, 2},
    };
    write_safetensors(path, tensors, {{"ingot", "{\"a\": 1}"}, {"note", "line\nbreak"}});

    const SafetensorsFile file = SafetensorsFile::open(path);
    ASSERT_EQ(file.tensors().size(), tensors.size());
    for (size_t k = 0; k < tensors.size(); ++k) {
        const TensorView& got = file.tensors()[k];
        EXPECT_EQ(got.name, tensors[k].name); // in the order given
        EXPECT_EQ(got.dtype, tensors[k].dtype);
        EXPECT_EQ(got.shape, tensors[k].shape);
        ASSERT_EQ(got.bytes, tensors[k].bytes);
        if (got.bytes > 0) { EXPECT_EQ(std::memcmp(got.data, tensors[k].data, got.bytes), 0) << got.name; }
        EXPECT_EQ(file.find(got.name), &got);
    }
    EXPECT_EQ(file.find("nothing"), nullptr);
    EXPECT_EQ(file.metadata().at("ingot"), "{\"a\": 1}");
    EXPECT_EQ(file.metadata().at("note"), "line\nbreak");

    const Bytes bytes = read_bytes(path);
    uint64_t header = 0;
    std::memcpy(&header, bytes.data(), 8);
    EXPECT_EQ(header % 8, 0u);
    EXPECT_EQ(file.offset(file.tensors()[0]), 8 + header);
    write_safetensors(path, tensors, {{"ingot", "{\"a\": 1}"}, {"note", "line\nbreak"}});
    EXPECT_EQ(read_bytes(path), bytes); // deterministic
}

TEST(Safetensors, CopiesShareTheBytes) {
    const ScratchFolder folder;
    const float f[] = {7};
    write_safetensors(folder / "a", {{"x", DType::f32, Shape{1}, f, 4}});
    std::vector<SafetensorsFile> copies;
    {
        const SafetensorsFile file = SafetensorsFile::open(folder / "a");
        copies.push_back(file);
    }
    float value = 0;
    std::memcpy(&value, copies[0].find("x")->data, 4);
    EXPECT_EQ(value, 7.0f);
}

TEST(Safetensors, AcceptsWhatTheFormatAllows) {
    EXPECT_EQ(parse("{}", 0).tensors().size(), 0u);
    EXPECT_EQ(parse(kOne + "   ", 8).tensors().size(), 1u);
    // Order in the header and order in the file are independent; empty tensors may share an offset.
    const SafetensorsFile file = parse(R"({"b":{"shape":[1],"data_offsets":[8,12],"dtype":"I32"},)"
                                       R"("e1":{"dtype":"U8","shape":[0],"data_offsets":[8,8]},)"
                                       R"("e2":{"dtype":"U8","shape":[3,0],"data_offsets":[8,8]},)"
                                       R"("a":{"dtype":"F64","shape":[],"data_offsets":[0,8]}})",
                                       12);
    EXPECT_EQ(file.tensors()[0].name, "b");
    EXPECT_EQ(file.tensors()[2].shape, (Shape{3, 0}));
    EXPECT_EQ(file.tensors()[3].shape.rank(), 0u);
}

TEST(Safetensors, RejectsBadLengths) {
    EXPECT_ERROR(SafetensorsFile::parse({}, "empty.st"), "empty.st: has 0 bytes");
    EXPECT_ERROR(SafetensorsFile::parse({1}, "x"), "too short");
    EXPECT_ERROR(SafetensorsFile::parse(Bytes(7), "x"), "too short");
    EXPECT_ERROR(SafetensorsFile::parse(Bytes(8), "x"), "does not begin with '{'");
    for (const uint64_t length : {uint64_t{3}, uint64_t{100'000'001}, uint64_t{1} << 63, UINT64_MAX, UINT64_MAX - 7}) {
        Bytes bytes = file_with("{}", 0);
        std::memcpy(bytes.data(), &length, 8);
        EXPECT_ERROR(SafetensorsFile::parse(bytes, "x"), "the header length at offset 0 is " + std::to_string(length));
    }
    Bytes large = file_with("{}", 100'000'010); // a header over the limit that does fit the file
    const uint64_t length = 100'000'001;
    std::memcpy(large.data(), &length, 8);
    EXPECT_ERROR(SafetensorsFile::parse(std::move(large), "x"), "at most 100000000 are allowed");
    const std::string html = "<!DOCTYPE html><html><body>404</body></html>";
    EXPECT_ERROR(SafetensorsFile::parse(Bytes(html.begin(), html.end()), "model.safetensors"),
                 "model.safetensors: is not a safetensors file");
}

TEST(Safetensors, RejectsBadJson) {
    EXPECT_REJECTED("[]", 0, "does not begin with '{'");
    EXPECT_REJECTED(" " + kOne, 8, "does not begin with '{'");
    EXPECT_REJECTED("\xEF\xBB\xBF" + kOne, 8, "does not begin with '{'");
    EXPECT_REJECTED("{", 0, "not valid UTF-8 JSON at offset");
    EXPECT_REJECTED(kOne + "x", 8, "not valid UTF-8 JSON at offset 63");
    EXPECT_REJECTED(kOne + "{}", 8, "not valid UTF-8 JSON");
    EXPECT_REJECTED("{\"a\xFF\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "not valid UTF-8 JSON");
    EXPECT_REJECTED(kOne + std::string(1, '\0') + "{\"hidden\":1}", 8, "not valid UTF-8 JSON at offset 62");
    EXPECT_REJECTED("{/* c */}", 0, "not valid UTF-8 JSON");
    EXPECT_REJECTED(std::string(1'000'000, '{'), 0, "not valid UTF-8 JSON");
    EXPECT_REJECTED("{\"a\":" + std::string(1'000'000, '['), 0, "unexpected an array");
}

TEST(Safetensors, RejectsDuplicateKeys) {
    EXPECT_REJECTED(
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
        12, "the key 'a' occurs twice");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}})", 8,
                    "tensor 'a': the key 'dtype' occurs twice");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}})", 8, "'shape' occurs twice");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]}})", 8,
                    "'data_offsets' occurs twice");
    EXPECT_REJECTED(R"({"__metadata__":{"k":"1","k":"2"}})", 0, "the __metadata__ key 'k' occurs twice");
    EXPECT_REJECTED(R"({"__metadata__":{},"__metadata__":{}})", 0, "the key '__metadata__' occurs twice");
}

TEST(Safetensors, RejectsBadEntries) {
    EXPECT_REJECTED(R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8,
                    "tensor 'a': dtype, shape and data_offsets are needed");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8, "are needed");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[2]}})", 8, "are needed");
    EXPECT_REJECTED(R"({"a":{}})", 0, "are needed");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":[]}})", 8, "unknown key 'x'");
    EXPECT_REJECTED(R"({"a":{"dtype":"I8","shape":[8],"data_offsets":[0,8]}})", 8, "has dtype 'I8'; Ingot reads");
    EXPECT_REJECTED(R"({"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}})", 8, "unexpected a number");
    EXPECT_REJECTED(R"({"a":{"dtype":["F32"],"shape":[2],"data_offsets":[0,8]}})", 8, "unexpected an array");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", 8, "unexpected a number");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8, "unexpected an array");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}})", 8, "unexpected a string");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":{},"data_offsets":[0,8]}})", 8, "unexpected an object");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "unexpected a negative number");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8, "not a 64-bit unsigned integer");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,8]}})", 8, "not valid UTF-8 JSON");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]}})", 8,
                    "not a 64-bit unsigned integer");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}})", 8, "too large");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[null],"data_offsets":[0,8]}})", 8, "unexpected null");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8, "must be two numbers");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}})", 8, "must be two numbers");
    EXPECT_REJECTED(R"({"a":true})", 0, "tensor 'a': unexpected a boolean");
    EXPECT_REJECTED(R"({"a":[]})", 0, "unexpected an array");
    EXPECT_REJECTED(R"({"a":"b"})", 0, "unexpected a string");
    EXPECT_REJECTED(R"({"__metadata__":{"k":1}})", 0, "unexpected a number");
    EXPECT_REJECTED(R"({"__metadata__":{"k":["1"]}})", 0, "unexpected an array");
    EXPECT_REJECTED(R"({"__metadata__":{"k":{}}})", 0, "unexpected an object");
    EXPECT_REJECTED(R"({"__metadata__":"x"})", 0, "unexpected a string");
    EXPECT_REJECTED(R"({"__metadata__":null})", 0, "unexpected null");
    std::string shape = "1";
    for (int i = 0; i < 40; ++i) shape += ",1";
    EXPECT_REJECTED(R"({"a":{"dtype":"U8","shape":[)" + shape + R"(],"data_offsets":[0,1]}})", 1,
                    "more than 32 numbers");
}

TEST(Safetensors, RejectsBadExtents) {
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8,
                    "tensor 'a' at data offset 0 has 8 bytes; its shape and dtype need 12");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,8]}})", 8, "need 4");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "ends at 0, outside");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", 8,
                    "ends at 16, outside the file's 8 bytes of data");
    // Products that wrap around 2^64: to 0, to 4, with and without a zero size, in the last factor.
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0, "overflows");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})", 4, "overflows");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}})", 0, "overflows");
    EXPECT_REJECTED(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}})", 0, "overflows");
    EXPECT_REJECTED(R"({"a":{"dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,0]}})", 0, "overflows");
}

TEST(Safetensors, RejectsOverlapsAndHoles) {
    const auto two = [](const char* a, const char* b) {
        return std::string(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)") + a +
               R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}";
    };
    EXPECT_EQ(parse(two("[4,8]", "[0,4]"), 8).tensors().size(), 2u);
    EXPECT_REJECTED(two("[0,4]", "[0,4]"), 4, "inside the tensor before it");
    EXPECT_REJECTED(two("[0,4]", "[2,6]"), 6, "tensor 'b' begins at data offset 2, inside");
    EXPECT_REJECTED(two("[0,4]", "[5,9]"), 9, "leaving a hole");
    EXPECT_REJECTED(two("[1,5]", "[5,9]"), 9, "tensor 'a' begins at data offset 1, leaving a hole");
    EXPECT_REJECTED(two("[0,4]", "[4,8]"), 9, "end at data offset 8 but the file has 9 bytes");
    EXPECT_REJECTED(two("[0,4]", "[4,8]"), 7, "outside the file's 7 bytes");
    EXPECT_REJECTED("{}", 1, "end at data offset 0 but the file has 1 bytes");
    // An empty tensor inside another one.
    EXPECT_REJECTED(
        R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"e":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})",
        4, "tensor 'e' begins at data offset 2, inside");
}

TEST(Safetensors, RejectsTooManyTensors) {
    std::string header = "{";
    for (int i = 0; i <= 100'000; ++i)
        header += (i > 0 ? "," : "") + std::string("\"") + std::to_string(i) +
                  R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
    EXPECT_REJECTED(header + "}", 0, "more than 100000 tensors");
}

TEST(Safetensors, RejectsBoolsThatAreNone) {
    Bytes bytes = file_with(R"({"m":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}})", 3);
    EXPECT_EQ(SafetensorsFile::parse(bytes, "x").tensors().size(), 1u);
    bytes[bytes.size() - 1] = 2;
    EXPECT_ERROR(SafetensorsFile::parse(bytes, "x"),
                 "tensor 'm': the BOOL at offset " + std::to_string(bytes.size() - 1) + " is 2");
}

TEST(Safetensors, LongAndOddNamesStayOnOneLine) {
    const std::string name = "a\\n" + std::string(500, 'x');
    const std::string text =
        testing::error_of([&] { parse("{\"" + name + R"(":{"dtype":"X","shape":[],"data_offsets":[0,0]}})", 0); });
    EXPECT_TRUE(testing::contains(text, "'a\\nxxx")) << text;
    EXPECT_LT(text.size(), 300u);
}

TEST(Safetensors, TruncatedAtEveryOffset) {
    const ScratchFolder folder;
    const float f[] = {1, 2, 3, 4};
    const uint8_t u[] = {1, 2, 3};
    write_safetensors(folder / "a", {{"w", DType::f32, Shape{4}, f, 16}, {"u", DType::u8, Shape{3}, u, 3}},
                      {{"k", "v"}});
    const Bytes whole = read_bytes(folder / "a");
    ASSERT_EQ(SafetensorsFile::parse(whole, "a").tensors().size(), 2u);
    for (size_t n = 0; n < whole.size(); ++n) {
        write_bytes(folder / "cut", Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)));
        EXPECT_ERROR(SafetensorsFile::open(folder / "cut"), folder / "cut");
    }
}

TEST(Safetensors, EveryFlippedHeaderByteIsHandled) {
    const ScratchFolder folder;
    const float f[] = {1, 2, 3, 4};
    write_safetensors(folder / "a", {{"w", DType::f32, Shape{4}, f, 16}, {"v", DType::f32, Shape{0}, f, 0}});
    const Bytes whole = read_bytes(folder / "a");
    int accepted = 0;
    for (size_t n = 0; n + 16 < whole.size(); ++n)
        for (const int bit : {1, 2, 4, 8, 16, 32, 64, 128}) {
            Bytes bytes = whole;
            bytes[n] = static_cast<uint8_t>(bytes[n] ^ bit);
            try {
                const SafetensorsFile file = SafetensorsFile::parse(std::move(bytes), "x");
                size_t sum = 0;
                for (const TensorView& t : file.tensors()) sum += t.bytes;
                EXPECT_EQ(sum, 16u); // another name or dtype of the same size; never another extent
                ++accepted;
            } catch (const FileError&) { // the usual outcome
            }
        }
    EXPECT_GT(accepted, 0); // a changed letter in a name is still a good file
    EXPECT_LT(accepted, 100);
}

TEST(Safetensors, MissingFilesAndFolders) {
    const ScratchFolder folder;
    EXPECT_ERROR(SafetensorsFile::open(folder / "none"), "none: cannot open: No such file");
    EXPECT_ERROR(SafetensorsFile::open(folder.path()), "is not a regular file");
    EXPECT_ERROR(SafetensorsFile::open("/dev/zero"), "is not a regular file");
}

TEST(Safetensors, WriterRefusesNonsense) {
    const ScratchFolder folder;
    const std::string path = folder / "a";
    const float f[] = {1, 2};
    const auto view = [&](const std::string& name) { return TensorView{name, DType::f32, Shape{2}, f, 8}; };
    write_safetensors(path, {view("old")});
    const Bytes old = read_bytes(path);
    EXPECT_ERROR(write_safetensors(path, {view("w"), view("w")}), "two tensors are named 'w'");
    EXPECT_ERROR(write_safetensors(path, {view("__metadata__")}), "cannot be named __metadata__");
    EXPECT_ERROR(write_safetensors(path, {view("\xFF")}), "is not valid UTF-8");
    EXPECT_ERROR(write_safetensors(path, {view("w")}, {{"k", "\xC3"}}), "is not valid UTF-8");
    EXPECT_ERROR(write_safetensors(path, {{"w", DType::f32, Shape{3}, f, 8}}),
                 "8 bytes, which do not fit its shape [3]");
    EXPECT_ERROR(write_safetensors(path, {{"w", DType::f32, Shape{-1}, f, 8}}), "negative size");
    EXPECT_ERROR(write_safetensors(folder.path() + "/no/w", {view("w")}), "cannot create");
    EXPECT_EQ(read_bytes(path), old);
    EXPECT_EQ(folder.entries(), 1u);
}

TEST(Safetensors, Crc32IsZlibs) {
    const char text[] = "123456789"; // the check value of CRC-32
    EXPECT_EQ(crc32({"t", DType::u8, Shape{9}, text, 9}), 0xCBF43926u);
    EXPECT_EQ(crc32({"t", DType::u8, Shape{0}, nullptr, 0}), 0u);
}

TEST(Safetensors, ChecksumsNameTheDamagedTensor) {
    const ScratchFolder folder;
    const std::string path = folder / "a";
    const float f[] = {1, 2, 3, 4};
    const std::vector<TensorView> tensors = {{"w", DType::f32, Shape{2}, f, 8}, {"v", DType::f32, Shape{2}, f + 2, 8}};
    write_safetensors(path, tensors, {{"crc32", checksums_json(tensors)}});
    verify_checksums(SafetensorsFile::open(path));
    const Bytes whole = read_bytes(path);
    for (size_t n = whole.size() - 16; n < whole.size(); ++n) {
        Bytes bytes = whole;
        bytes[n] ^= 4;
        const bool first = n < whole.size() - 8;
        EXPECT_ERROR(verify_checksums(SafetensorsFile::parse(bytes, "c.st")),
                     std::string("c.st: tensor '") + (first ? "w" : "v") + "' at offset " +
                         std::to_string(whole.size() - (first ? 16 : 8)) + " is damaged");
    }
    write_safetensors(path, tensors, {{"crc32", checksums_json({tensors[0]})}});
    EXPECT_ERROR(verify_checksums(SafetensorsFile::open(path)), "tensor 'v' at offset");
    write_safetensors(path, {tensors[0]}, {{"crc32", checksums_json(tensors)}});
    EXPECT_ERROR(verify_checksums(SafetensorsFile::open(path)), "tensor 'v' is missing");
    write_safetensors(path, tensors, {{"crc32", "[1]"}});
    EXPECT_ERROR(verify_checksums(SafetensorsFile::open(path)), "not a JSON object");
    write_safetensors(path, tensors); // no list, nothing to compare
    verify_checksums(SafetensorsFile::open(path));
}

TEST(Safetensors, ChecksumsNameTheDamagedText) {
    const ScratchFolder folder;
    const std::string path = folder / "a";
    const float f[] = {1, 2};
    const auto verify = [&](const std::map<std::string, std::string>& metadata) {
        write_safetensors(path, {{"w", DType::f32, Shape{2}, f, 8}}, metadata);
        verify_checksums(SafetensorsFile::open(path));
    };
    const std::string sums = checksums_json({{"a", "one"}, {"b", ""}});
    verify({{"a", "one"}, {"b", ""}, {"metadata_crc32", sums}});
    EXPECT_ERROR(verify({{"a", "ooe"}, {"b", ""}, {"metadata_crc32", sums}}), "metadata 'a' is damaged");
    EXPECT_ERROR(verify({{"a", "one"}, {"metadata_crc32", sums}}), "metadata 'b' is missing");
    EXPECT_ERROR(verify({{"a", "one"}, {"b", ""}, {"c", ""}, {"metadata_crc32", sums}}),
                 "metadata 'c' has no checksum in the metadata_crc32 list");
    EXPECT_ERROR(verify({{"metadata_crc32", "1"}}), "metadata_crc32 is not a JSON object");
    for (const std::string& text : {std::string("{\"a\": 1e400}"), std::string(100'000, '['),
                                    std::string("{\"a\": 1}\0", 9), std::string("{\"a\": 1, \"a\": 1}"), std::string()})
        EXPECT_ERROR(verify({{"a", "one"}, {"metadata_crc32", text}}), path + ": the metadata key metadata_crc32: ");
}

} // namespace
} // namespace ingot::io
