// SPDX-License-Identifier: MIT
// INGOT_DUMP=graph,plan prints every stage of a compilation to $INGOT_DUMP_DIR/NNN-<stage>.txt, or to standard error.
#pragma once

#include <string>

namespace ingot::passes {

/// Whether `what` ("graph", "plan") is asked for. Errors: Error when INGOT_DUMP asks for something else.
bool dumping(const char* what);
/// Writes one numbered piece; makes the folder. Errors: FileError.
void dump(const std::string& stage, const std::string& text);

} // namespace ingot::passes
