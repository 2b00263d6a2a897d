// Boxes (XSalsa20-Poly1305) and records (ChaCha20-Poly1305) over batches of jobs, on plain memory: no N-API here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "job.h"

namespace ratatosk {

struct Kernel {
  using Seal = void (*)(const Job* jobs, size_t count);
  // Sets ok[i] to 1, or to 0 and leaves the target of job i undefined.
  using Open = void (*)(const Job* jobs, size_t count, uint8_t* ok);

  const char* name;
  Seal sealBoxes;
  Open openBoxes;
  Seal sealRecords;
  Open openRecords;
  // Octets of longer records are OpenSSL's, if there is one: its assembler makes more of narrow registers.
  size_t longestRecord;
};

// The same source (seal_lanes.h), compiled once for each width of vector registers.
extern const Kernel kKernelBase;
#if defined(__x86_64__)
extern const Kernel kKernelAvx2;
extern const Kernel kKernelAvx512;
#endif

// The fastest kernel this processor runs; `wanted` names one for tests. Null if it cannot run here.
const Kernel* chooseKernel(const char* wanted);

}  // namespace ratatosk
