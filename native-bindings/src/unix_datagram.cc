#include "unix_datagram.h"

#include <cerrno>
#include <cstddef>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>

#include "arguments.h"
#include "descriptor.h"

namespace ratatosk {

Napi::Value callSendUnixDatagram(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  sockaddr_un target = {};
  View<uint8_t> octets;
  if (info.Length() != 2) {
    refuse(env, "two arguments were expected");
    return {};
  }
  if (!readText(env, info[0], target.sun_path, sizeof target.sun_path) || !viewOctets(env, info[1], &octets)) return {};
  target.sun_family = AF_UNIX;
  const size_t length = std::strlen(target.sun_path);
  if (target.sun_path[0] == '@') target.sun_path[0] = '\0';

  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.isOpen()) return Napi::Number::New(env, -errno);
  const ssize_t sent = ::sendto(socket.number(), octets.data, octets.size, MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&target),
                                static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
  return Napi::Number::New(env, sent < 0 ? -errno : 0);
}

}  // namespace ratatosk
