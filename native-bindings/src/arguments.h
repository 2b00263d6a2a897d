// Arguments from JavaScript, checked. A check that fails leaves a pending TypeError or RangeError: such a call is a
// mistake of ours, never of the network.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>

namespace ratatosk {

// The memory of a typed array, valid until JavaScript runs again. A detached array has size 0.
template <typename T>
struct View {
  T* data = nullptr;
  size_t size = 0;  // in elements
};

bool viewOctets(napi_env env, napi_value value, View<uint8_t>* view);
bool viewInt32(napi_env env, napi_value value, View<int32_t>* view);
bool viewUint32(napi_env env, napi_value value, View<uint32_t>* view);

// An integer of 0 .. `maximum`.
bool readSize(napi_env env, napi_value value, size_t maximum, size_t* result);
// A text of 1 .. `capacity - 1` octets without zeros.
bool readText(napi_env env, napi_value value, char* text, size_t capacity);

// False and a pending exception.
bool refuse(napi_env env, const char* message);

inline bool isWithin(size_t offset, size_t length, size_t size) { return offset <= size && length <= size - offset; }

}  // namespace ratatosk
