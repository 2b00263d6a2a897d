#pragma once

// Small functions of the box kernels: without this the compiler passes vectors through memory.
#define RATATOSK_INLINE inline __attribute__((always_inline))

// Loops over the words of a state: unrolled, the words stay in registers. GCC at -O2 would not.
#if defined(__clang__)
#define RATATOSK_UNROLL _Pragma("unroll")
#else
#define RATATOSK_UNROLL _Pragma("GCC unroll 16")
#endif
