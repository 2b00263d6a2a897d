// A stream cipher with one block a lane: vector w holds word w of every block, so that the rounds need no shuffles.
// Included by seal_lanes.h only, once for each set of compiler flags; everything is local to the including file, because
// equal names compiled for different processors must not be merged by the linker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "inline.h"

namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "octets are loaded as little-endian words");

constexpr size_t kBlockSize = 64;
constexpr uint32_t kSigma[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // "expand 32-byte k"

// The 16 words of an input block. Which of them counts blocks, the cipher says: `kCounter`.
struct StreamState {
  uint32_t words[16];
};

template <int L>
struct Lanes {
  typedef uint32_t V __attribute__((vector_size(L * 4)));
};

template <typename V>
RATATOSK_INLINE V rotateLeft(V value, int bits) {
  return (value << bits) | (value >> (32 - bits));
}

// Work that has nothing to do with the rounds, done between them: the rounds wait for their own results most of the
// time, and the processor fills the gaps with it.
struct NoWork {
  RATATOSK_INLINE void step() const {}
};

template <typename Cipher, typename V, typename Work>
RATATOSK_INLINE void twentyRounds(V (&x)[16], Work& work) {
  for (int i = 0; i < 10; i++) {
    work.step();
    Cipher::template round<true>(x);
    Cipher::template round<false>(x);
  }
}

// Where the blocks of a pass go: plain stores, or exclusive-or of a source.
struct StoreTo {
  uint8_t* target;
  template <typename V>
  RATATOSK_INLINE void put(size_t at, V value) const {
    std::memcpy(target + at, &value, sizeof value);
  }
};

struct XorTo {
  const uint8_t* source;
  uint8_t* target;
  template <typename V>
  RATATOSK_INLINE void put(size_t at, V value) const {
    V text;
    std::memcpy(&text, source + at, sizeof text);
    text ^= value;
    std::memcpy(target + at, &text, sizeof text);
  }
};

// Within each 128-bit part: four vectors of one word each become four vectors of four words of one block each.
template <typename V, int L>
RATATOSK_INLINE void transpose4(V& a, V& b, V& c, V& d) {
  if constexpr (L == 4) {
    const V ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const V cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    a = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
    b = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
    c = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
    d = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
  } else if constexpr (L == 8) {
    const V ab0 = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    const V ab1 = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    const V cd0 = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13);
    const V cd1 = __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    a = __builtin_shufflevector(ab0, cd0, 0, 1, 8, 9, 4, 5, 12, 13);
    b = __builtin_shufflevector(ab0, cd0, 2, 3, 10, 11, 6, 7, 14, 15);
    c = __builtin_shufflevector(ab1, cd1, 0, 1, 8, 9, 4, 5, 12, 13);
    d = __builtin_shufflevector(ab1, cd1, 2, 3, 10, 11, 6, 7, 14, 15);
  } else {
    const V ab0 = __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    const V ab1 = __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    const V cd0 = __builtin_shufflevector(c, d, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    const V cd1 = __builtin_shufflevector(c, d, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    a = __builtin_shufflevector(ab0, cd0, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    b = __builtin_shufflevector(ab0, cd0, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    c = __builtin_shufflevector(ab1, cd1, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    d = __builtin_shufflevector(ab1, cd1, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  }
}

// Puts L blocks of 64 octets from their words, block after block.
template <int L, typename Out>
RATATOSK_INLINE void putBlocks(typename Lanes<L>::V (&x)[16], const Out& out) {
  using V = typename Lanes<L>::V;
  RATATOSK_UNROLL
  for (int g = 0; g < 16; g += 4) transpose4<V, L>(x[g], x[g + 1], x[g + 2], x[g + 3]);
  // Now 128-bit part p of x[4 g + q] is words 4 g .. 4 g + 3 of block 4 p + q.
  RATATOSK_UNROLL
  for (int q = 0; q < 4; q++) {
    const V &a = x[q], &b = x[4 + q], &c = x[8 + q], &d = x[12 + q];
    if constexpr (L == 4) {
      out.put(q * kBlockSize, a);
      out.put(q * kBlockSize + 16, b);
      out.put(q * kBlockSize + 32, c);
      out.put(q * kBlockSize + 48, d);
    } else if constexpr (L == 8) {
      out.put(q * kBlockSize, __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11));
      out.put(q * kBlockSize + 32, __builtin_shufflevector(c, d, 0, 1, 2, 3, 8, 9, 10, 11));
      out.put((4 + q) * kBlockSize, __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15));
      out.put((4 + q) * kBlockSize + 32, __builtin_shufflevector(c, d, 4, 5, 6, 7, 12, 13, 14, 15));
    } else {
      const V ab0 = __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
      const V ab1 = __builtin_shufflevector(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
      const V cd0 = __builtin_shufflevector(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
      const V cd1 = __builtin_shufflevector(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
      out.put(q * kBlockSize, __builtin_shufflevector(ab0, cd0, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
      out.put((4 + q) * kBlockSize,
              __builtin_shufflevector(ab0, cd0, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31));
      out.put((8 + q) * kBlockSize,
              __builtin_shufflevector(ab1, cd1, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
      out.put((12 + q) * kBlockSize,
              __builtin_shufflevector(ab1, cd1, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31));
    }
  }
}

// L consecutive blocks of one stream, beginning with block `counter`. A message has less than 2^32 blocks.
template <typename Cipher, int L, typename Out, typename Work>
RATATOSK_INLINE void passOneStream(const StreamState& state, uint32_t counter, const Out& out, Work& work) {
  using V = typename Lanes<L>::V;
  V counters;
  RATATOSK_UNROLL
  for (int lane = 0; lane < L; lane++) counters[lane] = counter + static_cast<uint32_t>(lane);
  V x[16];
  RATATOSK_UNROLL
  for (int w = 0; w < 16; w++) x[w] = V{} + state.words[w];
  x[Cipher::kCounter] = counters;
  twentyRounds<Cipher>(x, work);
  RATATOSK_UNROLL
  for (int w = 0; w < 16; w++) {
    if (w != Cipher::kCounter) x[w] += state.words[w];
  }
  x[Cipher::kCounter] += counters;
  putBlocks<L>(x, out);
}

template <int L>
RATATOSK_INLINE void loadWords(const uint32_t (&words)[16][L], typename Lanes<L>::V (&x)[16]) {
  RATATOSK_UNROLL
  for (int w = 0; w < 16; w++) std::memcpy(&x[w], words[w], sizeof x[w]);
}

template <int L>
RATATOSK_INLINE void addWords(const uint32_t (&words)[16][L], typename Lanes<L>::V (&x)[16]) {
  RATATOSK_UNROLL
  for (int w = 0; w < 16; w++) {
    typename Lanes<L>::V input;
    std::memcpy(&input, words[w], sizeof input);
    x[w] += input;
  }
}

// L blocks of L streams: `words[w]` holds word w of each input block.
template <typename Cipher, int L>
RATATOSK_INLINE void passManyStreams(const uint32_t (&words)[16][L], uint8_t* target) {
  typename Lanes<L>::V x[16];
  loadWords<L>(words, x);
  NoWork nothing;
  twentyRounds<Cipher>(x, nothing);
  addWords<L>(words, x);
  putBlocks<L>(x, StoreTo{target});
}

// Two such passes side by side.
template <typename Cipher, int L>
RATATOSK_INLINE void passTwins(const uint32_t (&first)[16][L], const uint32_t (&second)[16][L], uint8_t* target) {
  typename Lanes<L>::V x[16], y[16];
  loadWords<L>(first, x);
  loadWords<L>(second, y);
  for (int i = 0; i < 10; i++) {
    Cipher::template round<true>(x);
    Cipher::template round<true>(y);
    Cipher::template round<false>(x);
    Cipher::template round<false>(y);
  }
  addWords<L>(first, x);
  putBlocks<L>(x, StoreTo{target});
  addWords<L>(second, y);
  putBlocks<L>(y, StoreTo{target + L * kBlockSize});
}

}  // namespace
