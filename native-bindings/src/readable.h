#pragma once

#include <napi.h>
#include <uv.h>

namespace ratatosk {

// Calls a JavaScript function while a descriptor is readable, or writable where that is asked for, on the event loop of
// its environment (a worker has its own). The function is given what it is, as bits of `uv_poll_event`. Lives on the heap and frees itself: libuv needs the handle until its close callback, which may come after the
// owner is gone, and when a worker ends it is the environment that closes it.
class Readable {
 public:
  // Null and `*error` (a negative errno) if it cannot be started. `*owner` becomes null when it closes.
  static Readable* start(Napi::Env env, int descriptor, Napi::Function callback, Readable** owner, int* error);

  int pause();
  int resume(int events = UV_READABLE);
  // Afterwards the descriptor may be closed and this object must not be used.
  void close();

 private:
  explicit Readable(Napi::Env env) : env_(env) {}
  ~Readable() = default;

  static void onPoll(uv_poll_t* handle, int status, int events);
  static void onClosed(uv_handle_t* handle);
  static void onEnvironmentEnd(napi_async_cleanup_hook_handle hook, void* self);

  napi_env env_;
  uv_poll_t poll_ = {};
  Readable** owner_ = nullptr;
  bool isClosing_ = false;
  napi_ref callback_ = nullptr;
  napi_async_context context_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};

}  // namespace ratatosk
