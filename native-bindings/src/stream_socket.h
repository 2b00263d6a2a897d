#pragma once

#include <napi.h>

namespace ratatosk {

// (descriptor, octets) → 0 or a negative errno value. A TCP socket of this process takes no more while so many octets wait
// in it that have never been sent.
Napi::Value callLimitUnsent(const Napi::CallbackInfo& info);

// (descriptor) → octets in a TCP socket of this process that have not left the machine, or a negative errno value: what has
// never been sent, and what waits below, with what the kernel needs for it.
Napi::Value callUnsent(const Napi::CallbackInfo& info);

// (descriptor, octets) → how many of them a stream socket of this process took at once, 0 if none, or a negative errno value.
Napi::Value callSendNow(const Napi::CallbackInfo& info);

}  // namespace ratatosk
