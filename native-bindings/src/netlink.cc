#include "netlink.h"

#include <cerrno>
#include <cstring>

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "descriptor.h"

namespace ratatosk {

namespace {

// A request: header, the fixed part of its type, attributes.
template <typename Body>
class Request {
 public:
  Request(uint16_t type, uint16_t flags) {
    std::memset(&message_, 0, sizeof message_);
    message_.header.nlmsg_len = NLMSG_LENGTH(sizeof(Body));
    message_.header.nlmsg_type = type;
    message_.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    message_.header.nlmsg_seq = 1;
  }

  Body& body() { return message_.body; }

  void addAttribute(uint16_t type, const void* data, size_t size) {
    const size_t start = NLMSG_ALIGN(message_.header.nlmsg_len);
    rtattr attribute = {};
    attribute.rta_len = static_cast<uint16_t>(RTA_LENGTH(size));
    attribute.rta_type = type;
    if (start + RTA_SPACE(size) > sizeof message_) __builtin_trap();  // our own requests are all smaller
    uint8_t* const at = reinterpret_cast<uint8_t*>(&message_) + start;
    std::memcpy(at, &attribute, sizeof attribute);
    std::memcpy(at + RTA_LENGTH(0), data, size);
    message_.header.nlmsg_len = static_cast<uint32_t>(start + RTA_LENGTH(size));
  }

  const void* data() const { return &message_; }
  size_t size() const { return message_.header.nlmsg_len; }

 private:
  struct {
    nlmsghdr header;
    Body body;
    uint8_t attributes[64];
  } message_;
};

class NetlinkSocket {
 public:
  int open() {
    socket_.take(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket_.isOpen()) return -errno;
    // The kernel answers at once; a limit all the same, for the caller blocks the event loop.
    const timeval limit = {2, 0};
    if (::setsockopt(socket_.number(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) return -errno;
    return 0;
  }

  template <typename Body>
  int ask(const Request<Body>& request) {
    sockaddr_nl kernel = {};
    kernel.nl_family = AF_NETLINK;
    if (::sendto(socket_.number(), request.data(), request.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
                 sizeof kernel) < 0)
      return -errno;
    return waitForAnswer();
  }

 private:
  int waitForAnswer() {
    for (;;) {
      alignas(nlmsghdr) uint8_t buffer[4096];
      sockaddr_nl sender = {};
      socklen_t senderSize = sizeof sender;
      const ssize_t size = ::recvfrom(socket_.number(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&sender),
                                      &senderSize);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return errno == EAGAIN ? -ETIMEDOUT : -errno;
      if (sender.nl_pid != 0) continue;  // only the kernel speaks for the kernel
      nlmsghdr header;
      nlmsgerr answer;
      if (static_cast<size_t>(size) < sizeof header + sizeof answer.error) return -EBADMSG;
      std::memcpy(&header, buffer, sizeof header);
      if (header.nlmsg_type != NLMSG_ERROR || header.nlmsg_seq != 1) continue;
      std::memcpy(&answer.error, buffer + NLMSG_HDRLEN, sizeof answer.error);
      return answer.error;
    }
  }

  Descriptor socket_;
};

int setLink(NetlinkSocket& socket, int index, uint32_t mtu) {
  Request<ifinfomsg> request(RTM_NEWLINK, 0);
  request.body().ifi_family = AF_UNSPEC;
  request.body().ifi_index = index;
  request.body().ifi_flags = IFF_UP;
  request.body().ifi_change = IFF_UP;
  request.addAttribute(IFLA_MTU, &mtu, sizeof mtu);
  return socket.ask(request);
}

int addAddress(NetlinkSocket& socket, int index, const uint8_t (&address)[16], uint8_t prefixLength) {
  Request<ifaddrmsg> request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
  request.body().ifa_family = AF_INET6;
  request.body().ifa_prefixlen = prefixLength;
  request.body().ifa_flags = IFA_F_PERMANENT | IFA_F_NODAD;  // nobody else can have it, so nobody is asked
  request.body().ifa_scope = RT_SCOPE_UNIVERSE;
  request.body().ifa_index = static_cast<uint32_t>(index);
  request.addAttribute(IFA_LOCAL, address, sizeof address);
  request.addAttribute(IFA_ADDRESS, address, sizeof address);
  const int result = socket.ask(request);
  return result == -EEXIST ? 0 : result;
}

int openFor(NetlinkSocket& socket, const char* name, int* index) {
  const unsigned found = ::if_nametoindex(name);
  if (found == 0) return -errno;
  *index = static_cast<int>(found);
  return socket.open();
}

}  // namespace

int configureInterface(const char* name, const uint8_t (&address)[16], uint8_t prefixLength, uint32_t mtu) {
  NetlinkSocket socket;
  int index = 0;
  int result = openFor(socket, name, &index);
  // The MTU first: below 1280 the kernel would take IPv6, and the address with it, off the interface.
  if (result == 0) result = setLink(socket, index, mtu);
  if (result == 0) result = addAddress(socket, index, address, prefixLength);
  return result;
}

int addRoute(const char* name, const uint8_t (&prefix)[16], uint8_t prefixLength) {
  NetlinkSocket socket;
  int index = 0;
  const int opened = openFor(socket, name, &index);
  if (opened != 0) return opened;
  Request<rtmsg> request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  request.body().rtm_family = AF_INET6;
  request.body().rtm_dst_len = prefixLength;
  request.body().rtm_table = RT_TABLE_MAIN;
  request.body().rtm_protocol = RTPROT_STATIC;
  request.body().rtm_scope = RT_SCOPE_UNIVERSE;
  request.body().rtm_type = RTN_UNICAST;
  request.addAttribute(RTA_DST, prefix, sizeof prefix);
  const uint32_t device = static_cast<uint32_t>(index);
  request.addAttribute(RTA_OIF, &device, sizeof device);
  return socket.ask(request);
}

}  // namespace ratatosk
