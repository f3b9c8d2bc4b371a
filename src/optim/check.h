// SPDX-License-Identifier: MIT
// Checks of options that several optimizers have.
#pragma once

#include <string>

#include <ingot/error.h>

namespace ingot::optim {

/// Errors: Error naming the optimizer and the option.
inline void check_share(const char* optimizer, const char* option, double value) {
    if (!(value >= 0 && value < 1))
        throw Error(std::string(optimizer) + ": " + option + " = " + std::to_string(value) + " must be in [0, 1)");
}
inline void check_not_negative(const char* optimizer, const char* option, double value) {
    if (!(value >= 0))
        throw Error(std::string(optimizer) + ": " + option + " = " + std::to_string(value) + " must not be negative");
}

} // namespace ingot::optim
