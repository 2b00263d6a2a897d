#include "stream_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "arguments.h"

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

}  // namespace ratatosk
