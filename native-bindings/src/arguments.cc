#include "arguments.h"

#include <cstring>

namespace ratatosk {

namespace {

template <typename T>
bool view(napi_env env, napi_value value, napi_typedarray_type wanted, View<T>* result) {
  napi_typedarray_type type;
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok || type != wanted)
    return refuse(env, "a typed array of another kind was expected");
  *result = {static_cast<T*>(data), data == nullptr ? 0 : length};
  return true;
}

}  // namespace

bool viewOctets(napi_env env, napi_value value, View<uint8_t>* result) {
  return view(env, value, napi_uint8_array, result);
}

bool viewInt32(napi_env env, napi_value value, View<int32_t>* result) {
  return view(env, value, napi_int32_array, result);
}

bool viewUint32(napi_env env, napi_value value, View<uint32_t>* result) {
  return view(env, value, napi_uint32_array, result);
}

bool readSize(napi_env env, napi_value value, size_t maximum, size_t* result) {
  int64_t number = -1;
  if (napi_get_value_int64(env, value, &number) != napi_ok || number < 0 ||
      static_cast<uint64_t>(number) > maximum)
    return refuse(env, "a number is out of range");
  *result = static_cast<size_t>(number);
  return true;
}

bool readText(napi_env env, napi_value value, char* text, size_t capacity) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok || length == 0 || length >= capacity)
    return refuse(env, "a text is missing, empty or too long");
  if (napi_get_value_string_utf8(env, value, text, capacity, &length) != napi_ok || std::strlen(text) != length)
    return refuse(env, "a text holds a zero octet");
  return true;
}

bool refuse(napi_env env, const char* message) {
  bool isPending = false;
  if (napi_is_exception_pending(env, &isPending) == napi_ok && !isPending)
    static_cast<void>(napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message));
  return false;
}

}  // namespace ratatosk
