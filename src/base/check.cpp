// SPDX-License-Identifier: MIT
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ingot::base {

void assertion_failed(const char* expression, const char* file, int line, const char* message) {
    std::fprintf(stderr, "ingot: internal error: %s (%s) at %s:%d\n", message, expression, file, line);
    std::fflush(stderr);
    std::abort();
}

} // namespace ingot::base
