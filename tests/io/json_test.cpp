// SPDX-License-Identifier: MIT
// JSON from strangers: whatever the bytes are, a value or one line that names the file.
#include "io/json.h"

#include "io/io_testing.h"

namespace ingot::testing {

template <class Json> void expect_well_formed_is_read() {
    const auto json = io::parse_json<Json>(R"({"b": [1, -2.5, null, true], "a": {"text": "\u00fc\u0000"}})", "f");
    EXPECT_EQ(json.at("b").at(1), -2.5);
    EXPECT_EQ(json.at("a").at("text"), std::string("\xC3\xBC\0", 3));
    EXPECT_EQ(io::parse_json<Json>(std::string(100, '[') + std::string(100, ']'), "f").size(), 1u);
}

template <class Json> void expect_one_line_for_everything_else() {
    const auto error = [](const std::string& text) {
        try {
            io::parse_json<Json>(text, "f.json");
        } catch (const FileError& e) { return std::string(e.what()); }
        return std::string("no error");
    };
    EXPECT_EQ(error("{\"a\": 1,\n \"b\" 2}"), "f.json: not JSON: syntax error in line 2, at byte 15");
    EXPECT_EQ(error("[1e400]"), "f.json: not JSON: a number is too large for any computer");
    EXPECT_EQ(error("[-1e400]"), "f.json: not JSON: a number is too large for any computer");
    EXPECT_EQ(error(std::string("[1]\0", 4)), "f.json: not JSON: a NUL byte at byte 4");
    EXPECT_EQ(error(std::string(1'000'000, '[')), "f.json: nested deeper than 100 levels");
    EXPECT_EQ(error(std::string(101, '[') + std::string(101, ']')), "f.json: nested deeper than 100 levels");
    EXPECT_EQ(error(R"({"a": 1, "b": {"a": 1}, "a": 2})"), "f.json: the key 'a' stands twice in one object");
    for (const char* text : {"", " ", "{", "[1] 2", "nan", "\xEF\xBB\xBF", "\"\xFF\"", "{\"a\nb\": 1}"}) {
        EXPECT_EQ(error(text).rfind("f.json: not JSON: syntax error in line ", 0), 0u) << error(text);
        EXPECT_EQ(error(text).find('\n'), std::string::npos) << error(text);
    }
}

TEST(JsonText, ReadsWhatIsWellFormed) {
    expect_well_formed_is_read<nlohmann::json>();
    expect_well_formed_is_read<nlohmann::ordered_json>();
}

TEST(JsonText, EverythingElseIsOneLineNamingTheFile) {
    expect_one_line_for_everything_else<nlohmann::json>();
    expect_one_line_for_everything_else<nlohmann::ordered_json>();
}

// Looking up a key of an ordered object reads them all.
TEST(JsonText, OrderedObjectsHaveALimitOfKeys) {
    std::string text = "{";
    for (int i = 0; i < 20'000; ++i) text += "\"" + std::to_string(i) + "\": 0, ";
    text += "\"x\": 0}";
    EXPECT_EQ(io::parse_json<nlohmann::json>(text, "f").size(), 20'001u);
    EXPECT_ERROR(io::parse_json<nlohmann::ordered_json>(text, "f"), "f: an object of more than 10000 keys");
}

} // namespace ingot::testing
