#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "descriptor.h"

namespace ratatosk {

// As JavaScript writes it: IPv6 or mapped IPv4 address (16), interface index (4), port (2), zero (2), big-endian.
constexpr size_t kAddressRow = 24;

struct Octets {
  const uint8_t* data;
  size_t size;
};

// Where the datagrams of a batch go: row i of each column.
struct ReceivedRows {
  int32_t* offsets;
  int32_t* lengths;
  uint8_t* addresses;
  size_t capacity;
};

// An unconnected UDP socket that never blocks and never fragments. Errors are negative errno values.
class UdpSocket {
 public:
  enum class Family { kIpv4, kIpv6, kBoth };
  struct Options {
    Family family;
    const uint8_t* address;  // a row: where it is bound
    const char* device;      // the interface it is bound to, or ""
    bool isShared;           // others may bind the same address and port: multicast
  };

  int open(const Options& options);
  void close() { descriptor_.close(); }
  bool isOpen() const { return descriptor_.isOpen(); }
  int descriptor() const { return descriptor_.number(); }
  // The kernel takes no more while about so many octets, its own needs included, have not left.
  void limitUnsent(int octets);
  // What it holds of them.
  int unsent() const;
  // The port it really has, or a negative errno.
  int port() const;
  // IPv6 multicast on one interface; what this socket sends to groups reaches the next router at most.
  int joinGroup(const uint8_t* group, uint32_t interfaceIndex);

  // Receives into up to `slots` slots of the arena, `kSlot` octets each; the kernel may put many datagrams of one sender
  // into a slot. Answers the number of rows; `*isDrained` when nothing more waits.
  int receive(uint8_t* arena, size_t slots, const ReceivedRows& rows, bool* isDrained);

  // Datagram i goes to row i. Answers how many are done with, in order: sent, or refused by the kernel and counted. The
  // others found its buffer full.
  size_t send(const Octets* datagrams, const uint8_t* addresses, size_t count);

  double refused() const { return refused_; }

  static constexpr size_t kSlot = 65536;
  static constexpr size_t kMaxSlots = 64;

 private:
  // A message of `sendmmsg`: one datagram, or a run of them that the kernel cuts again.
  struct Message {
    sockaddr_in6 address;
    alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))];
    size_t datagrams;
  };

  int configure(const Options& options);
  size_t runLength(const Octets* datagrams, const uint8_t* addresses, size_t count) const;
  bool addMessage(size_t index, const Octets* datagrams, const uint8_t* row, size_t run);
  size_t flush(size_t messages, const Octets* datagrams, const uint8_t* addresses, bool* isBlocked);
  bool sendSingly(const Octets* datagrams, const uint8_t* addresses, size_t count, size_t* done);
  socklen_t toSystem(const uint8_t* row, sockaddr_in6* address) const;

  Descriptor descriptor_;
  bool isIpv4_ = false;
  bool hasSegmentation_ = true;
  double refused_ = 0;
  // Scratch, kept for its memory.
  std::vector<mmsghdr> headers_;
  std::vector<Message> messages_;
  std::vector<iovec> pieces_;
};

}  // namespace ratatosk
