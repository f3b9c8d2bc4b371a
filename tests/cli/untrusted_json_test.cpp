// SPDX-License-Identifier: MIT
// Settings inside checkpoints and the files that `ingot inspect` is given: anything but what Ingot wrote is one line that
// names the file.
#include "cli/cli_testing.h"
#include "cli/run_settings.h"

namespace ingot::cli_testing {

namespace {

std::string settings_error(const std::string& text) {
    try {
        cli::settings_from_json(text, "d/last.safetensors");
    } catch (const FileError& e) { return e.what(); }
    return "no error";
}

} // namespace

TEST(UntrustedSettings, AreOneLine) {
    cli::RunSettings settings;
    settings.model = "lenet";
    settings.seed = 18446744073709551615U;
    settings.recipe.schedule = "none";
    settings.threads = 2;
    const std::string good = cli::to_json(settings);
    EXPECT_EQ(cli::settings_from_json(good, "x").seed, settings.seed);
    EXPECT_EQ(cli::to_json(cli::settings_from_json(good, "x")), good);
    const std::string begin = "d/last.safetensors: cannot go on from it: its settings are not those of 'ingot train': ";
    const auto error = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        const size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from << " in " << good;
        const std::string e = settings_error(text.replace(at, from.size(), to));
        EXPECT_EQ(e.rfind(begin, 0), 0u) << e;
        EXPECT_EQ(e.find('\n'), std::string::npos) << e;
        EXPECT_EQ(e.find("json.exception"), std::string::npos) << e;
        return e.substr(std::min(begin.size(), e.size()));
    };
    EXPECT_EQ(error("\"lr\":0.001", "\"lr\":1e400"), "not JSON: a number is too large for any computer");
    EXPECT_EQ(error("\"lr\":0.001", "\"lr\":\"0.1\"").rfind("\"lr\" must be a number in ", 0), 0u);
    EXPECT_EQ(error("\"epochs\":5", "\"epochs\":1e300").rfind("\"epochs\" must be a whole number from ", 0), 0u);
    EXPECT_EQ(error("\"epochs\":5", "\"epochs\":true").rfind("\"epochs\" must be a whole number from ", 0), 0u);
    EXPECT_EQ(error("\"batch\":32", "\"batch\":0").rfind("\"batch\" must be a whole number from 1 ", 0), 0u);
    EXPECT_EQ(error("18446744073709551615", "-1").rfind("\"seed\" must be a whole number from 0 ", 0), 0u);
    EXPECT_EQ(error("\"augment\":\"none\"", "\"augment\":\"shift=99999999999999999999\""),
              "\"augment\": \"shift=99999999999999999999\" is not known");
    EXPECT_EQ(error("\"schedule\":\"none\"", "\"schedule\":\"nine\"").find("json"), std::string::npos);
    EXPECT_EQ(error("\"model\":\"lenet\",", "").rfind("\"model\" is missing", 0), 0u);
    error("\"model\":\"lenet\"", std::string("\"model\":\"\0\"", 11));
    error("\"model\":\"lenet\"", "\"model\":" + std::string(100'000, '[') + std::string(100'000, ']'));
    for (const char* text : {"", "7", "[]", "null", "{"}) EXPECT_EQ(settings_error(text).rfind(begin, 0), 0u) << text;
}

class InspectJson : public CliTest {};

TEST_F(InspectJson, AnyBytesAreOneLine) {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    for (const std::string& text :
         {std::string("{\"spec\": 1e400}"), std::string("{\"spec\": \"\0\"}", 13), "{\"spec\": " + deep + "}", deep,
          std::string("7"), std::string("{\"spec\": 7}"), std::string("{\"spec\": {}, \"name\": 4}"),
          std::string("{\"input\": [1e400], \"layers\": []}")})
        for (const bool json : {false, true}) {
            write("m.json", text);
            std::vector<std::string> arguments{"inspect", path("m.json")};
            if (json) arguments.emplace_back("--json");
            const Result result = ingot(arguments);
            expect_error(result, 1, {"m.json: "});
            EXPECT_EQ(result.err.find("json.exception"), std::string::npos) << result.err;
        }
}

} // namespace ingot::cli_testing
