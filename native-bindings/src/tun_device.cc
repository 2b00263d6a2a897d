#include "tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "segments.h"

// Newer than the headers of Debian 12.
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#endif
#ifndef TUN_F_USO6
#define TUN_F_USO6 0x40
#endif

namespace ratatosk {

namespace {

// Of IPv4 nothing: the mesh carries none.
constexpr unsigned int kTcpFeatures = TUN_F_CSUM | TUN_F_TSO6 | TUN_F_TSO_ECN;
// Kernels have both or none.
constexpr unsigned int kUdpFeatures = TUN_F_USO4 | TUN_F_USO6;
constexpr size_t kPacketMax = 65535;

}  // namespace

int TunDevice::open(const char* name, Offloads wanted) {
  const bool isAuto = std::strcmp(name, "auto") == 0;
  const char* const pattern = isAuto ? "tun%d" : name;
  // The kernel would take a '%' of ours for a pattern as well.
  if (std::strlen(pattern) >= IFNAMSIZ || (!isAuto && std::strchr(name, '%') != nullptr)) return -EINVAL;

  const int number = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (number < 0) return -errno;
  descriptor_.take(number);
  int result = wanted == Offloads::kNone ? -EINVAL : attach(pattern, IFF_VNET_HDR);
  const bool hasHeader = result == 0;
  if (result == -EINVAL) result = attach(pattern, 0);
  if (result != 0) {
    descriptor_.close();
    return result;
  }
  offloads_ = Offloads::kNone;
  if (!hasHeader) return 0;
  if (wanted == Offloads::kAll && agree(kTcpFeatures | kUdpFeatures)) offloads_ = Offloads::kAll;
  else if (agree(kTcpFeatures)) offloads_ = Offloads::kTcp;
  if (offloads_ != Offloads::kNone) return 0;
  // An old kernel: the same interface without the header.
  return open(name, Offloads::kNone);
}

int TunDevice::attach(const char* name, short flags) {
  ifreq request = {};
  std::memcpy(request.ifr_name, name, std::strlen(name));
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | flags);
  if (::ioctl(descriptor_.number(), TUNSETIFF, &request) != 0) return -errno;
  std::memcpy(name_, request.ifr_name, sizeof name_);
  name_[sizeof name_ - 1] = '\0';
  return 0;
}

bool TunDevice::agree(unsigned int features) {
  const int number = descriptor_.number();
  const int headerSize = kVirtioHeader, isLittleEndian = 1;
  return ::ioctl(number, TUNSETVNETHDRSZ, &headerSize) == 0 && ::ioctl(number, TUNSETVNETLE, &isLittleEndian) == 0 &&
         ::ioctl(number, TUNSETOFFLOAD, static_cast<unsigned long>(features)) == 0;
}

int TunDevice::read(uint8_t* target, size_t size) {
  const size_t header = offloads_ == Offloads::kNone ? 0 : kVirtioHeader;
  for (;;) {
    const ssize_t result = ::read(descriptor_.number(), target - header, size + header);
    if (result >= 0) return static_cast<size_t>(result) < header ? 0 : static_cast<int>(result - header);
    if (errno != EINTR) return -errno;
  }
}

int TunDevice::write(const uint8_t* packet, size_t size) {
  static constexpr uint8_t kNothingToDo[kVirtioHeader] = {};
  // The kernel only reads what these name.
  const iovec parts[2] = {{const_cast<uint8_t*>(kNothingToDo), sizeof kNothingToDo},
                          {const_cast<uint8_t*>(packet), size}};
  for (;;) {
    const ssize_t result = offloads_ == Offloads::kNone ? ::write(descriptor_.number(), packet, size)
                                                        : ::writev(descriptor_.number(), parts, 2);
    if (result >= 0) return 0;
    if (errno != EINTR) return -errno;
  }
}

int TunDevice::writeUnfinished(uint8_t* header, size_t size) {
  if (size <= kVirtioHeader) return -EINVAL;
  const bool isSingle = header[1] == 0;
  if (offloads_ == Offloads::kNone && isSingle) {
    if (!completeChecksum(header, size)) return -EINVAL;
    return write(header + kVirtioHeader, size - kVirtioHeader);
  }
  if (!isSingle && (offloads_ == Offloads::kNone || (offloads_ == Offloads::kTcp && header[1] == kKindUdp)))
    return writeCut(header, size);
  for (;;) {
    const ssize_t result = ::write(descriptor_.number(), header, size);
    if (result >= 0) return 0;
    if (errno != EINTR) return -errno;
  }
}

int TunDevice::writeCut(const uint8_t* header, size_t size) {
  Cut cut;
  if (!cut.take(header, size)) return -EINVAL;
  uint8_t segment[kPacketMax];
  int result = 0;
  for (size_t i = 0; i < cut.count(); i++) {
    const size_t length = cut.lengthOf(i);
    if (length > sizeof segment) return -EINVAL;
    cut.write(i, segment);
    const int written = write(segment, length);
    if (written < 0) result = written;
  }
  return result;
}

}  // namespace ratatosk
