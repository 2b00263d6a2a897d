#include "hmac.h"

#include <cstring>
#include <initializer_list>

namespace ratatosk {

namespace {

constexpr size_t kBlockSize = 64;
constexpr uint8_t kInnerPad = 0x36;
constexpr uint8_t kOuterPad = 0x5c;
constexpr uint8_t kZeros[kMacKeySize] = {};

}  // namespace

Hmac::Hmac() {
  if (!findEvpDigest(&evp_)) return;
  inner_ = evp_.newContext();
  outer_ = evp_.newContext();
  running_ = evp_.newContext();
  isUsable_ = inner_ != nullptr && outer_ != nullptr && running_ != nullptr && setKey(kZeros);
}

Hmac::~Hmac() {
  for (evp_md_ctx_st* context : {inner_, outer_, running_}) {
    if (context != nullptr) evp_.freeContext(context);
  }
}

// What the contexts hold after a batch is the key of nobody.
bool Hmac::sign(const MacJob* jobs, size_t count) {
  bool isDone = true;
  for (size_t i = 0; i < count && isDone; i++) {
    const bool isSameKey = i > 0 && std::memcmp(jobs[i].key, jobs[i - 1].key, kMacKeySize) == 0;
    isDone = (isSameKey || setKey(jobs[i].key)) && signOne(jobs[i]);
  }
  return setKey(kZeros) && isDone;
}

bool Hmac::setKey(const uint8_t* key) {
  uint8_t padded[kBlockSize];
  const auto begin = [&](evp_md_ctx_st* context, uint8_t pad) {
    std::memset(padded, pad, kBlockSize);
    for (size_t i = 0; i < kMacKeySize; i++) padded[i] ^= key[i];
    return evp_.begin(context, evp_.sha256(), nullptr) == 1 && evp_.update(context, padded, kBlockSize) == 1;
  };
  const bool isDone = begin(inner_, kInnerPad) && begin(outer_, kOuterPad);
  explicit_bzero(padded, sizeof padded);
  return isDone;
}

bool Hmac::signOne(const MacJob& job) {
  uint8_t digest[kMacSize];
  return evp_.copy(running_, inner_) == 1 && evp_.update(running_, job.text, job.length) == 1 &&
         evp_.end(running_, digest, nullptr) == 1 && evp_.copy(running_, outer_) == 1 &&
         evp_.update(running_, digest, kMacSize) == 1 && evp_.end(running_, job.mac, nullptr) == 1;
}

}  // namespace ratatosk
