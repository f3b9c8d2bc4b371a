// SPDX-License-Identifier: MIT
// How the threads of the OpenMP pool wait for each other (docs/decisions/0005-threads.md). Used by main() only.
#pragma once

namespace ingot::cli {

/// Starts the command again with a short spinning time for libgomp, unless the environment already says how to wait. libgomp
/// reads its settings while it is loaded, so it is too late to set them here. Returns when there is nothing to do.
void wait_briefly(char** argv);

} // namespace ingot::cli
