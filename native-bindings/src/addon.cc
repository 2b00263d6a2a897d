#include <napi.h>

#include "aead_call.h"
#include "box_call.h"
#include "hmac_call.h"
#include "netlink_call.h"
#include "network_watch.h"
#include "tun.h"
#include "udp.h"
#include "unix_datagram.h"

namespace ratatosk {

// All state of the addon. Each environment (the main thread, each worker) has its own.
class RatatoskAddon : public Napi::Addon<RatatoskAddon> {
 public:
  RatatoskAddon(Napi::Env env, Napi::Object exports) {
    DefineAddon(exports, {
                             InstanceMethod<&RatatoskAddon::aeadSeal>("aeadSeal"),
                             InstanceMethod<&RatatoskAddon::aeadOpen>("aeadOpen"),
                             InstanceMethod<&RatatoskAddon::aeadLibrary>("aeadLibrary"),
                             InstanceMethod<&RatatoskAddon::boxSeal>("boxSeal"),
                             InstanceMethod<&RatatoskAddon::boxOpen>("boxOpen"),
                             InstanceMethod<&RatatoskAddon::boxKernel>("boxKernel"),
                             InstanceMethod<&RatatoskAddon::hmacSha256>("hmacSha256"),
                             InstanceMethod<&RatatoskAddon::configureInterface>("configureInterface"),
                             InstanceMethod<&RatatoskAddon::addRoute>("addRoute"),
                             InstanceMethod<&RatatoskAddon::sendUnixDatagram>("sendUnixDatagram"),
                             InstanceValue("Tun", Tun::define(env)),
                             InstanceValue("Udp", Udp::define(env)),
                             InstanceValue("NetworkWatch", NetworkWatch::define(env)),
                         });
  }

 private:
  Napi::Value aeadSeal(const Napi::CallbackInfo& info) { return aeads_.seal(info); }
  Napi::Value aeadOpen(const Napi::CallbackInfo& info) { return aeads_.open(info); }
  Napi::Value aeadLibrary(const Napi::CallbackInfo& info) { return aeads_.library(info); }
  Napi::Value boxSeal(const Napi::CallbackInfo& info) { return boxes_.seal(info); }
  Napi::Value boxOpen(const Napi::CallbackInfo& info) { return boxes_.open(info); }
  Napi::Value boxKernel(const Napi::CallbackInfo& info) { return boxes_.kernel(info); }
  Napi::Value hmacSha256(const Napi::CallbackInfo& info) { return hmacs_.sign(info); }
  Napi::Value configureInterface(const Napi::CallbackInfo& info) { return callConfigureInterface(info); }
  Napi::Value addRoute(const Napi::CallbackInfo& info) { return callAddRoute(info); }
  Napi::Value sendUnixDatagram(const Napi::CallbackInfo& info) { return callSendUnixDatagram(info); }

  AeadCalls aeads_;
  BoxCalls boxes_;
  HmacCalls hmacs_;
};

}  // namespace ratatosk

using ratatosk::RatatoskAddon;
NODE_API_ADDON(RatatoskAddon)
