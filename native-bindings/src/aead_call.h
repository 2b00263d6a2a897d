#pragma once

#include <napi.h>

#include "aead.h"
#include "batch.h"

namespace ratatosk {

// Batches of ChaCha20-Poly1305 from JavaScript. One a thread.
class AeadCalls {
 public:
  Napi::Value seal(const Napi::CallbackInfo& info, const Kernel& kernel);
  Napi::Value open(const Napi::CallbackInfo& info, const Kernel& kernel);
  // The version of the OpenSSL that long records are left to where registers are narrow, or undefined. `false` as an
  // argument: none are.
  Napi::Value library(const Napi::CallbackInfo& info);

 private:
  Aead aead_;
  Batch batch_;
};

}  // namespace ratatosk
