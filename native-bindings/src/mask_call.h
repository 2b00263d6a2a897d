#pragma once

#include <napi.h>

namespace ratatosk {

// For JavaScript, see addon.ts.
Napi::Value callMaskOctets(const Napi::CallbackInfo& info);

}  // namespace ratatosk
