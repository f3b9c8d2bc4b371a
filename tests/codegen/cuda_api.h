// SPDX-License-Identifier: MIT
// The few entry points of NVRTC and of the CUDA driver that the tests of printed kernels call, found at run time.
// nvrtc() and driver() return nullptr, with why(), where the library or a device is not there. Loaded once, kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ingot::test {

/// libnvrtc: compiles CUDA C++ to PTX or machine code.
class Nvrtc {
public:
    /// The library, or nullptr; `why` then says what was looked for.
    static const Nvrtc* get(std::string* why);
    /// The image for `arch`: "compute_90" gives PTX text, "sm_90" machine code. Throws std::runtime_error with the log.
    /// With `usage`, the registers, spills and shared memory of each kernel as ptxas tells them (machine code only).
    std::vector<char> compile(const std::string& source, const std::string& arch, std::string* usage = nullptr) const;

private:
    using Program = void*;
    int (*create_)(Program*, const char* source, const char* name, int headers, const char* const* texts,
                   const char* const* names) = nullptr;
    int (*compile_)(Program, int options, const char* const* text) = nullptr;
    int (*log_size_)(Program, size_t*) = nullptr;
    int (*log_)(Program, char*) = nullptr;
    int (*ptx_size_)(Program, size_t*) = nullptr;
    int (*ptx_)(Program, char*) = nullptr;
    int (*cubin_size_)(Program, size_t*) = nullptr;
    int (*cubin_)(Program, char*) = nullptr;
    int (*destroy_)(Program*) = nullptr;
};

/// libcuda with its first device made current.
class Driver {
public:
    static const Driver* get(std::string* why);
    std::string arch() const { return arch_; } ///< "sm_90"
    uint64_t allocate(size_t bytes) const;
    void free(uint64_t address) const;
    void upload(uint64_t to, const void* from, size_t bytes) const;
    void download(void* to, uint64_t from, size_t bytes) const;
    void* load(const std::vector<char>& image) const; ///< a module
    void unload(void* module) const;
    void launch(void* module, const std::string& entry, int64_t grid, int32_t block,
                const std::vector<uint64_t>& arguments) const;
    void wait() const;

private:
    void check(int result, const char* what) const;
    std::string arch_;
    int (*error_string_)(int, const char**) = nullptr;
    int (*mem_alloc_)(uint64_t*, size_t) = nullptr;
    int (*mem_free_)(uint64_t) = nullptr;
    int (*to_device_)(uint64_t, const void*, size_t) = nullptr;
    int (*to_host_)(void*, uint64_t, size_t) = nullptr;
    int (*module_load_)(void**, const void*) = nullptr;
    int (*module_unload_)(void*) = nullptr;
    int (*get_function_)(void**, void*, const char*) = nullptr;
    int (*launch_)(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void* stream, void** parameters, void** extra) = nullptr;
    int (*synchronize_)() = nullptr;
};

} // namespace ingot::test
