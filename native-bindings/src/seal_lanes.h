// Sealing and opening a batch, for either form and vectors of kLanes words. Included by kernel_base.cc, kernel_avx2.cc
// and kernel_avx512.cc.
//
// A stream begins with the Poly1305 key, and the message behind it. The first pass of a long message therefore goes
// through a buffer; the passes after it work on the message directly. Short messages share passes: each lane is a block
// of whatever job is next.
#pragma once

#include "forms.h"
#include "kernel.h"
#include "poly1305_lanes.h"

namespace {

using ratatosk::kKeySize;

// The groups of blocks in which the tag of a long message is made.
template <int kLanes>
struct GroupsOf {
  using Type = Poly1305Fours;
};
#if defined(__AVX2__)
template <>
struct GroupsOf<8> {
  using Type = Poly1305Lanes<4>;
};
#endif
#if defined(__AVX512F__)
template <>
struct GroupsOf<16> {
  using Type = Poly1305Lanes<8>;
};
#endif

template <typename Form, int kLanes>
class SealRun {
 public:
  void seal(const Job* jobs, size_t count) { run<true>(jobs, count, nullptr); }
  void open(const Job* jobs, size_t count, uint8_t* ok) { run<false>(jobs, count, ok); }

  ~SealRun() {
    __builtin_memset(this, 0, sizeof *this);
    __asm__ volatile("" : : "r"(this) : "memory");  // keys must not outlive the batch: keep the stores
  }

 private:
  using Cipher = typename Form::Cipher;
  static constexpr size_t kStreamStart = Form::kStreamStart;
  static constexpr size_t kPassSize = kLanes * kBlockSize;
  // A message of more blocks fills a pass well enough alone.
  static constexpr size_t kSharedBlocks = kLanes / 2;

  using Groups = typename GroupsOf<kLanes>::Type;

  // The tag of a long message, a step at a time between the rounds. The first pass of the message must be in place.
  struct MacWork {
    RATATOSK_INLINE MacWork(const uint8_t* key, const uint8_t* from, const Job& ofJob)
        : job(ofJob), mac(key), message(from), groups(mac.r(), takeLead(mac, from, ofJob), from + kLead) {}

    // Ten steps a pass take in as much as a pass encrypts, but nothing behind `end`.
    RATATOSK_INLINE void step() {
      if (position + Groups::kGroup > end) return;
      groups.group(message + position);
      position += Groups::kGroup;
    }
    RATATOSK_INLINE void takeUpTo(size_t size) {
      for (; position + Groups::kGroup <= size; position += Groups::kGroup) groups.group(message + position);
    }
    RATATOSK_INLINE void finish(uint8_t* tag, size_t size) {
      takeUpTo(size);
      mac.setState(groups.join());
      Form::finish(mac, tag, message + position, size - position, size, job);
    }

    // Blocks to take singly, so that groups end where passes end: opening in place relies on it.
    static constexpr size_t kLead = (kPassSize - kStreamStart) % Groups::kGroup;
    static RATATOSK_INLINE const Limbs& takeLead(Poly1305& mac, const uint8_t* from, const Job& job) {
      Form::begin(mac, from, job);
      for (size_t at = 0; at < kLead; at += 16) mac.oneBlock(from + at);
      return mac.state();
    }

    const Job& job;
    Poly1305 mac;
    const uint8_t* const message;
    Groups groups;
    size_t position = kLead + Groups::kGroup;
    size_t end = 0;
  };
  static_assert(kPassSize <= 10 * Groups::kGroup, "a step for each group of a pass");
  static_assert(Groups::kPaysFrom <= kPassSize - kStreamStart, "a short message ends in the first pass");

  static RATATOSK_INLINE void shortTag(uint8_t* tag, const uint8_t* key, const uint8_t* text, size_t size, const Job& job) {
    Poly1305 mac(key);
    Form::begin(mac, text, job);
    size_t position = 0;
    if (size >= Poly1305Fours::kPaysFrom) {
      Poly1305Fours groups(mac.r(), mac.state(), text);
      for (position = Poly1305Fours::kGroup; position + Poly1305Fours::kGroup <= size;
           position += Poly1305Fours::kGroup)
        groups.group(text + position);
      mac.setState(groups.join());
    }
    Form::finish(mac, tag, text + position, size - position, size, job);
  }

  struct Waiting {
    const Job* job;
    size_t index;
    size_t lane;
  };

  template <bool isSeal>
  void run(const Job* jobs, size_t count, uint8_t* ok) {
    for (size_t i = 0; i < count; i++) {
      const Job& job = jobs[i];
      useKey(job.key);
      Cipher::setNonce(state_, job.nonceHigh, job.nonceLow);
      const size_t textSize = isSeal ? job.length : job.length - kTagSize;
      const size_t blocks = (kStreamStart + textSize + kBlockSize - 1) / kBlockSize;
      if (blocks > kSharedBlocks) {
        NoWork nothing;
        passOneStream<Cipher, kLanes>(state_, 0, StoreTo{stream_}, nothing);
        const bool isGood = finish<isSeal>(job, textSize, stream_);
        if constexpr (!isSeal) ok[i] = isGood;
        continue;
      }
      if (lanesUsed_ + blocks > kLanes) flush<isSeal>(ok);
      wait(job, i, blocks);
    }
    flush<isSeal>(ok);
  }

  // Neighbouring jobs mostly belong to one session. Compared without branching on the octets.
  void useKey(const uint8_t* key) {
    uint64_t difference = hasKey_ ? 0 : 1;
    for (size_t i = 0; i < kKeySize; i += 8) difference |= load64(key + i) ^ load64(key_ + i);
    if (difference == 0) return;
    Cipher::useKey(state_, key);
    std::memcpy(key_, key, kKeySize);
    hasKey_ = true;
  }

