#pragma once

#include <napi.h>

#include "descriptor.h"
#include "readable.h"

namespace ratatosk {

// What the kernel tells about interfaces, addresses and routes, or else about nftables, for JavaScript: whole netlink
// messages, which `daemon/links/netlink.ts` and `daemon/host/nft-watch.ts` read. Results are counts of octets or negative
// errno values. Only nftables needs a right: CAP_NET_ADMIN.
class NetworkWatch : public Napi::ObjectWrap<NetworkWatch> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit NetworkWatch(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NetworkWatch>(info) {}
  ~NetworkWatch() override;

 private:
  Napi::Value start(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Descriptor socket_;
  Readable* readable_ = nullptr;
};

}  // namespace ratatosk
