#pragma once

#include <napi.h>

#include <vector>

#include "readable.h"
#include "tun_device.h"

namespace ratatosk {

// The TUN for JavaScript. Results are counts or negative errno values; addon.ts gives them meaning.
class Tun : public Napi::ObjectWrap<Tun> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Tun(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Tun>(info) {}
  ~Tun() override;

 private:
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value name(const Napi::CallbackInfo& info);
  Napi::Value offloads(const Napi::CallbackInfo& info);
  Napi::Value writeErrors(const Napi::CallbackInfo& info);
  Napi::Value startReading(const Napi::CallbackInfo& info);
  Napi::Value pause(const Napi::CallbackInfo& info);
  Napi::Value resume(const Napi::CallbackInfo& info);
  Napi::Value readBatch(const Napi::CallbackInfo& info);
  Napi::Value writeBatch(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  TunDevice device_;
  Readable* readable_ = nullptr;
  double writeErrors_ = 0;
  std::vector<napi_value> packets_;  // scratch of writeBatch, kept for its memory
};

}  // namespace ratatosk
