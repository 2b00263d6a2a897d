// ChaCha20 (RFC 8439). Included by seal_lanes.h only; see stream_lanes.h on why everything is local.
#pragma once

#include "stream_lanes.h"

namespace {

struct ChaCha20 {
  static constexpr int kCounter = 12;
  // Of two words; the one before them stays zero.
  static constexpr int kNonce = 14;

  // `kColumns`: quarter rounds of columns, otherwise of diagonals. Step by step through all four, so that none waits for
  // itself.
  template <bool kColumns, typename V>
  static RATATOSK_INLINE void round(V (&x)[16]) {
    constexpr int kTurn = kColumns ? 0 : 1;
    step<0, 1, 3, 16, kTurn>(x);
    step<2, 3, 1, 12, kTurn>(x);
    step<0, 1, 3, 8, kTurn>(x);
    step<2, 3, 1, 7, kTurn>(x);
  }

  static void useKey(StreamState& state, const uint8_t* key) {
    std::memcpy(&state.words[0], kSigma, sizeof kSigma);
    std::memcpy(&state.words[4], key, 32);
    std::memset(&state.words[12], 0, 16);
  }

  // Four zero octets and the counter, little-endian.
  static RATATOSK_INLINE void setNonce(StreamState& state, uint32_t high, uint32_t low) {
    state.words[14] = low;
    state.words[15] = high;
  }

 private:
  // Rows `a` += `b`, `d` ^= `a`, `d` <<<= bits; row r is turned by r places for diagonals.
  template <int a, int b, int d, int bits, int kTurn, typename V>
  static RATATOSK_INLINE void step(V (&x)[16]) {
    RATATOSK_UNROLL
    for (int i = 0; i < 4; i++) x[word(a, i, kTurn)] += x[word(b, i, kTurn)];
    RATATOSK_UNROLL
    for (int i = 0; i < 4; i++) {
      V& turned = x[word(d, i, kTurn)];
      turned = rotateLeft<V>(turned ^ x[word(a, i, kTurn)], bits);
    }
  }

  static constexpr int word(int row, int i, int kTurn) { return 4 * row + (i + row * kTurn) % 4; }
};

}  // namespace
