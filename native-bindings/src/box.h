// XSalsa20-Poly1305 ("box") over batches of jobs, on plain memory: no N-API here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "job.h"

namespace ratatosk {

struct BoxKernel {
  const char* name;
  void (*seal)(const Job* jobs, size_t count);
  // Sets ok[i] to 1, or to 0 and leaves the target of job i undefined.
  void (*open)(const Job* jobs, size_t count, uint8_t* ok);
};

// The same source (box_lanes.h), compiled once for each width of vector registers.
extern const BoxKernel kBoxKernelBase;
#if defined(__x86_64__)
extern const BoxKernel kBoxKernelAvx2;
extern const BoxKernel kBoxKernelAvx512;
#endif

// The fastest kernel this processor runs; `wanted` names one for tests. Null if it cannot run here.
const BoxKernel* chooseBoxKernel(const char* wanted);

}  // namespace ratatosk
