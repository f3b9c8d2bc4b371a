// SPDX-License-Identifier: MIT
// Which instruction sets files with Highway kernels are compiled for; include before Highway. One list for all of them, so that
// a machine runs one set of kernels. Fewer than Highway knows:
//   SSSE3, SSE4, AVX3_DL: each costs compile time and size, and what they have more than SSE2 and AVX3 gains nothing here
//   SVE, RVV: kernels keep vectors in arrays and structs, which vectors of unknown length cannot be in (machines with SVE run
//     the NEON code)
// A file for which that is not so says why and takes INGOT_DISABLED_TARGETS with a change.
#pragma once

#define INGOT_DISABLED_TARGETS                                                                                         \
    (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#define HWY_DISABLED_TARGETS INGOT_DISABLED_TARGETS
