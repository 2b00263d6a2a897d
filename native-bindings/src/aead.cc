#include "aead.h"

#include <cstring>

namespace ratatosk {

namespace {

constexpr size_t kNonceSize = 12;
constexpr int kGetTag = 0x10;
constexpr int kSetTag = 0x11;
constexpr uint8_t kZeros[kKeySize] = {};

// Four zero octets and the counter, little-endian.
struct Nonce {
  explicit Nonce(const Job& job) {
    for (int i = 0; i < 4; i++) {
      octets[4 + i] = static_cast<uint8_t>(job.nonceLow >> (8 * i));
      octets[8 + i] = static_cast<uint8_t>(job.nonceHigh >> (8 * i));
    }
  }
  uint8_t octets[kNonceSize] = {};
};

// Neighbours in a batch mostly share their key: setting it once saves time. Null: as before.
const uint8_t* keyToSet(const Job* jobs, size_t i) {
  return i > 0 && std::memcmp(jobs[i].key, jobs[i - 1].key, kKeySize) == 0 ? nullptr : jobs[i].key;
}

}  // namespace

Aead::Aead() {
  if (!findEvp(&evp_)) return;
  sealer_ = evp_.newContext();
  opener_ = evp_.newContext();
  const evp_cipher_st* const cipher = evp_.chaCha20Poly1305();
  isUsable_ = sealer_ != nullptr && opener_ != nullptr && cipher != nullptr &&
              evp_.beginSeal(sealer_, cipher, nullptr, kZeros, kZeros) == 1 &&
              evp_.beginOpen(opener_, cipher, nullptr, kZeros, kZeros) == 1;
  evp_.clearErrors();
}

Aead::~Aead() {
  if (sealer_ != nullptr) evp_.freeContext(sealer_);
  if (opener_ != nullptr) evp_.freeContext(opener_);
}

const char* Aead::version() const { return evp_.version(0); }

bool Aead::seal(const Kernel& kernel, const Job* jobs, size_t count) {
  for (size_t i = 0; i < count;) {
    bool isForLibrary = false;
    const size_t run = runLength(kernel, jobs + i, count - i, &isForLibrary);
    if (!isForLibrary)
      kernel.sealRecords(jobs + i, run);
    else if (!sealByLibrary(jobs + i, run))
      return false;
    i += run;
  }
  return true;
}

void Aead::open(const Kernel& kernel, const Job* jobs, size_t count, uint8_t* ok) {
  for (size_t i = 0; i < count;) {
    bool isForLibrary = false;
    const size_t run = runLength(kernel, jobs + i, count - i, &isForLibrary);
    if (isForLibrary)
      openByLibrary(jobs + i, run, ok + i);
    else
      kernel.openRecords(jobs + i, run, ok + i);
    i += run;
  }
}

size_t Aead::runLength(const Kernel& kernel, const Job* jobs, size_t count, bool* isForLibrary) const {
  const auto isLong = [&](const Job& job) { return hasLibrary() && job.length > kernel.longestRecord; };
  *isForLibrary = isLong(jobs[0]);
  size_t run = 1;
  while (run < count && isLong(jobs[run]) == *isForLibrary) run++;
  return run;
}

// What a context holds after a batch is the key of nobody.
bool Aead::sealByLibrary(const Job* jobs, size_t count) {
  bool isDone = true;
  for (size_t i = 0; i < count && isDone; i++) isDone = sealOne(jobs[i], keyToSet(jobs, i));
  evp_.beginSeal(sealer_, nullptr, nullptr, kZeros, kZeros);
  return isDone;
}

void Aead::openByLibrary(const Job* jobs, size_t count, uint8_t* ok) {
  bool areAllGood = true;
  for (size_t i = 0; i < count; i++) {
    ok[i] = openOne(jobs[i], keyToSet(jobs, i)) ? 1 : 0;
    areAllGood = areAllGood && ok[i] == 1;
  }
  // An error left in the thread's queue would be taken for one of Node's TLS connections.
  if (!areAllGood) evp_.clearErrors();
  evp_.beginOpen(opener_, nullptr, nullptr, kZeros, kZeros);
}

bool Aead::sealOne(const Job& job, const uint8_t* key) {
  const Nonce nonce(job);
  int size = 0;
  return evp_.beginSeal(sealer_, nullptr, nullptr, key, nonce.octets) == 1 &&
         (job.adLength == 0 ||
          evp_.seal(sealer_, nullptr, &size, job.target - job.adLength, static_cast<int>(job.adLength)) == 1) &&
         (job.length == 0 || evp_.seal(sealer_, job.target, &size, job.source, static_cast<int>(job.length)) == 1) &&
         evp_.endSeal(sealer_, job.target + job.length, &size) == 1 &&
         evp_.control(sealer_, kGetTag, kTagSize, job.target + job.length) == 1;
}

bool Aead::openOne(const Job& job, const uint8_t* key) {
  const Nonce nonce(job);
  const size_t length = job.length - kTagSize;
  // OpenSSL only reads it, but takes no pointer to const.
  uint8_t tag[kTagSize];
  std::memcpy(tag, job.source + length, kTagSize);
  int size = 0;
  return evp_.beginOpen(opener_, nullptr, nullptr, key, nonce.octets) == 1 &&
         evp_.control(opener_, kSetTag, kTagSize, tag) == 1 &&
         (job.adLength == 0 ||
          evp_.open(opener_, nullptr, &size, job.source - job.adLength, static_cast<int>(job.adLength)) == 1) &&
         (length == 0 || evp_.open(opener_, job.target, &size, job.source, static_cast<int>(length)) == 1) &&
         evp_.endOpen(opener_, tag, &size) == 1;
}

}  // namespace ratatosk
