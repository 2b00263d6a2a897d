// Poly1305 of long messages with one block a lane: limbs of 26 bits, because vectors multiply 32 by 32 bits. Lane sums
// are joined at the end with the powers of r that each lane is behind. For L = 4 (AVX2) and L = 8 (AVX-512).
#pragma once

#if defined(__AVX2__)

#include <immintrin.h>

#include "poly1305.h"

namespace {

template <int L>
struct WideLanes {
  typedef uint64_t V __attribute__((vector_size(L * 8)));
};

template <int L>
class Poly1305Lanes {
 public:
  static constexpr size_t kGroup = L * 16;
  // Below this the powers of r cost more than the lanes save.
  static constexpr size_t kPaysFrom = 4 * kGroup;

  // `h` is the state so far, `message` the first group.
  RATATOSK_INLINE Poly1305Lanes(const Limbs& r, const Limbs& h, const uint8_t* message) {
    Limbs power[L + 1];  // power[i] = r^i
    power[1] = r;
    RATATOSK_UNROLL
    for (int i = 2; i <= L; i++) power[i] = carry(multiply(power[i - i / 2], makeMultiplier(power[i / 2])));
    uint64_t limbs[5];
    split(power[L], limbs);
    RATATOSK_UNROLL
    for (int k = 0; k < 5; k++) {
      whole_[k] = V{} + limbs[k];
      whole5_[k] = V{} + limbs[k] * 5;
    }
    for (int lane = 0; lane < L; lane++) {
      split(power[L - blockOf(lane)], limbs);
      RATATOSK_UNROLL
      for (int k = 0; k < 5; k++) last_[k][lane] = limbs[k];
    }
    V m[5];
    load(message, m);
    split(h, limbs);
    RATATOSK_UNROLL
    for (int k = 0; k < 5; k++) {
      m[k][0] += limbs[k];  // lane 0 holds block 0
      h_[k] = m[k];
    }
  }

  RATATOSK_INLINE void group(const uint8_t* message) {
    V m[5];
    load(message, m);
    V d[5];
    multiplyBy(whole_, whole5_, d);
    reduce(d);
    RATATOSK_UNROLL
    for (int k = 0; k < 5; k++) h_[k] = d[k] + m[k];
  }

  // The state after all groups.
  RATATOSK_INLINE Limbs join() {
    V five[5];
    RATATOSK_UNROLL
    for (int k = 0; k < 5; k++) five[k] = last_[k] * 5;
    V d[5];
    multiplyBy(last_, five, d);
    reduce(d);
    uint64_t sum[5];
    RATATOSK_UNROLL
    for (int k = 0; k < 5; k++) sum[k] = sumOf(d[k]);
    const uint64_t low = sum[0] + (sum[1] << 26);
    const uint64_t middle = (low >> 44) + (sum[2] << 8) + (sum[3] << 34);
    const uint64_t high = (middle >> 44) + (sum[4] << 16);
    return {(low & kMask44) + (high >> 42) * 5, middle & kMask44, high & kMask42};
  }

 private:
  using V = typename WideLanes<L>::V;
  static constexpr uint64_t kMask26 = (uint64_t{1} << 26) - 1;

  // Interleaving the halves of a group leaves the lanes in this order.
  static constexpr int blockOf(int lane) { return lane / 2 + (lane % 2) * (L / 2); }

  // The product of the low halves. AVX-512 with a mask of ones: GCC 12 warns about its own form without a mask.
  static RATATOSK_INLINE V multiplyLow(V a, V b) {
#if defined(__AVX512F__)
    if constexpr (L == 8)
      return reinterpret_cast<V>(
          _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#endif
    if constexpr (L == 4)
      return reinterpret_cast<V>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
  }

  static RATATOSK_INLINE void split(const Limbs& x, uint64_t (&limbs)[5]) {
    // The middle limb may have one bit too many: bring it to its place first.
    const uint64_t b = x.b & kMask44, c = x.c + (x.b >> 44);
    limbs[0] = x.a & kMask26;
    limbs[1] = ((x.a >> 26) | (b << 18)) & kMask26;
    limbs[2] = (b >> 8) & kMask26;
    limbs[3] = ((b >> 34) | (c << 10)) & kMask26;
    limbs[4] = c >> 16;
  }

  static RATATOSK_INLINE void load(const uint8_t* message, V (&m)[5]) {
    V x, y, low, high;
    std::memcpy(&x, message, sizeof x);
    std::memcpy(&y, message + sizeof x, sizeof y);
    if constexpr (L == 4) {
      low = __builtin_shufflevector(x, y, 0, 4, 2, 6);
      high = __builtin_shufflevector(x, y, 1, 5, 3, 7);
    } else {
      low = __builtin_shufflevector(x, y, 0, 8, 2, 10, 4, 12, 6, 14);
      high = __builtin_shufflevector(x, y, 1, 9, 3, 11, 5, 13, 7, 15);
    }
    m[0] = low & kMask26;
    m[1] = (low >> 26) & kMask26;
    m[2] = ((low >> 52) | (high << 12)) & kMask26;
    m[3] = (high >> 14) & kMask26;
    m[4] = (high >> 40) | (uint64_t{1} << 24);
  }

  static RATATOSK_INLINE uint64_t sumOf(V v) {
    if constexpr (L == 8) {
      v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
      v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
    } else {
      v += __builtin_shufflevector(v, v, 2, 3, 0, 1);
    }
    return v[0] + v[1];
  }

  // d = h_ * r, where `r5` is five times r. Limbs of h_ stay below 2^28, of r below 2^27: five products fit.
  RATATOSK_INLINE void multiplyBy(const V (&r)[5], const V (&r5)[5], V (&d)[5]) const {
    RATATOSK_UNROLL
    for (int k = 0; k < 5; k++) {
      d[k] = multiplyLow(h_[0], r[k]);
      RATATOSK_UNROLL
      for (int i = 1; i < 5; i++) d[k] += multiplyLow(h_[i], i <= k ? r[k - i] : r5[k + 5 - i]);
    }
  }

  // Limbs of 26 bits, the second and the last perhaps a little more. Two chains side by side.
  static RATATOSK_INLINE void reduce(V (&d)[5]) {
    d[1] += d[0] >> 26;
    d[4] += d[3] >> 26;
    d[0] &= kMask26;
    d[3] &= kMask26;
    d[2] += d[1] >> 26;
    d[0] += (d[4] >> 26) + ((d[4] >> 26) << 2);
    d[1] &= kMask26;
    d[4] &= kMask26;
    d[3] += d[2] >> 26;
    d[1] += d[0] >> 26;
    d[2] &= kMask26;
    d[0] &= kMask26;
    d[4] += d[3] >> 26;
    d[3] &= kMask26;
  }

  V h_[5];
  V whole_[5], whole5_[5];  // r^L in every lane
  V last_[5];               // r^L .. r, in the order of the lanes
};

}  // namespace

#endif
