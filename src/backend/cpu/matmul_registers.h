// SPDX-License-Identifier: MIT
// For kernels whose speed hangs on register allocation: INGOT_KEEP_IN_REGISTER(v) stops the compiler from reading a vector's
// memory again at each of its uses, which binds such loops to the load ports. Include after <hwy/highway.h>.
#pragma once

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define INGOT_KEEP_IN_REGISTER(v) asm("" : "+v"((v).raw))
#else
#define INGOT_KEEP_IN_REGISTER(v) ((void)0)
#endif
