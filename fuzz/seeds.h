// SPDX-License-Identifier: MIT
// What the programs that write first inputs share: OUT/<target>/<file>. One per part of the library that they need
// (io/seeds.cpp, seeds_train.cpp).
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>

#include "io/io_testing.h"

namespace ingot::fuzz {

inline std::string g_out;

/// Takes the only argument, the folder OUT; false after saying how the program is called.
inline bool begin(int argc, char** argv) {
    if (argc == 2)
        g_out = argv[1];
    else
        std::fprintf(stderr, "usage: %s OUT\n", argv[0]);
    return argc == 2;
}

inline std::string place(const std::string& target, const std::string& name) {
    std::filesystem::create_directories(std::filesystem::path(g_out) / target);
    return (std::filesystem::path(g_out) / target / name).string();
}

inline void put(const std::string& target, const std::string& name, const testing::Bytes& bytes) {
    testing::write_bytes(place(target, name), bytes);
}

inline void put(const std::string& target, const std::string& name, const std::string& text) {
    put(target, name, testing::Bytes(text.begin(), text.end()));
}

} // namespace ingot::fuzz
