#include "box_call.h"

namespace ratatosk {

Napi::Value BoxCalls::seal(const Napi::CallbackInfo& info, const Kernel& kernel) {
  if (batch_.take(info, Batch::Act::kSeal)) kernel.sealBoxes(batch_.jobs(), batch_.count());
  return {};
}

Napi::Value BoxCalls::open(const Napi::CallbackInfo& info, const Kernel& kernel) {
  if (batch_.take(info, Batch::Act::kOpen)) kernel.openBoxes(batch_.jobs(), batch_.count(), batch_.ok());
  return {};
}

}  // namespace ratatosk
