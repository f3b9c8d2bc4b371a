// SPDX-License-Identifier: MIT
// Assertions for Ingot's own mistakes: always on, they name the expression and the place and abort. Users' mistakes
// throw ingot::Error instead.
#pragma once

namespace ingot::base {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line, const char* message);
}

#define INGOT_ASSERT(condition, message)                                                                               \
    do {                                                                                                               \
        if (!(condition)) [[unlikely]]                                                                                 \
            ::ingot::base::assertion_failed(#condition, __FILE__, __LINE__, message);                                  \
    } while (false)
