#include "segments_call.h"

#include "arguments.h"
#include "segments.h"

namespace ratatosk {

namespace {

constexpr size_t kMaxSize = 1 << 30;

// `[at, end)` of a buffer, from two arguments; null and a pending exception if it lies outside.
uint8_t* readRange(napi_env env, napi_value buffer, napi_value first, napi_value last, size_t* size) {
  View<uint8_t> octets;
  size_t at = 0, end = 0;
  if (!viewOctets(env, buffer, &octets) || !readSize(env, first, kMaxSize, &at) || !readSize(env, last, kMaxSize, &end))
    return nullptr;
  if (end > octets.size || at >= end) {
    refuse(env, "a packet lies outside of its buffer");
    return nullptr;
  }
  *size = end - at;
  return octets.data + at;
}

}  // namespace

// (buffer, at, end) → whether there was a place for it.
Napi::Value callCompleteChecksum(const Napi::CallbackInfo& info) {
  size_t size = 0;
  if (info.Length() != 3) {
    refuse(info.Env(), "three arguments were expected");
    return {};
  }
  uint8_t* const header = readRange(info.Env(), info[0], info[1], info[2], &size);
  if (header == nullptr) return {};
  return Napi::Boolean::New(info.Env(), completeChecksum(header, size));
}

// (buffer, at, end, first, headroom, arena, used, offsets, lengths, count) → the count afterwards, or -1.
Napi::Value callCutSegments(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  View<uint8_t> arena;
  View<int32_t> offsets, lengths;
  size_t size = 0, first = 0, headroom = 0, used = 0, count = 0;
  if (info.Length() != 10) {
    refuse(env, "ten arguments were expected");
    return {};
  }
  const uint8_t* const header = readRange(env, info[0], info[1], info[2], &size);
  if (header == nullptr || !readSize(env, info[3], kMaxSize, &first) || !readSize(env, info[4], kMaxSize, &headroom) ||
      !viewOctets(env, info[5], &arena) || !readSize(env, info[6], arena.size, &used) ||
      !viewInt32(env, info[7], &offsets) || !viewInt32(env, info[8], &lengths) ||
      !readSize(env, info[9], offsets.size, &count))
    return {};
  Cut cut;
  if (!cut.take(header, size)) return Napi::Number::New(env, -1);
  for (size_t i = first; i < cut.count() && count < offsets.size && count < lengths.size; i++) {
    const size_t length = cut.lengthOf(i);
    if (headroom + length > arena.size - used) break;
    const size_t at = used + headroom;
    cut.write(i, arena.data + at);
    offsets.data[count] = static_cast<int32_t>(at);
    lengths.data[count++] = static_cast<int32_t>(length);
    used = at + length;
  }
  return Napi::Number::New(env, static_cast<double>(count));
}

}  // namespace ratatosk
