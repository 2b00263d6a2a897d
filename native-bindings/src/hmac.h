// HMAC-SHA256 (RFC 2104) over batches of short texts, by OpenSSL.
#pragma once

#include <cstddef>
#include <cstdint>

#include "evp.h"

namespace ratatosk {

constexpr size_t kMacSize = 32;
constexpr size_t kMacKeySize = 32;

// One text, its key of 32 octets, and where its MAC of 32 octets goes.
struct MacJob {
  const uint8_t* key;
  const uint8_t* text;
  size_t length;
  uint8_t* mac;
};

// Contexts that are used again and again: what a key makes of both paddings, and one that runs.
class Hmac {
 public:
  Hmac();
  ~Hmac();
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;

  // False if there is no OpenSSL in this process, or it lacks SHA-256.
  bool isUsable() const { return isUsable_; }

  // False if OpenSSL refuses, which no octets from outside can cause. Neighbours with one key cost less.
  bool sign(const MacJob* jobs, size_t count);

 private:
  bool setKey(const uint8_t* key);
  bool signOne(const MacJob& job);

  EvpDigest evp_;
  bool isUsable_ = false;
  evp_md_ctx_st* inner_ = nullptr;
  evp_md_ctx_st* outer_ = nullptr;
  evp_md_ctx_st* running_ = nullptr;
};

}  // namespace ratatosk
