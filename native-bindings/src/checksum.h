#pragma once

#include <cstddef>
#include <cstdint>

namespace ratatosk {

// The sum of RFC 1071, folded, as a number in network order. `data` begins at an even place of what is summed.
uint16_t sumOctets(const uint8_t* data, size_t size);

// The complement of a sum (not folded), as it is written: never 0, which in UDP means that there is none.
void putChecksum(uint8_t* target, uint64_t sum);

}  // namespace ratatosk
