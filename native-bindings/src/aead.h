// ChaCha20-Poly1305 over batches of jobs, by OpenSSL.
#pragma once

#include "evp.h"
#include "job.h"

namespace ratatosk {

// Two contexts that are used again and again: one that seals, one that opens.
class Aead {
 public:
  Aead();
  ~Aead();
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;

  // False if there is no OpenSSL in this process, or it lacks this cipher.
  bool isUsable() const { return isUsable_; }
  // Of the OpenSSL in use.
  const char* version() const;

  // False if OpenSSL refuses, which no octets from outside can cause.
  bool seal(const Job* jobs, size_t count);
  // Sets ok[i] to 1, or to 0 and leaves the target of job i undefined.
  void open(const Job* jobs, size_t count, uint8_t* ok);

 private:
  bool sealOne(const Job& job, const uint8_t* key);
  bool openOne(const Job& job, const uint8_t* key);

  Evp evp_;
  bool isUsable_ = false;
  evp_cipher_ctx_st* sealer_ = nullptr;
  evp_cipher_ctx_st* opener_ = nullptr;
};

}  // namespace ratatosk
