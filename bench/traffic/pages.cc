// Pages over HTTP, every one on a connection of its own.
//
//   pages serve ADDRESS PORT                           "ready"
//   pages fetch ADDRESS PORT CONNECTIONS SECONDS       milliseconds of each page as a JSON array
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

#include "address.h"

namespace {

constexpr size_t kPage = 10'000;
constexpr int kBacklog = 1024;
constexpr int kEvents = 256;
constexpr char kRequest[] = "GET / HTTP/1.0\r\n\r\n";

double now_ms() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

class Poll {
 public:
  Poll() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
    if (fd_ < 0) fail("epoll_create1");
  }

  void set(int operation, int socket_fd, uint32_t wanted) {
    epoll_event event{};
    event.events = wanted;
    event.data.fd = socket_fd;
    if (epoll_ctl(fd_, operation, socket_fd, &event) != 0) fail("epoll_ctl");
  }

  template <typename Act>
  void wait(int limit_ms, Act act) {
    epoll_event events[kEvents];
    const int count = epoll_wait(fd_, events, kEvents, limit_ms);
    for (int i = 0; i < count; i++) act(events[i].data.fd, events[i].events);
  }

 private:
  int fd_;
};

void serve(const Address& at) {
  const int listener = at.open(SOCK_STREAM | SOCK_NONBLOCK);
  const int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, at.get(), at.size) != 0 || listen(listener, kBacklog) != 0) fail("listen");
  std::string answer = "HTTP/1.0 200 OK\r\nContent-Length: " + std::to_string(kPage) + "\r\n\r\n";
  answer.append(kPage, '.');
  Poll poll;
  poll.set(EPOLL_CTL_ADD, listener, EPOLLIN);
  std::unordered_map<int, size_t> written;
  std::printf("ready\n");
  std::fflush(stdout);
  for (;;) {
    poll.wait(-1, [&](int fd, uint32_t) {
      if (fd == listener) {
        for (;;) {
          const int visitor = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
          if (visitor < 0) return;
          poll.set(EPOLL_CTL_ADD, visitor, EPOLLIN);
          written[visitor] = 0;
        }
      }
      size_t& sent = written[fd];
      char request[512];
      const ssize_t got = recv(fd, request, sizeof request, 0);
      const bool is_gone = got == 0 || (got < 0 && errno != EAGAIN);
      if (is_gone && (got < 0 || sent == answer.size())) {
        written.erase(fd);
        close(fd);
        return;
      }
      while (sent < answer.size()) {
        const ssize_t taken = send(fd, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (taken < 0) {
          poll.set(EPOLL_CTL_MOD, fd, EPOLLOUT);
          return;
        }
        sent += static_cast<size_t>(taken);
      }
      shutdown(fd, SHUT_WR);
      poll.set(EPOLL_CTL_MOD, fd, EPOLLIN);
    });
  }
}

struct Visit {
  double begin_ms = 0;
  size_t octets = 0;
  bool is_asked = false;
};

void fetch(const Address& at, int connections, double seconds) {
  Poll poll;
  std::unordered_map<int, Visit> visits;
  std::vector<double> times;
  const auto visit = [&] {
    const int fd = at.open(SOCK_STREAM | SOCK_NONBLOCK);
    if (connect(fd, at.get(), at.size) != 0 && errno != EINPROGRESS) fail("connect");
    visits[fd] = {now_ms(), 0, false};
    poll.set(EPOLL_CTL_ADD, fd, EPOLLOUT);
  };
  const double end_ms = now_ms() + seconds * 1e3;
  for (int i = 0; i < connections; i++) visit();
  // Everybody who has begun stays to the end: whoever waits longest counts too.
  while (!visits.empty()) {
    poll.wait(1000, [&](int fd, uint32_t) {
      Visit& one = visits[fd];
      if (!one.is_asked) {
        if (send(fd, kRequest, sizeof kRequest - 1, MSG_NOSIGNAL) < 0) fail("send");
        one.is_asked = true;
        poll.set(EPOLL_CTL_MOD, fd, EPOLLIN);
        return;
      }
      char octets[16 * 1024];
      for (;;) {
        const ssize_t got = recv(fd, octets, sizeof octets, 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got < 0) fail("recv");
        if (got == 0) break;
        one.octets += static_cast<size_t>(got);
      }
      if (one.octets < kPage) {
        std::fprintf(stderr, "a page of %zu octets\n", one.octets);
        std::exit(1);
      }
      const double now = now_ms();
      times.push_back(now - one.begin_ms);
      visits.erase(fd);
      close(fd);
      if (now < end_ms) visit();
    });
  }
  const char* comma = "[";
  for (const double time : times) {
    std::printf("%s%.3f", comma, time);
    comma = ",";
  }
  std::printf("]\n");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "serve" && argc == 4) serve(Address(argv[2], argv[3]));
  if (verb != "fetch" || argc != 6) return 2;
  fetch(Address(argv[2], argv[3]), std::atoi(argv[4]), std::atof(argv[5]));
}
