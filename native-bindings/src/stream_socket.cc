#include "stream_socket.h"

#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "arguments.h"

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

namespace ratatosk {

Napi::Value callLimitUnsent(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  size_t descriptor = 0, octets = 0;
  if (info.Length() != 2) {
    refuse(env, "two arguments were expected");
    return {};
  }
  if (!readSize(env, info[0], INT32_MAX, &descriptor) || !readSize(env, info[1], INT32_MAX, &octets)) return {};
  const int value = static_cast<int>(octets);
  const int result =
      ::setsockopt(static_cast<int>(descriptor), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, sizeof value);
  return Napi::Number::New(env, result == 0 ? 0 : -errno);
}

Napi::Value callUnsent(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  size_t descriptor = 0;
  if (info.Length() != 1) {
    refuse(env, "one argument was expected");
    return {};
  }
  if (!readSize(env, info[0], INT32_MAX, &descriptor)) return {};
  const int number = static_cast<int>(descriptor);
  int waiting = 0;
  if (::ioctl(number, SIOCOUTQNSD, &waiting) != 0) return Napi::Number::New(env, -errno);
  // Kernels before 4.12 do not tell what is below the connection.
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof memory;
  if (::getsockopt(number, SOL_SOCKET, SO_MEMINFO, memory, &size) != 0) memory[SK_MEMINFO_WMEM_ALLOC] = 0;
  return Napi::Number::New(env, static_cast<double>(waiting) + memory[SK_MEMINFO_WMEM_ALLOC]);
}

Napi::Value callSendNow(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  size_t descriptor = 0;
  View<uint8_t> octets;
  if (info.Length() != 2) {
    refuse(env, "two arguments were expected");
    return {};
  }
  if (!readSize(env, info[0], INT32_MAX, &descriptor) || !viewOctets(env, info[1], &octets)) return {};
  for (;;) {
    const ssize_t sent = ::send(static_cast<int>(descriptor), octets.data, octets.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return Napi::Number::New(env, static_cast<double>(sent));
    if (errno == EAGAIN) return Napi::Number::New(env, 0);
    if (errno != EINTR) return Napi::Number::New(env, -errno);
  }
}

}  // namespace ratatosk
