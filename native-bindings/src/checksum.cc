#include "checksum.h"

#include <cstring>

#include "octets.h"

namespace ratatosk {

namespace {

// Sums of words of any width and order are the same after folding, but for the order of the two octets (RFC 1071).
// Vectors of the baseline's width: wider ones would live in memory there, at a fifth of the speed.
typedef uint64_t Words __attribute__((vector_size(16)));

uint16_t fold(uint64_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

}  // namespace

uint16_t sumOctets(const uint8_t* data, size_t size) {
  // Each lane grows by less than 2^32 a round: no packet is long enough to make one run over.
  Words low[2] = {}, high[2] = {};
  for (; size >= sizeof low; data += sizeof low, size -= sizeof low) {
    Words first, second;
    std::memcpy(&first, data, sizeof first);
    std::memcpy(&second, data + sizeof first, sizeof second);
    low[0] += first & 0xffffffff;
    high[0] += first >> 32;
    low[1] += second & 0xffffffff;
    high[1] += second >> 32;
  }
  uint64_t sum = 0;
  for (int i = 0; i < 2; i++) {
    for (int lane = 0; lane < 2; lane++) sum += fold(low[i][lane]) + fold(high[i][lane]);
  }
  for (; size >= 2; data += 2, size -= 2) {
    uint16_t word;
    std::memcpy(&word, data, sizeof word);
    sum += word;
  }
  if (size > 0) sum += *data;
  return __builtin_bswap16(fold(sum));
}

void putChecksum(uint8_t* target, uint64_t sum) {
  const uint16_t checksum = static_cast<uint16_t>(~fold(sum));
  putBig16(target, checksum == 0 ? 0xffff : checksum);
}

}  // namespace ratatosk
