#pragma once

#include <napi.h>

#include <vector>

#include "arguments.h"
#include "box.h"

namespace ratatosk {

// Batches of boxes from JavaScript. One a thread; the scratch vectors keep their memory between calls.
class BoxCalls {
 public:
  BoxCalls();
  // (buffers, table, keys, nonces, ok, count), see addon.ts.
  Napi::Value seal(const Napi::CallbackInfo& info);
  Napi::Value open(const Napi::CallbackInfo& info);
  // The name of the kernel in use; with an argument, tries to switch to that one.
  Napi::Value kernel(const Napi::CallbackInfo& info);

 private:
  bool takeJobs(const Napi::CallbackInfo& info, bool isSeal, size_t* count, View<uint8_t>* ok);

  const BoxKernel* kernel_;
  std::vector<napi_value> values_;
  std::vector<View<uint8_t>> buffers_;
  std::vector<BoxJob> jobs_;
};

}  // namespace ratatosk