  void wait(const Job& job, size_t index, size_t blocks) {
    waiting_[waitingCount_++] = {&job, index, lanesUsed_};
    for (size_t block = 0; block < blocks; block++, lanesUsed_++) {
      for (int w = 0; w < 16; w++) words_[w][lanesUsed_] = state_.words[w];
      words_[Cipher::kCounter][lanesUsed_] = static_cast<uint32_t>(block);
    }
  }

  template <bool isSeal>
  void flush(uint8_t* ok) {
    if (waitingCount_ == 0) return;
    passManyStreams<Cipher, kLanes>(words_, stream_);
    for (size_t i = 0; i < waitingCount_; i++) {
      const Waiting& entry = waiting_[i];
      const size_t textSize = isSeal ? entry.job->length : entry.job->length - kTagSize;
      const bool isGood = finish<isSeal>(*entry.job, textSize, stream_ + entry.lane * kBlockSize);
      if constexpr (!isSeal) ok[entry.index] = isGood;
    }
    waitingCount_ = 0;
    lanesUsed_ = 0;
  }

  // `stream` holds the beginning of the stream: all of it for a short message, the first pass of a long one.
  template <bool isSeal>
  RATATOSK_INLINE bool finish(const Job& job, size_t textSize, const uint8_t* stream) {
    const size_t first = smaller(textSize, kPassSize - kStreamStart);
    const bool isLong = textSize >= Groups::kPaysFrom;
    if constexpr (isSeal) {
      uint8_t* const text = Form::sealedText(job.target);
      uint8_t* const tag = Form::tag(job.target, textSize);
      xorOctets(job.source, text, first, stream + kStreamStart);
      if (!isLong) {
        shortTag(tag, stream, text, textSize, job);
      } else {
        MacWork work(stream, text, job);
        if (first < textSize) continueMessage<true>(job.source, text, first, textSize, work);
        work.finish(tag, textSize);
      }
      return true;
    } else {
      // In place, plaintext overwrites what the tag covers: opening reads ahead, sealing follows.
      const uint8_t* const text = Form::sealedText(job.source);
      const uint8_t* const wanted = Form::tag(job.source, textSize);
      uint8_t tag[kTagSize];
      if (!isLong) {
        shortTag(tag, stream, text, textSize, job);
        xorOctets(text, job.target, textSize, stream + kStreamStart);
      } else {
        MacWork work(stream, text, job);
        work.takeUpTo(first);
        if (first == textSize) work.finish(tag, textSize);
        xorOctets(text, job.target, first, stream + kStreamStart);
        if (first < textSize) {
          const size_t tailAt = continueMessage<false>(text, job.target, first, textSize, work);
          work.finish(tag, textSize);
          xorOctets(text + tailAt, job.target + tailAt, textSize - tailAt, stream_);
        }
      }
      return ((load64(tag) ^ load64(wanted)) | (load64(tag + 8) ^ load64(wanted + 8))) == 0;
    }
  }

  // Full passes, with the tag of the pass before (seal) or of the same (open) between the rounds; then the stream of
  // the tail, in `stream_`. Sealing applies it here, opening leaves that to the caller. Answers where the tail begins.
  template <bool isSeal>
  RATATOSK_INLINE size_t continueMessage(const uint8_t* source, uint8_t* target, size_t done, size_t textSize,
                                         MacWork& work) {
    uint32_t counter = kLanes;
    for (; textSize - done >= kPassSize; done += kPassSize, counter += kLanes) {
      work.end = isSeal ? done : done + kPassSize;
      passOneStream<Cipher, kLanes>(state_, counter, XorTo{source + done, target + done}, work);
    }
    if (done == textSize) return done;
    work.end = isSeal ? done : textSize;
    tailStream(counter, textSize - done, work);
    if constexpr (isSeal) xorOctets(source + done, target + done, textSize - done, stream_);
    return done;
  }

  // Less than a pass: the narrowest vectors that hold it, as half-empty ones cost as much as full ones.
  RATATOSK_INLINE void tailStream(uint32_t counter, size_t size, MacWork& work) {
    if (kLanes > 4 && size <= 4 * kBlockSize)
      passOneStream<Cipher, 4>(state_, counter, StoreTo{stream_}, work);
    else if (kLanes > 8 && size <= 8 * kBlockSize)
      passOneStream<Cipher, (kLanes > 8 ? 8 : kLanes)>(state_, counter, StoreTo{stream_}, work);
    else
      passOneStream<Cipher, kLanes>(state_, counter, StoreTo{stream_}, work);
  }

  static RATATOSK_INLINE void xorOctets(const uint8_t* source, uint8_t* target, size_t size, const uint8_t* stream) {
    using V = typename Lanes<kLanes>::V;
    size_t i = 0;
    for (; i + sizeof(V) <= size; i += sizeof(V)) {
      V text, key;
      std::memcpy(&text, source + i, sizeof text);
      std::memcpy(&key, stream + i, sizeof key);
      text ^= key;
      std::memcpy(target + i, &text, sizeof text);
    }
    for (; i + 8 <= size; i += 8) {
      const uint64_t text = load64(source + i) ^ load64(stream + i);
      std::memcpy(target + i, &text, sizeof text);
    }
    for (; i < size; i++) target[i] = source[i] ^ stream[i];
  }

  static RATATOSK_INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

  alignas(64) uint8_t stream_[kPassSize];
  alignas(64) uint32_t words_[16][kLanes] = {};
  StreamState state_;
  uint8_t key_[kKeySize] = {};
  bool hasKey_ = false;
  size_t lanesUsed_ = 0;
  size_t waitingCount_ = 0;
  Waiting waiting_[kLanes];
};

}  // namespace
