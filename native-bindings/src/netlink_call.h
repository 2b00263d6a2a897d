#pragma once

#include <napi.h>

namespace ratatosk {

// (name, address, prefixLength, mtu) → 0 or a negative errno.
Napi::Value callConfigureInterface(const Napi::CallbackInfo& info);
// (name, prefix, prefixLength) → 0 or a negative errno.
Napi::Value callAddRoute(const Napi::CallbackInfo& info);

}  // namespace ratatosk
