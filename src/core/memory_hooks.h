// SPDX-License-Identifier: MIT
// Internal to src/core: runs what on_low_memory() registered.
#pragma once

namespace ingot::core {

void release_held_caches();

} // namespace ingot::core
