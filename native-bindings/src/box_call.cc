#include "box_call.h"

namespace ratatosk {

BoxCalls::BoxCalls() : kernel_(chooseBoxKernel(nullptr)) {}

Napi::Value BoxCalls::seal(const Napi::CallbackInfo& info) {
  if (batch_.take(info, Batch::Act::kSeal)) kernel_->seal(batch_.jobs(), batch_.count());
  return {};
}

Napi::Value BoxCalls::open(const Napi::CallbackInfo& info) {
  if (batch_.take(info, Batch::Act::kOpen)) kernel_->open(batch_.jobs(), batch_.count(), batch_.ok());
  return {};
}

Napi::Value BoxCalls::kernel(const Napi::CallbackInfo& info) {
  if (info.Length() > 0) {
    char name[16];
    if (!readText(info.Env(), info[0], name, sizeof name)) return {};
    const BoxKernel* const wanted = chooseBoxKernel(name);
    if (wanted != nullptr) kernel_ = wanted;
  }
  return Napi::String::New(info.Env(), kernel_->name);
}

}  // namespace ratatosk
