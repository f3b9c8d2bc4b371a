// SPDX-License-Identifier: MIT
// Temporary folders, file contents and expected errors, for the tests of io and data.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <unistd.h>

#include <gtest/gtest.h>

#include <ingot/error.h>

namespace ingot::testing {

using Bytes = std::vector<uint8_t>;

/// A folder of its own, removed at the end.
class TempFolder {
public:
    TempFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "ingot-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        path_ = pattern;
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code code;
        std::filesystem::remove_all(path_, code);
    }
    const std::string& path() const { return path_; }
    /// A path inside, whose folders exist.
    std::string operator/(const std::string& name) const {
        const std::filesystem::path path = std::filesystem::path(path_) / name;
        std::filesystem::create_directories(path.parent_path());
        return path.string();
    }
    /// Names directly inside, hidden ones included.
    size_t entries() const {
        const std::filesystem::directory_iterator it(path_);
        return static_cast<size_t>(std::distance(begin(it), end(it)));
    }

private:
    std::string path_;
};

inline void write_bytes(const std::string& path, const Bytes& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}
inline void write_text(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

inline Bytes read_bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

/// The message of the Error that `f` throws; a failure when it throws none. Messages are one line.
template <class F> std::string error_of(const F& f) {
    try {
        f();
    } catch (const Error& error) {
        const std::string text = error.what();
        EXPECT_EQ(text.find('\n'), std::string::npos) << text;
        return text;
    }
    ADD_FAILURE() << "no error was thrown";
    return "";
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace ingot::testing

/// `expression` throws an Error whose text contains `part`.
#define EXPECT_ERROR(expression, part)                                                                                 \
    do {                                                                                                               \
        const std::string error_text = ::ingot::testing::error_of([&] { (void)(expression); });                        \
        EXPECT_TRUE(::ingot::testing::contains(error_text, part))                                                      \
            << "error: " << error_text << "\nexpected: " << part;                                                      \
    } while (false)
