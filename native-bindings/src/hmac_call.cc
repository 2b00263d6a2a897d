#include "hmac_call.h"

#include "arguments.h"

namespace ratatosk {

namespace {

constexpr size_t kMaxJobs = 65536;
constexpr size_t kMaxStride = 65536;

}  // namespace

Napi::Value HmacCalls::sign(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  View<uint8_t> texts, keys, macs;
  View<int32_t> lengths;
  size_t stride = 0, count = 0;
  if (!hmac_.isUsable()) return refuse(env, "there is no SHA-256 in this process"), Napi::Value();
  if (info.Length() != 6) return refuse(env, "six arguments were expected"), Napi::Value();
  if (!readSize(env, info[1], kMaxStride, &stride) || !readSize(env, info[5], kMaxJobs, &count) ||
      !viewOctets(env, info[0], &texts) || !viewInt32(env, info[2], &lengths) || !viewOctets(env, info[3], &keys) ||
      !viewOctets(env, info[4], &macs))
    return {};
  if (texts.size < stride * count || lengths.size < count || keys.size / kMacKeySize < count ||
      macs.size / kMacSize < count)
    return refuse(env, "a column is shorter than the batch"), Napi::Value();
  jobs_.resize(count);
  for (size_t i = 0; i < count; i++) {
    if (lengths.data[i] < 0 || static_cast<size_t>(lengths.data[i]) > stride)
      return refuse(env, "a text is longer than its row"), Napi::Value();
    jobs_[i] = {keys.data + i * kMacKeySize, texts.data + i * stride, static_cast<size_t>(lengths.data[i]),
                macs.data + i * kMacSize};
  }
  if (!hmac_.sign(jobs_.data(), count)) refuse(env, "OpenSSL does not sign");
  return {};
}

}  // namespace ratatosk
