// SPDX-License-Identifier: MIT
// Scratch folders, file contents and expected errors, for the tests of io and data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ingot/error.h>

#include "support/scratch_folder.h"

namespace ingot::testing {

using Bytes = std::vector<uint8_t>;

using testing_support::ScratchFolder;

/// A new file; the folders above it are made.
inline void write_text(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
}
inline void write_bytes(const std::string& path, const Bytes& bytes) { write_text(path, {bytes.begin(), bytes.end()}); }

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
