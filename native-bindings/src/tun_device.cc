#include "tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

namespace ratatosk {

int TunDevice::open(const char* name) {
  const bool isAuto = std::strcmp(name, "auto") == 0;
  const char* const wanted = isAuto ? "tun%d" : name;
  // The kernel would take a '%' of ours for a pattern as well.
  if (std::strlen(wanted) >= IFNAMSIZ || (!isAuto && std::strchr(name, '%') != nullptr)) return -EINVAL;

  const int number = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (number < 0) return -errno;
  descriptor_.take(number);
  ifreq request = {};
  std::memcpy(request.ifr_name, wanted, std::strlen(wanted));
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(number, TUNSETIFF, &request) != 0) {
    const int result = -errno;
    descriptor_.close();
    return result;
  }
  std::memcpy(name_, request.ifr_name, sizeof name_);
  name_[sizeof name_ - 1] = '\0';
  return 0;
}

int TunDevice::read(uint8_t* target, size_t size) {
  for (;;) {
    const ssize_t result = ::read(descriptor_.number(), target, size);
    if (result >= 0) return static_cast<int>(result);
    if (errno != EINTR) return -errno;
  }
}

int TunDevice::write(const uint8_t* packet, size_t size) {
  for (;;) {
    const ssize_t result = ::write(descriptor_.number(), packet, size);
    if (result >= 0) return static_cast<int>(result);
    if (errno != EINTR) return -errno;
  }
}

}  // namespace ratatosk
