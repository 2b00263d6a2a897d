#include "aead_call.h"

namespace ratatosk {

Napi::Value AeadCalls::seal(const Napi::CallbackInfo& info, const Kernel& kernel) {
  if (batch_.take(info, Batch::Act::kSeal) && !aead_.seal(kernel, batch_.jobs(), batch_.count()))
    refuse(info.Env(), "OpenSSL does not seal");
  return {};
}

Napi::Value AeadCalls::open(const Napi::CallbackInfo& info, const Kernel& kernel) {
  if (batch_.take(info, Batch::Act::kOpen)) aead_.open(kernel, batch_.jobs(), batch_.count(), batch_.ok());
  return {};
}

Napi::Value AeadCalls::library(const Napi::CallbackInfo& info) {
  if (info.Length() > 0) {
    bool isWanted = true;
    if (napi_get_value_bool(info.Env(), info[0], &isWanted) != napi_ok) {
      refuse(info.Env(), "a boolean was expected");
      return {};
    }
    aead_.useLibrary(isWanted);
  }
  if (!aead_.hasLibrary()) return info.Env().Undefined();
  return Napi::String::New(info.Env(), aead_.version());
}

}  // namespace ratatosk
