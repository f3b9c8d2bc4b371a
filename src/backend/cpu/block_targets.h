// SPDX-License-Identifier: MIT
// Which instruction sets block functions are compiled for; include before Highway. Fewer than Highway knows: each costs
// compile time and size, and those before AVX2, and AVX-512's small additions, gain nothing here.
// Scalable vectors (SVE) are left out because functions keep vectors in structs; such machines run the NEON code.
#pragma once

#include <hwy/detect_targets.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
