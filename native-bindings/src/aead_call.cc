#include "aead_call.h"

namespace ratatosk {

namespace {

constexpr char kMissing[] = "there is no ChaCha20-Poly1305 in this process";

}  // namespace

Napi::Value AeadCalls::seal(const Napi::CallbackInfo& info) {
  if (!aead_.isUsable())
    refuse(info.Env(), kMissing);
  else if (batch_.take(info, Batch::Act::kSeal) && !aead_.seal(batch_.jobs(), batch_.count()))
    refuse(info.Env(), "OpenSSL does not seal");
  return {};
}

Napi::Value AeadCalls::open(const Napi::CallbackInfo& info) {
  if (!aead_.isUsable())
    refuse(info.Env(), kMissing);
  else if (batch_.take(info, Batch::Act::kOpen))
    aead_.open(batch_.jobs(), batch_.count(), batch_.ok());
  return {};
}

Napi::Value AeadCalls::library(const Napi::CallbackInfo& info) {
  if (!aead_.isUsable()) return info.Env().Undefined();
  return Napi::String::New(info.Env(), aead_.version());
}

}  // namespace ratatosk
