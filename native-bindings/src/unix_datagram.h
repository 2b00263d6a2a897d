#pragma once

#include <napi.h>

namespace ratatosk {

// (path, octets) → 0 or a negative errno value. One datagram to a UNIX socket; a path that begins with '@' is abstract.
// Never waits: a receiver that is full gives -EAGAIN.
Napi::Value callSendUnixDatagram(const Napi::CallbackInfo& info);

}  // namespace ratatosk
