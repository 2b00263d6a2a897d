#include "segments.h"

#include <cstring>

#include "checksum.h"
#include "octets.h"

namespace ratatosk {

namespace {

constexpr uint8_t kNeedsChecksum = 1;
constexpr uint8_t kKindSingle = 0;
constexpr uint8_t kKindTcp = 4;
constexpr uint8_t kWithCwr = 0x80;

constexpr size_t kIpv6Header = 40;
constexpr size_t kTcpHeader = 20;
constexpr size_t kTcpFlagsAt = 13;
constexpr uint8_t kCwr = 0x80;
constexpr uint8_t kFinPsh = 0x09;
constexpr size_t kUdpHeader = 8;

}  // namespace

bool isUnfinished(const uint8_t* header) { return (header[0] & kNeedsChecksum) != 0 || header[1] != kKindSingle; }

bool completeChecksum(uint8_t* header, size_t size) {
  if (size < kVirtioHeader) return false;
  uint8_t* const packet = header + kVirtioHeader;
  const size_t length = size - kVirtioHeader;
  const size_t start = little16(header + 6);
  const size_t at = start + little16(header + 8);
  if (at + 2 > length) return false;
  putChecksum(packet + at, sumOctets(packet + start, length - start));
  return true;
}

bool Cut::take(const uint8_t* header, size_t size) {
  if (size < kVirtioHeader) return false;
  packet_ = header + kVirtioHeader;
  length_ = size - kVirtioHeader;
  const uint8_t kind = header[1];
  isTcp_ = (kind & ~kWithCwr) == kKindTcp;
  segmentSize_ = little16(header + 4);
  transportAt_ = little16(header + 6);
  checksumAt_ = transportAt_ + little16(header + 8);
  if (segmentSize_ == 0 || (!isTcp_ && kind != kKindUdp) || transportAt_ < kIpv6Header) return false;
  const size_t leastHeader = isTcp_ ? kTcpHeader : kUdpHeader;
  if (transportAt_ + leastHeader > length_ || checksumAt_ != transportAt_ + (isTcp_ ? 16 : 6)) return false;
  const size_t transport = isTcp_ ? static_cast<size_t>(packet_[transportAt_ + 12] >> 4) * 4 : kUdpHeader;
  dataAt_ = transportAt_ + transport;
  return transport >= leastHeader && dataAt_ < length_;
}

void Cut::write(size_t i, uint8_t* target) const {
  const size_t data = dataOf(i), skipped = i * segmentSize_;
  const size_t length = dataAt_ + data, transportLength = length - transportAt_;
  std::memcpy(target, packet_, dataAt_);
  std::memcpy(target + dataAt_, packet_ + dataAt_ + skipped, data);
  putBig16(target + 4, length - kIpv6Header);
  uint8_t* const transport = target + transportAt_;
  if (isTcp_) {
    putBig32(transport + 4, big32(transport + 4) + static_cast<uint32_t>(skipped));
    if (i + 1 < count()) transport[kTcpFlagsAt] &= static_cast<uint8_t>(~kFinPsh);
    if (i > 0) transport[kTcpFlagsAt] &= static_cast<uint8_t>(~kCwr);
  } else {
    putBig16(transport + 4, transportLength);
  }
  // What is in its place is the sum of the pseudo header, which differs by the length alone.
  const uint64_t change = (~(length_ - transportAt_) & 0xffff) + transportLength;
  putChecksum(target + checksumAt_, sumOctets(transport, transportLength) + change);
}

}  // namespace ratatosk
