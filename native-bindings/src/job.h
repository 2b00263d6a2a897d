// Rows of the batches of boxes and records, on plain memory: no N-API here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ratatosk {

// Seal reads `length` octets and writes `length + 16`; open reads `length` octets, at least 16, and writes
// `length - 16`. The caller has checked every range.
struct Job {
  const uint8_t* source;
  uint8_t* target;
  size_t length;
  size_t adLength;  // octets of associated data before the ciphertext; boxes have none
  const uint8_t* key;
  uint32_t nonceHigh;  // of the 64-bit counter in the nonce
  uint32_t nonceLow;
};

constexpr size_t kTagSize = 16;
constexpr size_t kKeySize = 32;

}  // namespace ratatosk
