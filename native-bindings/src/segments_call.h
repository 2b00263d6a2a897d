#pragma once

#include <napi.h>

namespace ratatosk {

// For JavaScript, see addon.ts.
Napi::Value callCompleteChecksum(const Napi::CallbackInfo& info);
Napi::Value callCutSegments(const Napi::CallbackInfo& info);

}  // namespace ratatosk
