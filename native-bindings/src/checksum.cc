#include "checksum.h"

#include <cstring>

#include "octets.h"

namespace ratatosk {

namespace {

// Sums of words of any width and order are the same after folding, but for the order of the two octets (RFC 1071).
typedef uint64_t Words __attribute__((vector_size(32)));

uint16_t fold(uint64_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

}  // namespace

uint16_t sumOctets(const uint8_t* data, size_t size) {
  Words low = {}, high = {};
  for (; size >= sizeof(Words); data += sizeof(Words), size -= sizeof(Words)) {
    Words words;
    std::memcpy(&words, data, sizeof words);
    low += words & 0xffffffff;
    high += words >> 32;
  }
  uint64_t sum = 0;
  // Each lane has grown by less than 2^32 a round: no packet is long enough to make one run over.
  for (int lane = 0; lane < 4; lane++) sum += fold(low[lane]) + fold(high[lane]);
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
