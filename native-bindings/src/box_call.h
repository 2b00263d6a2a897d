#pragma once

#include <napi.h>

#include "batch.h"
#include "box.h"

namespace ratatosk {

// Batches of boxes from JavaScript. One a thread.
class BoxCalls {
 public:
  BoxCalls();
  Napi::Value seal(const Napi::CallbackInfo& info);
  Napi::Value open(const Napi::CallbackInfo& info);
  // The name of the kernel in use; with an argument, tries to switch to that one.
  Napi::Value kernel(const Napi::CallbackInfo& info);

 private:
  const BoxKernel* kernel_;
  Batch batch_;
};

}  // namespace ratatosk
