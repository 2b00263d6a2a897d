// Where to: an address as text, IPv6 or IPv4, and a port.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

[[noreturn]] inline void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  Address(const char* text, const char* port) {
    auto& six = reinterpret_cast<sockaddr_in6&>(storage);
    auto& four = reinterpret_cast<sockaddr_in&>(storage);
    const auto network_port = htons(static_cast<uint16_t>(std::atoi(port)));
    if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1) {
      six.sin6_family = AF_INET6;
      six.sin6_port = network_port;
      size = sizeof six;
    } else if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
      four.sin_family = AF_INET;
      four.sin_port = network_port;
      size = sizeof four;
    } else {
      fail(text);
    }
  }

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int open(int type) const { return socket(storage.ss_family, type | SOCK_CLOEXEC, 0); }
};
