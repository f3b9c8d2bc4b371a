// SPDX-License-Identifier: MIT
// The style sheet of the report: colours of both themes, layout from phones to wide screens.
#pragma once

namespace ingot::train::report {

extern const char* const kStyle;

} // namespace ingot::train::report
