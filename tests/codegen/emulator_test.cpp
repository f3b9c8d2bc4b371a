// SPDX-License-Identifier: MIT
// Printed kernels compute what the interpreter computes, whichever order the threads of a block run in.
#include <numeric>

#include <gtest/gtest.h>

#include "codegen/cases.h"
#include "codegen/emulator.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define INGOT_THREAD_SANITIZER 1
#endif
#endif

namespace ingot::test {
namespace {

// All buffers after all launches of `kernel`. In place: outputs lie in the memory of the inputs that the sample names.
Buffers run(const Emulator& emulator, const Case& c, const codegen::PrintedKernel& kernel, bool descending,
            program::ErrorWord* error, bool in_place = false) {
    Buffers buffers = samples::make_buffers(c.sample);
    std::vector<size_t> place(buffers.size());
    std::iota(place.begin(), place.end(), size_t{0});
    if (in_place)
        for (const auto& [output, input] : c.sample.in_place)
            place[static_cast<size_t>(output)] = static_cast<size_t>(input);
    std::vector<uint64_t> addresses;
    for (const size_t i : place) addresses.push_back(reinterpret_cast<uint64_t>(buffers[i].data()));
    std::vector<uint64_t> table;
    if (kernel.points_per_block > 0) table = codegen::segment_table(c.sample.program, kernel, addresses);
    std::vector<std::byte> workspace(static_cast<size_t>(kernel.workspace_bytes) + 16,
                                     std::byte{0xff}); // NaN as floats
    for (const codegen::Launch& launch : kernel.launches) {
        std::vector<void*> arguments;
        for (const codegen::Argument& a : launch.arguments) {
            switch (a.kind) {
            case codegen::Argument::Kind::Buffer:
                arguments.push_back(buffers[place[static_cast<size_t>(a.index)]].data());
                break;
            case codegen::Argument::Kind::Workspace: arguments.push_back(workspace.data()); break;
            case codegen::Argument::Kind::Error: arguments.push_back(error); break;
            case codegen::Argument::Kind::Segments: arguments.push_back(table.data()); break;
            }
        }
        emulator.launch(launch, arguments, descending);
    }
    for (size_t i = static_cast<size_t>(kernel.workspace_bytes); i < workspace.size(); ++i)
        EXPECT_EQ(workspace[i], std::byte{0xff}) << c.name << ": wrote beyond the workspace";
    for (size_t i = 0; i < place.size(); ++i)
        if (place[i] != i) buffers[i] = buffers[place[i]];
    return buffers;
}

TEST(Emulator, EveryProgramMatchesTheInterpreter) {
#ifdef INGOT_THREAD_SANITIZER
    GTEST_SKIP() << "the thread sanitizer does not know fibers";
#endif
    const std::vector<Case> cases = codegen_cases();
    std::vector<codegen::PrintedKernel> kernels;
    for (const Case& c : cases) {
        program::verify(c.sample.program);
        kernels.push_back(codegen::print_kernel(c.sample.program, host_dialect(), c.schedule));
    }
    std::string why;
    const std::unique_ptr<Emulator> emulator = Emulator::build(kernels, &why);
    if (!emulator) GTEST_SKIP() << why;
    for (size_t i = 0; i < cases.size(); ++i) {
        program::ErrorWord error, error2;
        const Buffers ascending = run(*emulator, cases[i], kernels[i], false, &error);
        EXPECT_EQ(compare(cases[i], ascending, error), "") << cases[i].name;
        const Buffers descending = run(*emulator, cases[i], kernels[i], true, &error2);
        EXPECT_TRUE(ascending == descending) << cases[i].name << ": the result depends on the order of threads";
        if (cases[i].sample.in_place.empty()) continue;
        const Buffers in_place = run(*emulator, cases[i], kernels[i], false, &error, true);
        for (size_t b = static_cast<size_t>(cases[i].sample.program.num_inputs); b < in_place.size(); ++b)
            EXPECT_TRUE(in_place[b] == ascending[b]) << cases[i].name << ": differs in place, buffer " << b;
    }
}

} // namespace
} // namespace ingot::test
