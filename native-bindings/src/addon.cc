#include <napi.h>

#include "aead_call.h"
#include "box_call.h"
#include "hmac_call.h"
#include "mask_call.h"
#include "netlink_call.h"
#include "network_watch.h"
#include "segments_call.h"
#include "stream_socket.h"
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
                             InstanceMethod<&RatatoskAddon::kernel>("kernel"),
                             InstanceMethod<&RatatoskAddon::hmacSha256>("hmacSha256"),
                             InstanceMethod<&RatatoskAddon::configureInterface>("configureInterface"),
                             InstanceMethod<&RatatoskAddon::addRoute>("addRoute"),
                             InstanceMethod<&RatatoskAddon::sendUnixDatagram>("sendUnixDatagram"),
                             InstanceMethod<&RatatoskAddon::completeChecksum>("completeChecksum"),
                             InstanceMethod<&RatatoskAddon::cutSegments>("cutSegments"),
                             InstanceMethod<&RatatoskAddon::limitUnsent>("limitUnsent"),
                             InstanceMethod<&RatatoskAddon::maskOctets>("maskOctets"),
                             InstanceMethod<&RatatoskAddon::unsent>("unsent"),
                             InstanceMethod<&RatatoskAddon::sendNow>("sendNow"),
                             InstanceValue("Tun", Tun::define(env)),
                             InstanceValue("Udp", Udp::define(env)),
                             InstanceValue("NetworkWatch", NetworkWatch::define(env)),
                         });
  }

 private:
  Napi::Value aeadSeal(const Napi::CallbackInfo& info) { return aeads_.seal(info, *kernel_); }
  Napi::Value aeadOpen(const Napi::CallbackInfo& info) { return aeads_.open(info, *kernel_); }
  Napi::Value aeadLibrary(const Napi::CallbackInfo& info) { return aeads_.library(info); }
  Napi::Value hmacSha256(const Napi::CallbackInfo& info) { return hmacs_.sign(info); }
  Napi::Value boxSeal(const Napi::CallbackInfo& info) { return boxes_.seal(info, *kernel_); }
  Napi::Value boxOpen(const Napi::CallbackInfo& info) { return boxes_.open(info, *kernel_); }
  // The name of the kernel in use; with an argument, tries to switch to that one.
  Napi::Value kernel(const Napi::CallbackInfo& info) {
    if (info.Length() > 0) {
      char name[16];
      if (!readText(info.Env(), info[0], name, sizeof name)) return {};
      const Kernel* const wanted = chooseKernel(name);
      if (wanted != nullptr) kernel_ = wanted;
    }
    return Napi::String::New(info.Env(), kernel_->name);
  }
  Napi::Value configureInterface(const Napi::CallbackInfo& info) { return callConfigureInterface(info); }
  Napi::Value addRoute(const Napi::CallbackInfo& info) { return callAddRoute(info); }
  Napi::Value sendUnixDatagram(const Napi::CallbackInfo& info) { return callSendUnixDatagram(info); }
  Napi::Value completeChecksum(const Napi::CallbackInfo& info) { return callCompleteChecksum(info); }
  Napi::Value cutSegments(const Napi::CallbackInfo& info) { return callCutSegments(info); }
  Napi::Value limitUnsent(const Napi::CallbackInfo& info) { return callLimitUnsent(info); }
  Napi::Value maskOctets(const Napi::CallbackInfo& info) { return callMaskOctets(info); }
  Napi::Value unsent(const Napi::CallbackInfo& info) { return callUnsent(info); }
  Napi::Value sendNow(const Napi::CallbackInfo& info) { return callSendNow(info); }

  const Kernel* kernel_ = chooseKernel(nullptr);
  AeadCalls aeads_;
  BoxCalls boxes_;
  HmacCalls hmacs_;
};

}  // namespace ratatosk

using ratatosk::RatatoskAddon;
NODE_API_ADDON(RatatoskAddon)
