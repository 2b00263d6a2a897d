#include "udp_socket.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

namespace ratatosk {

namespace {

// A burst at 1 Gbit/s and 30 ms without us; a little less to send, so that queues stay where they are managed.
constexpr int kReceiveBuffer = 4 << 20;
constexpr int kSendBuffer = 1 << 20;
// The kernel's own bounds for one segmented message: UDP_MAX_SEGMENTS of the oldest, and a datagram with its headers.
constexpr size_t kRunDatagrams = 64;
constexpr size_t kRunOctets = 65000;
constexpr size_t kMessages = 64;

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool isMapped(const uint8_t* row) { return std::memcmp(row, kMappedPrefix, sizeof kMappedPrefix) == 0; }

int set(int descriptor, int level, int option, int value) {
  return ::setsockopt(descriptor, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

// Without the right to exceed the system's bound it is what the bound allows.
void setBuffer(int descriptor, int forced, int plain, int size) {
  if (set(descriptor, SOL_SOCKET, forced, size) != 0) static_cast<void>(set(descriptor, SOL_SOCKET, plain, size));
}

void toRow(const sockaddr_in6& address, uint8_t* row) {
  uint32_t scope = 0;
  uint16_t port = address.sin6_port;
  if (address.sin6_family == AF_INET) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &address, sizeof ipv4);
    std::memcpy(row, kMappedPrefix, sizeof kMappedPrefix);
    std::memcpy(row + 12, &ipv4.sin_addr, 4);
    port = ipv4.sin_port;
  } else {
    std::memcpy(row, &address.sin6_addr, 16);
    scope = htonl(address.sin6_scope_id);
  }
  std::memcpy(row + 16, &scope, 4);
  std::memcpy(row + 20, &port, 2);
  row[22] = row[23] = 0;
}

// The size of the datagrams that the kernel has put together, or 0.
size_t joinedSize(msghdr* header) {
  for (cmsghdr* control = CMSG_FIRSTHDR(header); control != nullptr; control = CMSG_NXTHDR(header, control)) {
    if (control->cmsg_level != SOL_UDP || control->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(control), sizeof size);
    return size > 0 ? static_cast<size_t>(size) : 0;
  }
  return 0;
}

}  // namespace

int UdpSocket::open(const Options& options) {
  isIpv4_ = options.family == Family::kIpv4;
  const int number = ::socket(isIpv4_ ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (number < 0) return -errno;
  descriptor_.take(number);
  int result = configure(options);
  if (result == 0) {
    sockaddr_in6 address;
    const socklen_t size = toSystem(options.address, &address);
    if (size == 0)
      result = -EAFNOSUPPORT;
    else if (::bind(number, reinterpret_cast<const sockaddr*>(&address), size) != 0)
      result = -errno;
  }
  if (result != 0) descriptor_.close();
  return result;
}

int UdpSocket::configure(const Options& options) {
  const int number = descriptor_.number();
  int result = 0;
  const auto need = [&](int level, int option, int value) {
    if (result == 0) result = set(number, level, option, value);
  };
  // The packets say "don't fragment", and what routers report does not change what we send: the search for the path's
  // MTU is done above, by those who know whom they talk to.
  if (options.family != Family::kIpv6) need(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  if (options.family != Family::kIpv4) {
    need(IPPROTO_IPV6, IPV6_V6ONLY, options.family == Family::kIpv6 ? 1 : 0);
    need(IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    need(IPPROTO_IPV6, IPV6_DONTFRAG, 1);
    need(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
    static_cast<void>(set(number, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0));
  }
  if (options.isShared) need(SOL_SOCKET, SO_REUSEADDR, 1);
  setBuffer(number, SO_RCVBUFFORCE, SO_RCVBUF, kReceiveBuffer);
  limitUnsent(kSendBuffer);
  // Kernels before 5.0 deliver one by one.
  static_cast<void>(set(number, SOL_UDP, UDP_GRO, 1));
  if (result == 0 && options.device[0] != '\0' &&
      ::setsockopt(number, SOL_SOCKET, SO_BINDTODEVICE, options.device,
                   static_cast<socklen_t>(std::strlen(options.device) + 1)) != 0)
    result = -errno;
  return result;
}

void UdpSocket::limitUnsent(int octets) {
  // The kernel doubles it.
  if (descriptor_.isOpen()) setBuffer(descriptor_.number(), SO_SNDBUFFORCE, SO_SNDBUF, octets / 2);
}

int UdpSocket::unsent() const {
  int octets = 0;
  return ::ioctl(descriptor_.number(), SIOCOUTQ, &octets) == 0 ? octets : 0;
}

int UdpSocket::port() const {
  sockaddr_in6 address = {};
  socklen_t size = sizeof address;
  if (::getsockname(descriptor_.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return -errno;
  // Both families have it at the same place.
  return ntohs(address.sin6_port);
}

int UdpSocket::joinGroup(const uint8_t* group, uint32_t interfaceIndex) {
  if (isIpv4_) return -EAFNOSUPPORT;
  ipv6_mreq request = {};
  std::memcpy(&request.ipv6mr_multiaddr, group, 16);
  request.ipv6mr_interface = interfaceIndex;
  return ::setsockopt(descriptor_.number(), IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request) == 0 ? 0 : -errno;
}

int UdpSocket::receive(uint8_t* arena, size_t slots, const ReceivedRows& rows, bool* isDrained) {
  std::array<mmsghdr, kMaxSlots> headers;
  std::array<sockaddr_in6, kMaxSlots> senders;
  std::array<iovec, kMaxSlots> pieces;
  struct alignas(cmsghdr) Control {
    uint8_t octets[CMSG_SPACE(sizeof(int))];
  };
  std::array<Control, kMaxSlots> controls;
  slots = std::min(slots, kMaxSlots);
  for (size_t i = 0; i < slots; i++) {
    pieces[i] = {arena + i * kSlot, kSlot};
    headers[i] = {};
    headers[i].msg_hdr.msg_name = &senders[i];
    headers[i].msg_hdr.msg_namelen = sizeof senders[i];
    headers[i].msg_hdr.msg_iov = &pieces[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    headers[i].msg_hdr.msg_control = &controls[i];
    headers[i].msg_hdr.msg_controllen = sizeof controls[i];
  }
  int received;
  do {
    received = ::recvmmsg(descriptor_.number(), headers.data(), static_cast<unsigned>(slots), MSG_DONTWAIT, nullptr);
  } while (received < 0 && errno == EINTR);
  *isDrained = received < static_cast<int>(slots);
  if (received < 0) return errno == EAGAIN ? 0 : -errno;

  size_t row = 0;
  for (size_t i = 0; i < static_cast<size_t>(received); i++) {
    const size_t length = headers[i].msg_len;
    const size_t joined = joinedSize(&headers[i].msg_hdr);
    const size_t step = joined == 0 ? std::max<size_t>(length, 1) : joined;
    // Empty datagrams mean nothing here.
    for (size_t at = 0; at < length && row < rows.capacity; at += step, row++) {
      rows.offsets[row] = static_cast<int32_t>(i * kSlot + at);
      rows.lengths[row] = static_cast<int32_t>(std::min(step, length - at));
      toRow(senders[i], rows.addresses + row * kAddressRow);
    }
  }
  return static_cast<int>(row);
}

size_t UdpSocket::send(const Octets* datagrams, const uint8_t* addresses, size_t count) {
  headers_.resize(kMessages);
  messages_.resize(kMessages);
  pieces_.resize(std::max(pieces_.size(), count));
  for (size_t i = 0; i < count; i++)
    pieces_[i] = {const_cast<uint8_t*>(datagrams[i].data), datagrams[i].size};

  size_t done = 0;
  bool isBlocked = false;
  while (done < count && !isBlocked) {
    size_t messages = 0;
    size_t next = done;
    while (next < count && messages < kMessages) {
      const uint8_t* const row = addresses + next * kAddressRow;
      const size_t run = hasSegmentation_ ? runLength(datagrams + next, row, count - next) : 1;
      if (!addMessage(messages, datagrams + next, row, run)) {
        if (messages > 0) break;
        // An IPv6 address on an IPv4 socket.
        refused_ += static_cast<double>(run);
        done = next += run;
        continue;
      }
      headers_[messages].msg_hdr.msg_iov = &pieces_[next];
      messages++;
      next += run;
    }
    if (messages > 0)
      done += flush(messages, datagrams + done, addresses + done * kAddressRow, &isBlocked);
  }
  return done;
}

// Datagrams to one address, of one size; the last may be shorter.
size_t UdpSocket::runLength(const Octets* datagrams, const uint8_t* addresses, size_t count) const {
  const size_t size = datagrams[0].size;
  size_t total = size;
  size_t run = 1;
  if (size == 0) return run;
  while (run < count && run < kRunDatagrams && datagrams[run].size <= size && datagrams[run].size > 0 &&
         total + datagrams[run].size <= kRunOctets &&
         std::memcmp(addresses, addresses + run * kAddressRow, kAddressRow) == 0) {
    total += datagrams[run].size;
    run++;
    if (datagrams[run - 1].size < size) break;
  }
  return run;
}

bool UdpSocket::addMessage(size_t index, const Octets* datagrams, const uint8_t* row, size_t run) {
  Message& message = messages_[index];
  const socklen_t addressSize = toSystem(row, &message.address);
  if (addressSize == 0) return false;
  message.datagrams = run;
  msghdr& header = headers_[index].msg_hdr;
  header = {};
  header.msg_name = &message.address;
  header.msg_namelen = addressSize;
  header.msg_iovlen = run;
  if (run > 1) {
    const uint16_t size = static_cast<uint16_t>(datagrams[0].size);
    header.msg_control = message.control;
    header.msg_controllen = CMSG_SPACE(sizeof size);
    cmsghdr* const control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = SOL_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof size);
    std::memcpy(CMSG_DATA(control), &size, sizeof size);
  }
  return true;
}

// Answers how many datagrams of the messages are done with; the rest is built anew unless the kernel's buffer is full.
size_t UdpSocket::flush(size_t messages, const Octets* datagrams, const uint8_t* addresses, bool* isBlocked) {
  size_t at = 0;
  size_t done = 0;
  while (at < messages) {
    const int sent = ::sendmmsg(descriptor_.number(), &headers_[at], static_cast<unsigned>(messages - at), MSG_DONTWAIT);
    if (sent > 0) {
      for (const size_t end = at + static_cast<size_t>(sent); at < end; at++) done += messages_[at].datagrams;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      *isBlocked = true;
      return done;
    }
    const size_t run = messages_[at].datagrams;
    if (run > 1) {
      // EIO: the device cannot cut, or cannot add the checksums. Otherwise the kernel does not like this size.
      if (errno == EIO) hasSegmentation_ = false;
      size_t singles = 0;
      *isBlocked = !sendSingly(datagrams + done, addresses + done * kAddressRow, run, &singles);
      done += singles;
      if (*isBlocked) return done;
    } else {
      // Too big for the interface, no route, a firewall: lost, as it might be anywhere on its way.
      refused_ += 1;
      done++;
    }
    at++;
  }
  return done;
}

// False: the kernel's buffer is full.
bool UdpSocket::sendSingly(const Octets* datagrams, const uint8_t* addresses, size_t count, size_t* done) {
  for (*done = 0; *done < count; ++*done) {
    sockaddr_in6 address;
    const socklen_t size = toSystem(addresses + *done * kAddressRow, &address);
    ssize_t sent;
    do {
      sent = ::sendto(descriptor_.number(), datagrams[*done].data, datagrams[*done].size, MSG_DONTWAIT,
                      reinterpret_cast<const sockaddr*>(&address), size);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EAGAIN) return false;
    if (sent < 0) refused_ += 1;
  }
  return true;
}

// The size of the address, or 0 if this socket has no such addresses.
socklen_t UdpSocket::toSystem(const uint8_t* row, sockaddr_in6* address) const {
  std::memset(address, 0, sizeof *address);
  if (isIpv4_) {
    if (!isMapped(row)) return 0;
    sockaddr_in ipv4 = {};
    ipv4.sin_family = AF_INET;
    std::memcpy(&ipv4.sin_addr, row + 12, 4);
    std::memcpy(&ipv4.sin_port, row + 20, 2);
    std::memcpy(address, &ipv4, sizeof ipv4);
    return sizeof ipv4;
  }
  uint32_t scope;
  std::memcpy(&scope, row + 16, 4);
  address->sin6_family = AF_INET6;
  std::memcpy(&address->sin6_addr, row, 16);
  std::memcpy(&address->sin6_port, row + 20, 2);
  address->sin6_scope_id = ntohl(scope);
  return sizeof *address;
}

}  // namespace ratatosk
