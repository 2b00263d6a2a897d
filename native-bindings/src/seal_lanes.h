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
  // A processor with 512-bit registers has enough of them for two passes side by side, which fill each other's gaps.
  static constexpr bool hasTwins = kLanes == 16;
  // A message of more blocks fills its passes well enough alone, and its tag fills the gaps.
  static constexpr size_t kSharedBlocks = hasTwins ? 2 * kLanes : kLanes / 2;
  static constexpr size_t kSharedPasses = hasTwins ? 8 : 1;

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

  // The tag of a message whose sealed text is in place.
  static RATATOSK_INLINE void wholeTag(uint8_t* tag, const uint8_t* key, const uint8_t* text, size_t size,
                                       const Job& job) {
    Poly1305 mac(key);
    Form::begin(mac, text, job);
    size_t position = 0;
    if (size >= Groups::kPaysFrom)
      position = takeGroups<Groups>(mac, text, size);
    else if (size >= Poly1305Fours::kPaysFrom)
      position = takeGroups<Poly1305Fours>(mac, text, size);
    Form::finish(mac, tag, text + position, size - position, size, job);
  }

  // Answers how far it came.
  template <typename G>
  static RATATOSK_INLINE size_t takeGroups(Poly1305& mac, const uint8_t* text, size_t size) {
    G groups(mac.r(), mac.state(), text);
    size_t position = G::kGroup;
    for (; position + G::kGroup <= size; position += G::kGroup) groups.group(text + position);
    mac.setState(groups.join());
    return position;
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
      const size_t blocks = (kStreamStart + textSize<isSeal>(job) + kBlockSize - 1) / kBlockSize;
      if (blocks > kSharedBlocks) {
        NoWork nothing;
        passOneStream<Cipher, kLanes>(state_, 0, StoreTo{stream_}, nothing);
        const bool isGood = blocks > kLanes ? finishLong<isSeal>(job) : finishWhole<isSeal>(job, stream_);
        if constexpr (!isSeal) ok[i] = isGood;
        continue;
      }
      if (lanesUsed_ + blocks > kSharedPasses * kLanes) flush<isSeal>(ok);
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
    keysUsed_++;
  }

  // A lane that served the same key before needs but the words that change.
  void wait(const Job& job, size_t index, size_t blocks) {
    waiting_[waitingCount_++] = {&job, index, lanesUsed_};
    for (size_t block = 0; block < blocks; block++, lanesUsed_++) {
      auto& words = words_[lanesUsed_ / kLanes];
      const size_t lane = lanesUsed_ % kLanes;
      if (laneKeys_[lanesUsed_] != keysUsed_) {
        for (int w = 0; w < 16; w++) words[w][lane] = state_.words[w];
        laneKeys_[lanesUsed_] = keysUsed_;
      }
      words[Cipher::kNonce][lane] = state_.words[Cipher::kNonce];
      words[Cipher::kNonce + 1][lane] = state_.words[Cipher::kNonce + 1];
      words[Cipher::kCounter][lane] = static_cast<uint32_t>(block);
    }
  }

  template <bool isSeal>
  void flush(uint8_t* ok) {
    if (waitingCount_ == 0) return;
    size_t pass = 0;
    if constexpr (hasTwins) {
      for (; pass * kLanes + kLanes < lanesUsed_; pass += 2)
        passTwins<Cipher, kLanes>(words_[pass], words_[pass + 1], stream_ + pass * kPassSize);
    }
    for (; pass * kLanes < lanesUsed_; pass++)
      passManyStreams<Cipher, kLanes>(words_[pass], stream_ + pass * kPassSize);
    for (size_t i = 0; i < waitingCount_; i++) {
      const Waiting& entry = waiting_[i];
      const bool isGood = finishWhole<isSeal>(*entry.job, stream_ + entry.lane * kBlockSize);
      if constexpr (!isSeal) ok[entry.index] = isGood;
    }
    waitingCount_ = 0;
    lanesUsed_ = 0;
  }

  template <bool isSeal>
  static RATATOSK_INLINE size_t textSize(const Job& job) {
    return isSeal ? job.length : job.length - kTagSize;
  }

  // `stream` holds all of the stream.
  template <bool isSeal>
  static RATATOSK_INLINE bool finishWhole(const Job& job, const uint8_t* stream) {
    const size_t size = textSize<isSeal>(job);
    if constexpr (isSeal) {
      uint8_t* const text = Form::sealedText(job.target);
      xorOctets(job.source, text, size, stream + kStreamStart);
      wholeTag(Form::tag(job.target, size), stream, text, size, job);
      return true;
    } else {
      const uint8_t* const text = Form::sealedText(job.source);
      const bool isGood = [&] {
        uint8_t tag[kTagSize];
        wholeTag(tag, stream, text, size, job);
        return isEqual(tag, Form::tag(job.source, size));
      }();
      xorOctets(text, job.target, size, stream + kStreamStart);
      return isGood;
    }
  }

  // `stream_` holds the first pass.
  template <bool isSeal>
  RATATOSK_INLINE bool finishLong(const Job& job) {
    const size_t size = textSize<isSeal>(job);
    constexpr size_t first = kPassSize - kStreamStart;
    if constexpr (isSeal) {
      uint8_t* const text = Form::sealedText(job.target);
      xorOctets(job.source, text, first, stream_ + kStreamStart);
      MacWork work(stream_, text, job);
      continueMessage<true>(job.source, text, first, size, work);
      work.finish(Form::tag(job.target, size), size);
      return true;
    } else {
      // In place, plaintext overwrites what the tag covers: opening reads ahead, sealing follows.
      const uint8_t* const text = Form::sealedText(job.source);
      uint8_t tag[kTagSize];
      MacWork work(stream_, text, job);
      work.takeUpTo(first);
      xorOctets(text, job.target, first, stream_ + kStreamStart);
      const size_t tailAt = continueMessage<false>(text, job.target, first, size, work);
      work.finish(tag, size);
      xorOctets(text + tailAt, job.target + tailAt, size - tailAt, stream_);
      return isEqual(tag, Form::tag(job.source, size));
    }
  }

  static RATATOSK_INLINE bool isEqual(const uint8_t* a, const uint8_t* b) {
    return ((load64(a) ^ load64(b)) | (load64(a + 8) ^ load64(b + 8))) == 0;
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
    if (size >= sizeof(V)) {
      // The end first, overlapping what is before it, so that nothing is left to be done octet by octet.
      V end, key;
      std::memcpy(&end, source + size - sizeof end, sizeof end);
      std::memcpy(&key, stream + size - sizeof key, sizeof key);
      end ^= key;
      for (; i + sizeof(V) < size; i += sizeof(V)) {
        V text;
        std::memcpy(&text, source + i, sizeof text);
        std::memcpy(&key, stream + i, sizeof key);
        text ^= key;
        std::memcpy(target + i, &text, sizeof text);
      }
      std::memcpy(target + size - sizeof end, &end, sizeof end);
      return;
    }
    for (; i + 8 <= size; i += 8) {
      const uint64_t text = load64(source + i) ^ load64(stream + i);
      std::memcpy(target + i, &text, sizeof text);
    }
    for (; i < size; i++) target[i] = source[i] ^ stream[i];
  }

  alignas(64) uint8_t stream_[kSharedPasses * kPassSize];
  alignas(64) uint32_t words_[kSharedPasses][16][kLanes];
  // The key that a lane served last, by number; 0: none.
  uint32_t laneKeys_[kSharedPasses * kLanes] = {};
  uint32_t keysUsed_ = 0;
  StreamState state_;
  uint8_t key_[kKeySize] = {};
  bool hasKey_ = false;
  size_t lanesUsed_ = 0;
  size_t waitingCount_ = 0;
  Waiting waiting_[kSharedPasses * kLanes];
};

}  // namespace
