// Numbers in headers, wherever they lie.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ratatosk {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "sums of octets are made in little-endian words");

inline uint16_t little16(const uint8_t* at) { return static_cast<uint16_t>(at[0] | at[1] << 8); }

inline uint32_t big32(const uint8_t* at) {
  return static_cast<uint32_t>(at[0]) << 24 | static_cast<uint32_t>(at[1]) << 16 | static_cast<uint32_t>(at[2]) << 8 |
         at[3];
}

inline void putBig16(uint8_t* at, size_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

inline void putBig32(uint8_t* at, uint32_t value) {
  putBig16(at, value >> 16);
  putBig16(at + 2, value & 0xffff);
}

}  // namespace ratatosk
