#include "readable.h"

#include <cerrno>

namespace ratatosk {

Readable* Readable::start(Napi::Env env, int descriptor, Napi::Function callback, Readable** owner, int* error) {
  uv_loop_t* loop = nullptr;
  Readable* const self = new Readable(env);
  *error = -EINVAL;
  if (napi_get_uv_event_loop(env, &loop) == napi_ok) *error = uv_poll_init(loop, &self->poll_, descriptor);
  if (*error != 0) {
    delete self;
    return nullptr;
  }
  self->poll_.data = self;
  self->owner_ = owner;
  *owner = self;

  const Napi::String name = Napi::String::New(env, "ratatosk:readable");
  if (napi_create_reference(env, callback, 1, &self->callback_) != napi_ok ||
      napi_async_init(env, nullptr, name, &self->context_) != napi_ok ||
      napi_add_async_cleanup_hook(env, onEnvironmentEnd, self, &self->hook_) != napi_ok) {
    *error = -ENOMEM;
  } else {
    *error = self->resume();
  }
  if (*error == 0) return self;
  self->close();
  return nullptr;
}

int Readable::pause() { return uv_poll_stop(&poll_); }

int Readable::resume(int events) { return uv_poll_start(&poll_, events, onPoll); }

void Readable::close() {
  if (isClosing_) return;
  isClosing_ = true;
  *owner_ = nullptr;
  // Nothing to do about a failure here: the environment frees what is left.
  if (callback_ != nullptr) static_cast<void>(napi_delete_reference(env_, callback_));
  if (context_ != nullptr) static_cast<void>(napi_async_destroy(env_, context_));
  callback_ = nullptr;
  context_ = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), onClosed);
}

void Readable::onClosed(uv_handle_t* handle) {
  Readable* const self = static_cast<Readable*>(handle->data);
  if (self->hook_ != nullptr) static_cast<void>(napi_remove_async_cleanup_hook(self->hook_));
  delete self;
}

void Readable::onEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) {
  static_cast<Readable*>(data)->close();
}

// An error of the descriptor is reported like octets: the read that follows fails and says why.
void Readable::onPoll(uv_poll_t* handle, int status, int events) {
  Readable* const self = static_cast<Readable*>(handle->data);
  const napi_env env = self->env_;
  const Napi::HandleScope scope(env);
  napi_value callback = nullptr, receiver = nullptr, what = nullptr;
  if (napi_get_reference_value(env, self->callback_, &callback) != napi_ok ||
      napi_get_global(env, &receiver) != napi_ok ||
      napi_create_int32(env, status < 0 ? UV_READABLE : events, &what) != napi_ok)
    return;
  const napi_status called = napi_make_callback(env, self->context_, receiver, callback, 1, &what, nullptr);
  if (called != napi_pending_exception) return;
  napi_value error = nullptr;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok)
    static_cast<void>(napi_fatal_exception(env, error));
}

}  // namespace ratatosk
