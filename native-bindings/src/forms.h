// The two forms of sealed messages: how stream, text and tag lie, and what the tag covers. Included by seal_lanes.h
// only; see stream_lanes.h on why everything is local.
#pragma once

#include "chacha.h"
#include "job.h"
#include "poly1305.h"
#include "salsa.h"

namespace {

using ratatosk::Job;
using ratatosk::kTagSize;

// XSalsa20-Poly1305 (NaCl): the tag, then the text; octets 0..31 of the stream are the tag's key, the text uses it from
// octet 32.
struct BoxForm {
  using Cipher = XSalsa20;
  static constexpr size_t kStreamStart = 32;

  static RATATOSK_INLINE uint8_t* sealedText(uint8_t* sealed) { return sealed + kTagSize; }
  static RATATOSK_INLINE const uint8_t* sealedText(const uint8_t* sealed) { return sealed + kTagSize; }
  static RATATOSK_INLINE uint8_t* tag(uint8_t* sealed, size_t) { return sealed; }
  static RATATOSK_INLINE const uint8_t* tag(const uint8_t* sealed, size_t) { return sealed; }

  static RATATOSK_INLINE void begin(Poly1305&, const uint8_t*, const Job&) {}
  static RATATOSK_INLINE void finish(Poly1305& mac, uint8_t* tag, const uint8_t* rest, size_t size, size_t, const Job&) {
    mac.finish(tag, rest, size);
  }
};

// ChaCha20-Poly1305 (RFC 8439): the text, then the tag, which covers the associated data before the text as well; block
// 0 of the stream is the tag's key, the text uses it from block 1.
struct RecordForm {
  using Cipher = ChaCha20;
  static constexpr size_t kStreamStart = 64;

  static RATATOSK_INLINE uint8_t* sealedText(uint8_t* sealed) { return sealed; }
  static RATATOSK_INLINE const uint8_t* sealedText(const uint8_t* sealed) { return sealed; }
  static RATATOSK_INLINE uint8_t* tag(uint8_t* sealed, size_t textSize) { return sealed + textSize; }
  static RATATOSK_INLINE const uint8_t* tag(const uint8_t* sealed, size_t textSize) { return sealed + textSize; }

  static RATATOSK_INLINE void begin(Poly1305& mac, const uint8_t* text, const Job& job) {
    mac.padded(text - job.adLength, job.adLength);
  }
  static RATATOSK_INLINE void finish(Poly1305& mac, uint8_t* tag, const uint8_t* rest, size_t size, size_t textSize,
                                     const Job& job) {
    mac.padded(rest, size);
    const uint64_t sizes[2] = {job.adLength, textSize};
    uint8_t last[sizeof sizes];
    std::memcpy(last, sizes, sizeof last);
    mac.finish(tag, last, sizeof last);
  }
};

}  // namespace
