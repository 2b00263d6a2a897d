#pragma once

#include <napi.h>

#include <vector>

#include "readable.h"
#include "udp_socket.h"

namespace ratatosk {

// A UDP socket for JavaScript. Results are counts or negative errno values; udp.ts gives them meaning.
class Udp : public Napi::ObjectWrap<Udp> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Udp(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Udp>(info) {}
  ~Udp() override;

 private:
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value joinGroup(const Napi::CallbackInfo& info);
  Napi::Value refused(const Napi::CallbackInfo& info);
  Napi::Value start(const Napi::CallbackInfo& info);
  Napi::Value watch(const Napi::CallbackInfo& info);
  Napi::Value receiveBatch(const Napi::CallbackInfo& info);
  Napi::Value sendBatch(const Napi::CallbackInfo& info);
  Napi::Value limitUnsent(const Napi::CallbackInfo& info);
  Napi::Value unsent(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  UdpSocket socket_;
  Readable* readable_ = nullptr;
  std::vector<napi_value> buffers_;  // scratch of sendBatch, kept for its memory
  std::vector<Octets> datagrams_;
};

}  // namespace ratatosk
