// SPDX-License-Identifier: MIT
#include "codegen/cuda_api.h"

#include <dlfcn.h>

#include <stdexcept>

namespace ingot::test {
namespace {

void* open_first(std::initializer_list<const char*> names, std::string* why) {
    std::string tried;
    for (const char* name : names) {
        if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
        tried += std::string(tried.empty() ? "" : ", ") + name;
    }
    *why = "not found: " + tried;
    return nullptr;
}

template <class F> bool find(void* library, const char* name, F& f, std::string* why) {
    f = reinterpret_cast<F>(dlsym(library, name));
    if (!f) *why = std::string("no symbol ") + name;
    return f != nullptr;
}

} // namespace

const Nvrtc* Nvrtc::get(std::string* why) {
    static std::string reason;
    static const Nvrtc* const instance = []() -> const Nvrtc* {
        void* library = open_first({"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12",
                                    "/usr/local/cuda/lib64/libnvrtc.so", "/usr/local/cuda/lib64/libnvrtc.so.13",
                                    "/usr/local/cuda/lib64/libnvrtc.so.12", "/usr/local/cuda/lib/libnvrtc.so"},
                                   &reason);
        if (!library) return nullptr;
        static Nvrtc n;
        const bool all = find(library, "nvrtcCreateProgram", n.create_, &reason) &&
                         find(library, "nvrtcCompileProgram", n.compile_, &reason) &&
                         find(library, "nvrtcGetProgramLogSize", n.log_size_, &reason) &&
                         find(library, "nvrtcGetProgramLog", n.log_, &reason) &&
                         find(library, "nvrtcGetPTXSize", n.ptx_size_, &reason) &&
                         find(library, "nvrtcGetPTX", n.ptx_, &reason) &&
                         find(library, "nvrtcGetCUBINSize", n.cubin_size_, &reason) &&
                         find(library, "nvrtcGetCUBIN", n.cubin_, &reason) &&
                         find(library, "nvrtcDestroyProgram", n.destroy_, &reason);
        return all ? &n : nullptr;
    }();
    if (!instance) *why = "NVRTC: " + reason;
    return instance;
}

std::vector<char> Nvrtc::compile(const std::string& source, const std::string& arch, std::string* usage) const {
    Program program = nullptr;
    if (create_(&program, source.c_str(), "kernel.cu", 0, nullptr, nullptr) != 0)
        throw std::runtime_error("nvrtcCreateProgram failed");
    const std::string option = "--gpu-architecture=" + arch;
    const char* options[] = {option.c_str(), "--std=c++17", "--ptxas-options=-v"};
    const int result = compile_(program, usage ? 3 : 2, options);
    size_t log_size = 0;
    log_size_(program, &log_size);
    std::string log(log_size, '\0');
    log_(program, log.data());
    if (result != 0) {
        destroy_(&program);
        throw std::runtime_error(log + "\n" + source);
    }
    if (usage) *usage = log;
    const bool machine = arch.rfind("sm_", 0) == 0;
    size_t size = 0;
    (machine ? cubin_size_ : ptx_size_)(program, &size);
    std::vector<char> image(size);
    (machine ? cubin_ : ptx_)(program, image.data());
    destroy_(&program);
    return image;
}

const Driver* Driver::get(std::string* why) {
    static std::string reason;
    static const Driver* const instance = []() -> const Driver* {
        void* library = open_first({"libcuda.so.1", "libcuda.so"}, &reason);
        if (!library) return nullptr;
        static Driver d;
        int (*init)(unsigned) = nullptr;
        int (*device_get)(int*, int) = nullptr;
        int (*attribute)(int*, int, int) = nullptr;
        int (*retain)(void**, int) = nullptr;
        int (*set_current)(void*) = nullptr;
        const bool all = find(library, "cuInit", init, &reason) && find(library, "cuDeviceGet", device_get, &reason) &&
                         find(library, "cuDeviceGetAttribute", attribute, &reason) &&
                         find(library, "cuDevicePrimaryCtxRetain", retain, &reason) &&
                         find(library, "cuCtxSetCurrent", set_current, &reason) &&
                         find(library, "cuGetErrorString", d.error_string_, &reason) &&
                         find(library, "cuMemAlloc_v2", d.mem_alloc_, &reason) &&
                         find(library, "cuMemFree_v2", d.mem_free_, &reason) &&
                         find(library, "cuMemcpyHtoD_v2", d.to_device_, &reason) &&
                         find(library, "cuMemcpyDtoH_v2", d.to_host_, &reason) &&
                         find(library, "cuModuleLoadData", d.module_load_, &reason) &&
                         find(library, "cuModuleUnload", d.module_unload_, &reason) &&
                         find(library, "cuModuleGetFunction", d.get_function_, &reason) &&
                         find(library, "cuLaunchKernel", d.launch_, &reason) &&
                         find(library, "cuCtxSynchronize", d.synchronize_, &reason);
        if (!all) return nullptr;
        int device = 0, major = 0, minor = 0;
        void* context = nullptr;
        if (init(0) != 0 || device_get(&device, 0) != 0) {
            reason = "libcuda is there, but no device";
            return nullptr;
        }
        d.check(attribute(&major, 75, device),
                "compute capability"); // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR
        d.check(attribute(&minor, 76, device), "compute capability");
        d.check(retain(&context, device), "cuDevicePrimaryCtxRetain");
        d.check(set_current(context), "cuCtxSetCurrent");
        d.arch_ = "sm_" + std::to_string(major) + std::to_string(minor);
        return &d;
    }();
    if (!instance) *why = "CUDA device: " + reason;
    return instance;
}

void Driver::check(int result, const char* what) const {
    if (result == 0) return;
    const char* text = nullptr;
    error_string_(result, &text);
    throw std::runtime_error(std::string(what) + ": " + (text ? text : "unknown error"));
}

uint64_t Driver::allocate(size_t bytes) const {
    uint64_t address = 0;
    check(mem_alloc_(&address, bytes), "cuMemAlloc");
    return address;
}
void Driver::free(uint64_t address) const { check(mem_free_(address), "cuMemFree"); }
void Driver::upload(uint64_t to, const void* from, size_t bytes) const {
    check(to_device_(to, from, bytes), "cuMemcpyHtoD");
}
void Driver::download(void* to, uint64_t from, size_t bytes) const { check(to_host_(to, from, bytes), "cuMemcpyDtoH"); }
void* Driver::load(const std::vector<char>& image) const {
    void* module = nullptr;
    check(module_load_(&module, image.data()), "cuModuleLoadData");
    return module;
}
void Driver::unload(void* module) const { check(module_unload_(module), "cuModuleUnload"); }
void Driver::launch(void* module, const std::string& entry, int64_t grid, int32_t block,
                    const std::vector<uint64_t>& arguments) const {
    void* function = nullptr;
    check(get_function_(&function, module, entry.c_str()), "cuModuleGetFunction");
    std::vector<uint64_t> values = arguments;
    std::vector<void*> parameters;
    for (uint64_t& v : values) parameters.push_back(&v);
    check(launch_(function, static_cast<unsigned>(grid), 1, 1, static_cast<unsigned>(block), 1, 1, 0, nullptr,
                  parameters.data(), nullptr),
          "cuLaunchKernel");
}
void Driver::wait() const { check(synchronize_(), "cuCtxSynchronize"); }

} // namespace ingot::test
