#pragma once

#include <napi.h>

#include <vector>

#include "hmac.h"

namespace ratatosk {

// Batches of HMAC-SHA256 from JavaScript. One a thread.
class HmacCalls {
 public:
  // (texts, stride, lengths, keys, macs, count), see addon.ts.
  Napi::Value sign(const Napi::CallbackInfo& info);

 private:
  Hmac hmac_;
  std::vector<MacJob> jobs_;
};

}  // namespace ratatosk
