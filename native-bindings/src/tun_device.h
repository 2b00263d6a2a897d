#pragma once

#include <net/if.h>

#include <cstddef>
#include <cstdint>

#include "descriptor.h"

namespace ratatosk {

// What the kernel may leave to us, and takes unfinished from us: nothing; checksums and cutting of TCP; of UDP too.
enum class Offloads { kNone, kTcp, kAll };

// A TUN interface, never blocking. With offloads each packet has a virtio header. Errors are negative errno values.
class TunDevice {
 public:
  // "auto" lets the kernel choose the name. It gives the offloads that it has, up to those wanted.
  int open(const char* name, Offloads wanted);
  void close() { descriptor_.close(); }

  bool isOpen() const { return descriptor_.isOpen(); }
  int descriptor() const { return descriptor_.number(); }
  const char* name() const { return name_; }
  Offloads offloads() const { return offloads_; }

  // Octets of the packet, or -EAGAIN. What does not fit is cut off. `target` has room for a virtio header before it.
  int read(uint8_t* target, size_t size);
  // Takes a whole packet.
  int write(const uint8_t* packet, size_t size);
  // Takes a packet behind a virtio header, `size` octets both, and finishes what the kernel would not. May change it.
  int writeUnfinished(uint8_t* header, size_t size);

 private:
  int attach(const char* name, short flags);
  bool agree(unsigned int features);
  int writeCut(const uint8_t* header, size_t size);

  Descriptor descriptor_;
  char name_[IFNAMSIZ] = {};
  Offloads offloads_ = Offloads::kNone;
};

}  // namespace ratatosk
