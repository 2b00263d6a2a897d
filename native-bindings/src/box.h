// XSalsa20-Poly1305 ("box") over batches of jobs, on plain memory: no N-API here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ratatosk {

// One row of a batch. Seal reads `length` octets and writes `length + 16`; open reads `length` octets, at least 16,
// and writes `length - 16`. The caller has checked every range.
struct BoxJob {
  const uint8_t* source;
  uint8_t* target;
  size_t length;
  const uint8_t* key;  // 32 octets: X25519 result after HSalsa20
  uint32_t nonceHigh;  // the 64-bit counter that ends the 24-octet nonce
  uint32_t nonceLow;
};

constexpr size_t kTagSize = 16;
constexpr size_t kKeySize = 32;

struct BoxKernel {
  const char* name;
  void (*seal)(const BoxJob* jobs, size_t count);
  // Sets ok[i] to 1, or to 0 and leaves the target of job i undefined.
  void (*open)(const BoxJob* jobs, size_t count, uint8_t* ok);
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
