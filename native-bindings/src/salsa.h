// Salsa20, and XSalsa20 for the nonces of boxes. Included by seal_lanes.h only; see stream_lanes.h on why everything is
// local.
#pragma once

#include "stream_lanes.h"

namespace {

struct XSalsa20 {
  // Word 9 would count on, but no message has so many blocks.
  static constexpr int kCounter = 8;
  // Of two words.
  static constexpr int kNonce = 6;

  // `kColumns`: quarter rounds of columns, otherwise of rows.
  template <bool kColumns, typename V>
  static RATATOSK_INLINE void round(V (&x)[16]) {
    if constexpr (kColumns) {
      quarterRound(x[0], x[4], x[8], x[12]);
      quarterRound(x[5], x[9], x[13], x[1]);
      quarterRound(x[10], x[14], x[2], x[6]);
      quarterRound(x[15], x[3], x[7], x[11]);
    } else {
      quarterRound(x[0], x[1], x[2], x[3]);
      quarterRound(x[5], x[6], x[7], x[4]);
      quarterRound(x[10], x[11], x[8], x[9]);
      quarterRound(x[15], x[12], x[13], x[14]);
    }
  }

  // The first 16 octets of our nonces are zero, so the HSalsa20 subkey belongs to the key alone.
  static void useKey(StreamState& state, const uint8_t* key) {
    loadKey(state, key);
    uint32_t x[16];
    std::memcpy(x, state.words, sizeof x);
    NoWork nothing;
    twentyRounds<XSalsa20>(x, nothing);
    const int taken[8] = {0, 5, 10, 15, 6, 7, 8, 9};
    for (int i = 0; i < 8; i++) state.words[(i < 4 ? 1 : 7) + i] = x[taken[i]];
  }

  static RATATOSK_INLINE void setNonce(StreamState& state, uint32_t high, uint32_t low) {
    state.words[6] = __builtin_bswap32(high);
    state.words[7] = __builtin_bswap32(low);
  }

 private:
  template <typename V>
  static RATATOSK_INLINE void quarterRound(V& a, V& b, V& c, V& d) {
    b ^= rotateLeft<V>(a + d, 7);
    c ^= rotateLeft<V>(b + a, 9);
    d ^= rotateLeft<V>(c + b, 13);
    a ^= rotateLeft<V>(d + c, 18);
  }

  static void loadKey(StreamState& state, const uint8_t* key) {
    state.words[0] = kSigma[0];
    state.words[5] = kSigma[1];
    state.words[10] = kSigma[2];
    state.words[15] = kSigma[3];
    std::memcpy(&state.words[1], key, 16);
    std::memcpy(&state.words[11], key + 16, 16);
    std::memset(&state.words[6], 0, 16);
  }
};

}  // namespace
