// ChaCha20-Poly1305 over batches of jobs: by our own kernels, or OpenSSL where that is faster.
#pragma once

#include "evp.h"
#include "job.h"
#include "kernel.h"

namespace ratatosk {

// Two contexts that are used again and again: one that seals, one that opens.
class Aead {
 public:
  Aead();
  ~Aead();
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;

  // False if there is no OpenSSL in this process, it lacks this cipher, or it is not wanted.
  bool hasLibrary() const { return isUsable_ && isWanted_; }
  void useLibrary(bool isWanted) { isWanted_ = isWanted; }
  // Of the OpenSSL in use.
  const char* version() const;

  // False if OpenSSL refuses, which no octets from outside can cause.
  bool seal(const Kernel& kernel, const Job* jobs, size_t count);
  // Sets ok[i] to 1, or to 0 and leaves the target of job i undefined.
  void open(const Kernel& kernel, const Job* jobs, size_t count, uint8_t* ok);

 private:
  // Of jobs from the first on: how many go the same way, and which.
  size_t runLength(const Kernel& kernel, const Job* jobs, size_t count, bool* isForLibrary) const;
  bool sealByLibrary(const Job* jobs, size_t count);
  void openByLibrary(const Job* jobs, size_t count, uint8_t* ok);
  bool sealOne(const Job& job, const uint8_t* key);
  bool openOne(const Job& job, const uint8_t* key);

  Evp evp_;
  bool isUsable_ = false;
  bool isWanted_ = true;
  evp_cipher_ctx_st* sealer_ = nullptr;
  evp_cipher_ctx_st* opener_ = nullptr;
};

}  // namespace ratatosk
