#pragma once

#include <cstddef>
#include <cstdint>

namespace ratatosk {

// A virtio header of this size, little-endian, lies before a packet of a TUN.
constexpr size_t kVirtioHeader = 10;
constexpr uint8_t kKindUdp = 5;

// The kernel left something to do: a checksum, or cutting.
bool isUnfinished(const uint8_t* header);

// Completes the checksum of the packet behind a virtio header, `size` octets both. False: it lies outside.
bool completeChecksum(uint8_t* header, size_t size);

// How a super-packet is cut (daemon/wire/README.md): a view of it, with the places of its parts checked.
class Cut {
 public:
  // False: the packet behind the virtio header, `size` octets both, is no super-packet of TCP or UDP.
  bool take(const uint8_t* header, size_t size);

  size_t count() const { return (length_ - dataAt_ + segmentSize_ - 1) / segmentSize_; }
  // Octets of segment `i`.
  size_t lengthOf(size_t i) const { return dataAt_ + dataOf(i); }
  // Writes segment `i`, `lengthOf(i)` octets.
  void write(size_t i, uint8_t* target) const;

 private:
  size_t dataOf(size_t i) const {
    const size_t left = length_ - dataAt_ - i * segmentSize_;
    return left < segmentSize_ ? left : segmentSize_;
  }

  const uint8_t* packet_ = nullptr;
  size_t length_ = 0;
  size_t transportAt_ = 0;
  size_t checksumAt_ = 0;
  size_t dataAt_ = 0;
  size_t segmentSize_ = 0;
  bool isTcp_ = false;
};

}  // namespace ratatosk
