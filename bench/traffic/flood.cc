// UDP datagrams in batches, faster than any daemon here takes them, or at a steady rate.
//
//   flood send ADDRESS PORT OCTETS SECONDS RATE     RATE in packets a second, 0: as fast as it goes; a JSON object
//   flood receive ADDRESS PORT                      "ready", a JSON object at SIGINT
//
// Every datagram begins with its number and the time it left (CLOCK_REALTIME, nanoseconds); OCTETS is 16 at least.
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "address.h"

namespace {

constexpr int kBatch = 64;
constexpr size_t kStamp = 16;
constexpr size_t kReceiveMax = 2048;
constexpr int kBufferOctets = 32 << 20;
// A paced sender catches up in bursts no larger than this: what a daemon loses is then its own doing.
constexpr uint64_t kBurstMax = 32;

volatile sig_atomic_t is_stopped = 0;

int64_t now_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

int open_socket(const Address& address, int which_buffer) {
  const int socket_fd = address.open(SOCK_DGRAM);
  if (socket_fd < 0) fail("socket");
  setsockopt(socket_fd, SOL_SOCKET, which_buffer, &kBufferOctets, sizeof kBufferOctets);
  return socket_fd;
}

/** Room for a batch of datagrams, and the rows that tell the system of it. */
struct Batch {
  std::vector<uint8_t> arena;
  std::vector<iovec> vectors = std::vector<iovec>(kBatch);
  std::vector<mmsghdr> messages = std::vector<mmsghdr>(kBatch);

  explicit Batch(size_t octets) : arena(octets * kBatch) {
    for (size_t i = 0; i < kBatch; i++) {
      vectors[i] = {arena.data() + i * octets, octets};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }
};

void send_all(const Address& to, size_t octets, double seconds, uint64_t rate) {
  const int socket_fd = open_socket(to, SO_SNDBUFFORCE);
  if (connect(socket_fd, to.get(), to.size) != 0) fail("connect");
  Batch batch(octets);
  const int64_t begin = now_ns(CLOCK_MONOTONIC);
  const int64_t end = begin + static_cast<int64_t>(seconds * 1e9);
  uint64_t sent = 0;
  uint64_t refused = 0;
  int64_t now = begin;
  while (now < end && is_stopped == 0) {
    uint64_t wanted = kBatch;
    if (rate != 0) {
      const auto due = static_cast<uint64_t>(static_cast<double>(now - begin) * static_cast<double>(rate) / 1e9) + 1;
      wanted = std::min(due - std::min(due, sent), kBurstMax);
      if (wanted == 0) {
        const int64_t next = begin + static_cast<int64_t>(static_cast<double>(sent) * 1e9 / static_cast<double>(rate));
        const timespec until{next / 1'000'000'000, next % 1'000'000'000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
        now = now_ns(CLOCK_MONOTONIC);
        continue;
      }
    }
    const int64_t stamp = now_ns(CLOCK_REALTIME);
    for (size_t i = 0; i < wanted; i++) {
      const uint64_t number = sent + i;
      std::memcpy(batch.arena.data() + i * octets, &number, sizeof number);
      std::memcpy(batch.arena.data() + i * octets + sizeof number, &stamp, sizeof stamp);
    }
    const int taken = sendmmsg(socket_fd, batch.messages.data(), static_cast<unsigned>(wanted), 0);
    if (taken > 0) sent += static_cast<uint64_t>(taken);
    else if (errno != EINTR) refused++;
    now = now_ns(CLOCK_MONOTONIC);
  }
  std::printf("{\"sent\":%llu,\"refused\":%llu,\"seconds\":%.6f}\n", static_cast<unsigned long long>(sent),
              static_cast<unsigned long long>(refused), static_cast<double>(now - begin) / 1e9);
}

void receive_all(const Address& at) {
  const int socket_fd = open_socket(at, SO_RCVBUFFORCE);
  if (bind(socket_fd, at.get(), at.size) != 0) fail("bind");
  // A signal between the question and the call must not be missed for ever.
  const timeval now_and_then{0, 100'000};
  setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &now_and_then, sizeof now_and_then);
  Batch batch(kReceiveMax);
  std::printf("ready\n");
  std::fflush(stdout);
  uint64_t received = 0;
  uint64_t reordered = 0;
  uint64_t highest = 0;
  int64_t first = 0;
  int64_t last = 0;
  int64_t delay_max = 0;
  double delay_sum = 0;
  while (is_stopped == 0) {
    const int count = recvmmsg(socket_fd, batch.messages.data(), kBatch, MSG_WAITFORONE, nullptr);
    if (count <= 0) continue;
    last = now_ns(CLOCK_REALTIME);
    if (first == 0) first = last;
    for (size_t i = 0; i < static_cast<size_t>(count); i++) {
      if (batch.messages[i].msg_len < kStamp) continue;
      uint64_t number = 0;
      int64_t stamp = 0;
      std::memcpy(&number, batch.arena.data() + i * kReceiveMax, sizeof number);
      std::memcpy(&stamp, batch.arena.data() + i * kReceiveMax + sizeof number, sizeof stamp);
      if (number < highest) reordered++;
      highest = std::max(highest, number);
      delay_max = std::max(delay_max, last - stamp);
      delay_sum += static_cast<double>(last - stamp);
      received++;
    }
  }
  const double seconds = static_cast<double>(last - first) / 1e9;
  const double delay_mean = received == 0 ? 0 : delay_sum / static_cast<double>(received) / 1e6;
  std::printf("{\"received\":%llu,\"reordered\":%llu,\"seconds\":%.6f,\"delayMeanMs\":%.4f,\"delayMaxMs\":%.4f}\n",
              static_cast<unsigned long long>(received), static_cast<unsigned long long>(reordered), seconds, delay_mean,
              static_cast<double>(delay_max) / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  struct sigaction stop {};
  stop.sa_handler = [](int) { is_stopped = 1; };
  sigaction(SIGINT, &stop, nullptr);
  prctl(PR_SET_TIMERSLACK, 1);
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "send" && argc == 7) {
    const auto octets = std::max<size_t>(kStamp, static_cast<size_t>(std::atol(argv[4])));
    send_all(Address(argv[2], argv[3]), octets, std::atof(argv[5]), static_cast<uint64_t>(std::atol(argv[6])));
    return 0;
  }
  if (verb == "receive" && argc == 4) {
    receive_all(Address(argv[2], argv[3]));
    return 0;
  }
  return 2;
}
