// SPDX-License-Identifier: MIT
// What surrounds the command: limits of the system and the variables that developers set.
#include <cstdlib>

#include <sys/resource.h>

#include "cli/cli_testing.h"

namespace ingot::cli_testing {

namespace {

/// A variable of the environment while it lives.
class WithVariable {
public:
    WithVariable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
    ~WithVariable() { unsetenv(name_); }
    WithVariable(const WithVariable&) = delete;
    WithVariable& operator=(const WithVariable&) = delete;

private:
    const char* name_;
};

} // namespace

class Surroundings : public CliTest {
protected:
    Result train() const {
        const std::string data = make_images("data", 4, 2);
        return ingot({"train", "--model", make_spec(), "--data", data, "--out", path("run"), "--epochs", "1", "--batch",
                      "4", "--quiet", "--force"});
    }
};

TEST_F(Surroundings, ALimitOnFilesIsAnErrorThatNamesTheFile) {
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    make_images("data", 4, 2);
    rlimit small = before;
    small.rlim_cur = 1000;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const Result result = ingot({"train", "--model", "mlp", "--data", "folder:" + path("data"), "--out", path("run"),
                                 "--epochs", "1", "--batch", "4", "--quiet"});
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_EQ(result.status, 1) << result.err;
    const size_t last_line = result.err.rfind('\n', result.err.size() - 2) + 1; // behind the warnings
    EXPECT_EQ(result.err.rfind("ingot: error: " + path("run/best.safetensors"), std::string::npos), last_line)
        << result.err;
    EXPECT_NE(result.err.find("File too large", last_line), std::string::npos) << result.err;
    for (const auto& entry : fs::directory_iterator(path("run")))
        EXPECT_EQ(entry.path().filename().string().find(".tmp-"), std::string::npos) << entry.path();
}

TEST_F(Surroundings, DumpsAreAskedForByName) {
    {
        const WithVariable bogus("INGOT_DUMP", "graph,bogus");
        expect_error(train(), 1, {"INGOT_DUMP", "'bogus'", "graph, plan"});
    }
    const WithVariable graph("INGOT_DUMP", "graph"), folder("INGOT_DUMP_DIR", path("new/dumps"));
    EXPECT_EQ(train().status, 0);
    EXPECT_TRUE(fs::exists(path("new/dumps/000-captured.txt")));
    write("file", "");
    const WithVariable occupied("INGOT_DUMP_DIR", path("file"));
    expect_error(train(), 1, {"INGOT_DUMP_DIR", "file/000-captured.txt"});
}

TEST_F(Surroundings, NothingLeaks) {
    const WithVariable check("INGOT_LEAK_CHECK", "1");
    const Result result = train();
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_NE(result.err.find("leak check: 0 bytes live"), std::string::npos) << result.err;
}

} // namespace ingot::cli_testing
