#pragma once

#include <napi.h>

#include "batch.h"
#include "kernel.h"

namespace ratatosk {

// Batches of boxes from JavaScript. One a thread.
class BoxCalls {
 public:
  Napi::Value seal(const Napi::CallbackInfo& info, const Kernel& kernel);
  Napi::Value open(const Napi::CallbackInfo& info, const Kernel& kernel);

 private:
  Batch batch_;
};

}  // namespace ratatosk
