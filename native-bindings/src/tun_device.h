#pragma once

#include <net/if.h>

#include <cstddef>
#include <cstdint>

#include "descriptor.h"

namespace ratatosk {

// A TUN interface: whole IP packets, no extra header, never blocking. Errors are negative errno values.
class TunDevice {
 public:
  // "auto" lets the kernel choose the name.
  int open(const char* name);
  void close() { descriptor_.close(); }

  bool isOpen() const { return descriptor_.isOpen(); }
  int descriptor() const { return descriptor_.number(); }
  const char* name() const { return name_; }

  // Octets of the packet, or -EAGAIN. What does not fit is cut off.
  int read(uint8_t* target, size_t size);
  int write(const uint8_t* packet, size_t size);

 private:
  Descriptor descriptor_;
  char name_[IFNAMSIZ] = {};
};

}  // namespace ratatosk
