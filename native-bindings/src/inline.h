#pragma once

// Small functions of the box kernels: without this the compiler passes vectors through memory.
#define RATATOSK_INLINE inline __attribute__((always_inline))
