#include "mask_call.h"

#include <cstring>

#include "arguments.h"

namespace ratatosk {

namespace {

constexpr size_t kMaxSize = 1 << 30;

// Four words at a time are one vector for any compiler, and what it knows to be apart or the same it may load at once.
void mask(const uint8_t* source, size_t size, uint8_t* target, uint32_t key) {
  const uint64_t word = (static_cast<uint64_t>(key) << 32) | key;
  size_t at = 0;
  for (; size - at >= 32; at += 32) {
    uint64_t block[4];
    std::memcpy(block, source + at, sizeof block);
    for (uint64_t& one : block) one ^= word;
    std::memcpy(target + at, block, sizeof block);
  }
  for (; at < size; at++) target[at] = static_cast<uint8_t>(source[at] ^ (key >> (8 * (at % 4))));
}

}  // namespace

// (source, sourceAt, length, target, targetAt, key) → nothing. Key: its lowest octet first.
Napi::Value callMaskOctets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  View<uint8_t> source, target;
  size_t sourceAt = 0, length = 0, targetAt = 0, key = 0;
  if (info.Length() != 6) {
    refuse(env, "six arguments were expected");
    return {};
  }
  if (!viewOctets(env, info[0], &source) || !readSize(env, info[1], kMaxSize, &sourceAt) ||
      !readSize(env, info[2], kMaxSize, &length) || !viewOctets(env, info[3], &target) ||
      !readSize(env, info[4], kMaxSize, &targetAt) || !readSize(env, info[5], UINT32_MAX, &key))
    return {};
  if (!isWithin(sourceAt, length, source.size) || !isWithin(targetAt, length, target.size)) {
    refuse(env, "octets lie outside of their buffer");
    return {};
  }
  mask(source.data + sourceAt, length, target.data + targetAt, static_cast<uint32_t>(key));
  return env.Undefined();
}

}  // namespace ratatosk
