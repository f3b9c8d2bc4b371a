// SPDX-License-Identifier: MIT
// Assertions for Ingot's own mistakes: always on, they name the expression and the place and abort. Users' mistakes
// throw ingot::Error instead.
#pragma once

namespace ingot::base {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line, const char* message);
}

namespace ingot::base {
/// Debug builds also look for mistakes whose search costs time: two threads that write one cell.
#ifdef NDEBUG
inline constexpr bool kDebugChecks = false;
#else
inline constexpr bool kDebugChecks = true;
#endif
} // namespace ingot::base

#define INGOT_ASSERT(condition, message)                                                                               \
    do {                                                                                                               \
        if (!(condition)) [[unlikely]]                                                                                 \
            ::ingot::base::assertion_failed(#condition, __FILE__, __LINE__, message);                                  \
    } while (false)
