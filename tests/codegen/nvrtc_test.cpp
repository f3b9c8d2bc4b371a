// SPDX-License-Identifier: MIT
// Every printed program is accepted by NVRTC for sm_90; no GPU is needed.
#include <gtest/gtest.h>

#include "codegen/cases.h"
#include "codegen/cuda_api.h"
#include "program/program.h"

namespace ingot::test {
namespace {

TEST(Nvrtc, CompilesEveryProgram) {
    std::string why;
    const Nvrtc* nvrtc = Nvrtc::get(&why);
    if (!nvrtc) GTEST_SKIP() << why;
    const std::vector<Case> cases = codegen_cases();
    ASSERT_GT(cases.size(), 100u);
    std::vector<codegen::PrintedKernel> kernels;
    std::vector<bool> f64;
    for (const Case& c : cases) {
        program::verify(c.sample.program);
        kernels.push_back(codegen::print_kernel(c.sample.program, codegen::cuda(), c.schedule));
        f64.push_back(false);
        for (const samples::Data& d : c.sample.buffers) f64.back() = f64.back() || d.dtype == DType::f64;
    }
    // Programs with f64 apart: in the others a conversion to double means a spelling that picked a double overload, which
    // costs a factor of 30 or more.
    for (size_t first = 0, last = 0; first < cases.size(); first = last) {
        while (last < cases.size() && last < first + 16 && f64[last] == f64[first]) ++last;
        std::vector<char> image;
        ASSERT_NO_THROW(image = nvrtc->compile(joined(kernels, first, last), "compute_90")) << cases[first].name;
        const std::string ptx(image.begin(), image.end());
        for (size_t i = first; i < last; ++i)
            for (const codegen::Launch& launch : kernels[i].launches)
                EXPECT_NE(ptx.find(".entry " + launch.entry + "("), std::string::npos) << "no kernel " << launch.entry;
        EXPECT_TRUE(f64[first] || ptx.find("cvt.f64.f32") == std::string::npos)
            << "doubles from " << cases[first].name << " on";
    }
}

TEST(Nvrtc, KeepsRealSizesInRegisters) {
    std::string why;
    const Nvrtc* nvrtc = Nvrtc::get(&why);
    if (!nvrtc) GTEST_SKIP() << why;
    std::vector<codegen::PrintedKernel> kernels;
    for (const Case& c : large_cases()) {
        program::verify(c.sample.program);
        kernels.push_back(codegen::print_kernel(c.sample.program, codegen::cuda(), c.schedule));
    }
    std::string usage;
    ASSERT_NO_THROW(nvrtc->compile(joined(kernels, 0, kernels.size()), "sm_90", &usage));
    // "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads" follows each entry's name.
    size_t found = 0;
    for (size_t at = usage.find(" bytes stack frame"); at != std::string::npos;
         at = usage.find(" bytes stack frame", at + 1)) {
        ++found;
        const size_t line = usage.rfind('\n', at) + 1;
        const size_t end = usage.find('\n', at);
        EXPECT_NE(usage.substr(line, end - line).find(" 0 bytes spill stores"), std::string::npos)
            << usage.substr(line > 200 ? line - 200 : 0, end - (line > 200 ? line - 200 : 0));
    }
    EXPECT_GE(found, kernels.size());
}

TEST(Nvrtc, RefusesWhatIsNotCuda) {
    std::string why;
    const Nvrtc* nvrtc = Nvrtc::get(&why);
    if (!nvrtc) GTEST_SKIP() << why;
    EXPECT_THROW(nvrtc->compile("__global__ void f() { return 1 + ; }", "compute_90"), std::runtime_error);
}

} // namespace
} // namespace ingot::test
