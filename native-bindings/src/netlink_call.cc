#include "netlink_call.h"

#include <cstring>

#include <net/if.h>

#include "arguments.h"
#include "netlink.h"

namespace ratatosk {

namespace {

constexpr size_t kMaxMtu = 65535;

struct Target {
  char name[IFNAMSIZ];
  uint8_t address[16];
  uint8_t prefixLength;
};

bool takeTarget(const Napi::CallbackInfo& info, size_t arguments, Target* target) {
  const napi_env env = info.Env();
  if (info.Length() != arguments) return refuse(env, "another number of arguments was expected");
  View<uint8_t> address;
  size_t prefixLength = 0;
  if (!readText(env, info[0], target->name, sizeof target->name) || !viewOctets(env, info[1], &address) ||
      !readSize(env, info[2], 128, &prefixLength))
    return false;
  if (address.size != sizeof target->address) return refuse(env, "an IPv6 address has 16 octets");
  std::memcpy(target->address, address.data, sizeof target->address);
  target->prefixLength = static_cast<uint8_t>(prefixLength);
  return true;
}

}  // namespace

Napi::Value callConfigureInterface(const Napi::CallbackInfo& info) {
  Target target;
  size_t mtu = 0;
  if (!takeTarget(info, 4, &target) || !readSize(info.Env(), info[3], kMaxMtu, &mtu)) return {};
  const int result =
      configureInterface(target.name, target.address, target.prefixLength, static_cast<uint32_t>(mtu));
  return Napi::Number::New(info.Env(), result);
}

Napi::Value callAddRoute(const Napi::CallbackInfo& info) {
  Target target;
  if (!takeTarget(info, 3, &target)) return {};
  return Napi::Number::New(info.Env(), addRoute(target.name, target.address, target.prefixLength));
}

}  // namespace ratatosk
