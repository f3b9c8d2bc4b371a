// SPDX-License-Identifier: MIT
// What the fuzz targets share. Each fuzz/<name>.cpp and fuzz/io/<name>.cpp defines LLVMFuzzerTestOneInput for one parser and calls the function that
// programs call. An ingot::Error is the expected answer to a bad file; everything else (a crash, a leak, another exception, a
// large allocation, endless work) is a finding. tools/run_fuzz runs the targets, seeds*.cpp write their first inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include <ingot/error.h>

namespace ingot::fuzz {

/// Runs `f`; what it may throw is an Error of one line that does not begin or end with a space.
template <class F> int run(const F& f) {
    try {
        f();
    } catch (const Error& error) {
        const std::string text = error.what();
        if (text.empty() || text.find('\n') != std::string::npos || text.front() == ' ' || text.back() == ' ') {
            std::fprintf(stderr, "not one clean line: '%s'\n", text.c_str());
            std::abort();
        }
    }
    return 0;
}

/// Reads every byte, so that the sanitizer sees what lies outside.
inline void touch(const void* data, size_t bytes) {
    uint8_t sum = 0;
    for (size_t i = 0; i < bytes; ++i) sum = static_cast<uint8_t>(sum + static_cast<const uint8_t*>(data)[i]);
    asm volatile("" : : "r"(sum)); // the loop must not be optimized away
}

/// A file in memory, for functions that take a path.
class MemoryFile {
public:
    MemoryFile() : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
        if (fd_ < 0) std::abort();
    }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    ~MemoryFile() { ::close(fd_); }
    std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }
    void write(const uint8_t* data, size_t bytes) const {
        if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, data, bytes, 0) != static_cast<ssize_t>(bytes)) std::abort();
    }

private:
    int fd_;
};

} // namespace ingot::fuzz
