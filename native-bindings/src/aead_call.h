#pragma once

#include <napi.h>

#include "aead.h"
#include "batch.h"

namespace ratatosk {

// Batches of ChaCha20-Poly1305 from JavaScript. One a thread.
class AeadCalls {
 public:
  Napi::Value seal(const Napi::CallbackInfo& info);
  Napi::Value open(const Napi::CallbackInfo& info);
  // The version of the OpenSSL in use; undefined: there is none, and the others throw.
  Napi::Value library(const Napi::CallbackInfo& info);

 private:
  Aead aead_;
  Batch batch_;
};

}  // namespace ratatosk
