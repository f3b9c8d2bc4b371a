// SPDX-License-Identifier: MIT
#include "cli/waiting.h"

#include <cstdlib>

#if defined(__linux__) && defined(INGOT_OPENMP)
#include <unistd.h>
#endif

namespace ingot::cli {

void wait_briefly([[maybe_unused]] char** argv) {
#if defined(__linux__) && defined(INGOT_OPENMP)
    if (std::getenv("GOMP_SPINCOUNT") || std::getenv("OMP_WAIT_POLICY")) return;
    if (setenv("GOMP_SPINCOUNT", "1000", 0) != 0) return;
    execv("/proc/self/exe", argv); // returns only where this does not work; then the default has to do
#endif
}

} // namespace ingot::cli
