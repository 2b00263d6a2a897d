// ICMP echo with the kernel's time stamps: what a script adds to a round trip of some microseconds would show.
//
//   ping ADDRESS COUNT INTERVAL_US LIMIT_MS      "ready", then one JSON object; SIGINT ends it early
//
// IPv6 or IPv4. Requests leave at their times, answered or not. LIMIT_MS: how long the last answer may take.
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr size_t kHeader = 8;
constexpr size_t kMessage = 64;
constexpr size_t kIpv4HeaderMin = 20;

volatile sig_atomic_t is_stopped = 0;

struct Echo {
  int64_t sent_ns;
  int64_t answered_ns;
};

int64_t now_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

uint16_t checksum(const uint8_t* octets, size_t size) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < size; i += 2) sum += static_cast<uint32_t>(octets[i] << 8 | octets[i + 1]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

class Pinger {
 public:
  explicit Pinger(const char* address) {
    is_ipv6_ = inet_pton(AF_INET6, address, &to6_.sin6_addr) == 1;
    if (!is_ipv6_ && inet_pton(AF_INET, address, &to4_.sin_addr) != 1) fail(address);
    to6_.sin6_family = AF_INET6;
    to4_.sin_family = AF_INET;
    socket_ = socket(is_ipv6_ ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     is_ipv6_ ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP));
    if (socket_ < 0) fail("socket");
    const int one = 1;
    const int large = 4 << 20;
    setsockopt(socket_, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large);
    setsockopt(socket_, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large);
    if (!is_ipv6_) return;
    icmp6_filter only_replies{};
    ICMP6_FILTER_SETBLOCKALL(&only_replies);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &only_replies);
    setsockopt(socket_, IPPROTO_ICMPV6, ICMP6_FILTER, &only_replies, sizeof only_replies);
  }

  void run(uint32_t count, int64_t interval_ns, int64_t limit_ns) {
    echoes_.reserve(count);
    int64_t next_ns = now_ns(CLOCK_MONOTONIC);
    for (uint32_t number = 0; number < count && is_stopped == 0; number++) {
      send(number);
      next_ns += interval_ns;
      const bool is_last = number + 1 == count;
      receive_until(is_last ? now_ns(CLOCK_MONOTONIC) + limit_ns : next_ns, is_last);
    }
    if (is_stopped == 0) return;
    // What was asked last is still on its way when the signal comes.
    is_stopped = 0;
    receive_until(now_ns(CLOCK_MONOTONIC) + limit_ns, true);
  }

  void report() const {
    const int64_t begin = echoes_.empty() ? 0 : echoes_.front().sent_ns;
    std::printf("{\"sent\":%zu,\"received\":%zu,\"beginUnixMs\":%.3f,\"answers\":[", echoes_.size(), answered_,
                static_cast<double>(begin) / 1e6);
    const char* comma = "";
    for (const Echo& echo : echoes_) {
      if (echo.answered_ns == 0) continue;
      std::printf("%s{\"atMs\":%.3f,\"rttMs\":%.4f}", comma, static_cast<double>(echo.sent_ns - begin) / 1e6,
                  static_cast<double>(echo.answered_ns - echo.sent_ns) / 1e6);
      comma = ",";
    }
    std::printf("]}\n");
  }

  [[noreturn]] static void fail(const char* what) {
    std::perror(what);
    std::exit(1);
  }

 private:
  void send(uint32_t number) {
    uint8_t message[kMessage] = {};
    message[0] = is_ipv6_ ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    message[4] = static_cast<uint8_t>(ident_ >> 8);
    message[5] = static_cast<uint8_t>(ident_);
    message[6] = static_cast<uint8_t>(number >> 8);
    message[7] = static_cast<uint8_t>(number);
    std::memcpy(message + kHeader, &number, sizeof number);
    const uint16_t sum = is_ipv6_ ? 0 : checksum(message, kMessage);
    message[2] = static_cast<uint8_t>(sum >> 8);
    message[3] = static_cast<uint8_t>(sum);
    echoes_.push_back({now_ns(CLOCK_REALTIME), 0});
    // Without a route while a daemon starts: counts as lost.
    const auto* to = is_ipv6_ ? reinterpret_cast<const sockaddr*>(&to6_) : reinterpret_cast<const sockaddr*>(&to4_);
    const socklen_t size = is_ipv6_ ? sizeof to6_ : sizeof to4_;
    if (sendto(socket_, message, kMessage, 0, to, size) < 0) return;
  }

  void receive_until(int64_t deadline_ns, bool is_done_when_all) {
    for (;;) {
      while (receive()) continue;
      if (is_stopped != 0 || (is_done_when_all && answered_ == echoes_.size())) return;
      const int64_t rest = deadline_ns - now_ns(CLOCK_MONOTONIC);
      if (rest <= 0) return;
      const timespec wait{rest / 1'000'000'000, rest % 1'000'000'000};
      pollfd readable{socket_, POLLIN, 0};
      ppoll(&readable, 1, &wait, nullptr);
    }
  }

  bool receive() {
    uint8_t octets[512];
    alignas(cmsghdr) char extra[128];
    iovec vector{octets, sizeof octets};
    sockaddr_storage from{};
    msghdr message{&from, sizeof from, &vector, 1, extra, sizeof extra, 0};
    const ssize_t size = recvmsg(socket_, &message, 0);
    if (size < 0) return false;
    size_t at = 0;
    if (!is_ipv6_) at = std::max(kIpv4HeaderMin, static_cast<size_t>(octets[0] & 15) * 4);
    if (static_cast<size_t>(size) != at + kMessage || !is_from_target(from)) return true;
    const uint8_t* echo = octets + at;
    if (echo[0] != (is_ipv6_ ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY)) return true;
    uint32_t number = 0;
    std::memcpy(&number, echo + kHeader, sizeof number);
    if ((echo[4] << 8 | echo[5]) != ident_ || number >= echoes_.size() || echoes_[number].answered_ns != 0) return true;
    timespec time{};
    for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
      if (one->cmsg_type == SCM_TIMESTAMPNS) std::memcpy(&time, CMSG_DATA(one), sizeof time);
    }
    echoes_[number].answered_ns = time.tv_sec * 1'000'000'000LL + time.tv_nsec;
    answered_++;
    return true;
  }

  bool is_from_target(const sockaddr_storage& from) const {
    if (is_ipv6_) {
      return std::memcmp(&reinterpret_cast<const sockaddr_in6&>(from).sin6_addr, &to6_.sin6_addr, 16) == 0;
    }
    return reinterpret_cast<const sockaddr_in&>(from).sin_addr.s_addr == to4_.sin_addr.s_addr;
  }

  bool is_ipv6_ = true;
  int socket_ = -1;
  int ident_ = getpid() & 0xffff;
  sockaddr_in6 to6_{};
  sockaddr_in to4_{};
  std::vector<Echo> echoes_;
  size_t answered_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  struct sigaction stop {};
  stop.sa_handler = [](int) { is_stopped = 1; };
  sigaction(SIGINT, &stop, nullptr);
  // Sleeps end on time, not some 50 µs later.
  prctl(PR_SET_TIMERSLACK, 1);
  Pinger pinger(argv[1]);
  std::printf("ready\n");
  std::fflush(stdout);
  pinger.run(static_cast<uint32_t>(std::atol(argv[2])), std::atol(argv[3]) * 1000, std::atol(argv[4]) * 1'000'000);
  pinger.report();
}
