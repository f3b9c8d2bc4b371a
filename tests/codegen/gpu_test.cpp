// SPDX-License-Identifier: MIT
// Printed kernels on a real GPU against the interpreter, where there is one; twice, for equal bits.
#include <algorithm>

#include <gtest/gtest.h>

#include "codegen/cases.h"
#include "codegen/cuda_api.h"

namespace ingot::test {
namespace {

class Gpu : public testing::Test {
protected:
    void SetUp() override {
        std::string why;
        driver = Driver::get(&why);
        if (!driver) GTEST_SKIP() << why;
        nvrtc = Nvrtc::get(&why);
        if (!nvrtc) GTEST_SKIP() << why;
    }
    const Driver* driver = nullptr;
    const Nvrtc* nvrtc = nullptr;
};

Buffers run(const Driver& driver, void* module, const Case& c, const codegen::PrintedKernel& kernel,
            program::ErrorWord* error) {
    Buffers buffers = samples::make_buffers(c.sample);
    std::vector<uint64_t> addresses;
    for (const auto& b : buffers) {
        addresses.push_back(driver.allocate(b.size()));
        driver.upload(addresses.back(), b.data(), b.size());
    }
    std::vector<uint64_t> table = {0};
    if (kernel.points_per_block > 0) table = codegen::segment_table(c.sample.program, kernel, addresses);
    const std::vector<std::byte> junk(static_cast<size_t>(kernel.workspace_bytes) + 16, std::byte{0xff});
    const uint64_t workspace = driver.allocate(junk.size()), word = driver.allocate(sizeof *error),
                   segments = driver.allocate(table.size() * 8);
    driver.upload(workspace, junk.data(), junk.size());
    driver.upload(word, error, sizeof *error);
    driver.upload(segments, table.data(), table.size() * 8);
    for (const codegen::Launch& launch : kernel.launches) {
        std::vector<uint64_t> arguments;
        for (const codegen::Argument& a : launch.arguments) {
            switch (a.kind) {
            case codegen::Argument::Kind::Buffer: arguments.push_back(addresses[static_cast<size_t>(a.index)]); break;
            case codegen::Argument::Kind::Workspace: arguments.push_back(workspace); break;
            case codegen::Argument::Kind::Error: arguments.push_back(word); break;
            case codegen::Argument::Kind::Segments: arguments.push_back(segments); break;
            }
        }
        driver.launch(module, launch.entry, launch.grid, launch.block, arguments);
    }
    driver.wait();
    for (size_t i = 0; i < buffers.size(); ++i) driver.download(buffers[i].data(), addresses[i], buffers[i].size());
    driver.download(error, word, sizeof *error);
    for (const uint64_t address : addresses) driver.free(address);
    for (const uint64_t address : {workspace, word, segments}) driver.free(address);
    return buffers;
}

TEST_F(Gpu, EveryProgramMatchesTheInterpreter) {
    const std::vector<Case> cases = codegen_cases();
    std::vector<codegen::PrintedKernel> kernels;
    for (const Case& c : cases) kernels.push_back(codegen::print_kernel(c.sample.program, codegen::cuda(), c.schedule));
    for (size_t first = 0; first < cases.size(); first += 16) {
        const size_t last = std::min(first + 16, cases.size());
        void* module = driver->load(nvrtc->compile(joined(kernels, first, last), driver->arch()));
        for (size_t i = first; i < last; ++i) {
            program::ErrorWord error, again;
            const Buffers once = run(*driver, module, cases[i], kernels[i], &error);
            EXPECT_EQ(compare(cases[i], once, error), "") << cases[i].name;
            EXPECT_TRUE(once == run(*driver, module, cases[i], kernels[i], &again))
                << cases[i].name << ": two runs differ";
        }
        driver->unload(module);
    }
}

} // namespace
} // namespace ingot::test
