// Poly1305 in three limbs of 44, 44 and 42 bits. Long messages are taken in groups of blocks with several powers of r,
// so that one carry chain serves a group and the multiplier never waits. Included by seal_lanes.h only; see
// stream_lanes.h on why everything is local.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "inline.h"

namespace {

using Wide = unsigned __int128;

constexpr uint64_t kMask44 = (uint64_t{1} << 44) - 1;
constexpr uint64_t kMask42 = (uint64_t{1} << 42) - 1;

struct Limbs {
  uint64_t a, b, c;
};

// A power of r with the multiples that reduction modulo 2^130 - 5 needs: 2^132 = 20.
struct Multiplier {
  uint64_t a, b, c, b20, c20;
};

struct Product {
  Wide a, b, c;
};

RATATOSK_INLINE uint64_t load64(const uint8_t* at) {
  uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

RATATOSK_INLINE Multiplier makeMultiplier(const Limbs& r) { return {r.a, r.b, r.c, r.b * 20, r.c * 20}; }

RATATOSK_INLINE Product multiply(const Limbs& h, const Multiplier& r) {
  return {Wide{h.a} * r.a + Wide{h.b} * r.c20 + Wide{h.c} * r.b20,
          Wide{h.a} * r.b + Wide{h.b} * r.a + Wide{h.c} * r.c20,
          Wide{h.a} * r.c + Wide{h.b} * r.b + Wide{h.c} * r.a};
}

RATATOSK_INLINE void add(Product& sum, const Product& more) {
  sum.a += more.a;
  sum.b += more.b;
  sum.c += more.c;
}

// Leaves limbs of 44, 44 and 42 bits, the second perhaps one more. The sum of four products stays below 2^96.
RATATOSK_INLINE Limbs carry(const Product& p) {
  const Wide b = p.b + static_cast<uint64_t>(p.a >> 44);
  const Wide c = p.c + static_cast<uint64_t>(b >> 44);
  const uint64_t low = (static_cast<uint64_t>(p.a) & kMask44) + static_cast<uint64_t>(c >> 42) * 5;
  return {low & kMask44, (static_cast<uint64_t>(b) & kMask44) + (low >> 44), static_cast<uint64_t>(c) & kMask42};
}

RATATOSK_INLINE Limbs loadBlock(const uint8_t* at, uint64_t highBit) {
  const uint64_t t0 = load64(at), t1 = load64(at + 8);
  return {t0 & kMask44, ((t0 >> 44) | (t1 << 20)) & kMask44, (t1 >> 24) | (highBit << 40)};
}

RATATOSK_INLINE Limbs plus(const Limbs& x, const Limbs& y) { return {x.a + y.a, x.b + y.b, x.c + y.c}; }

// h modulo 2^130 - 5, plus the pad, modulo 2^128.
inline void finishTag(Limbs h, const uint8_t* pad, uint8_t* tag) {
  for (int round = 0; round < 2; round++) {
    h.c += h.b >> 44;
    h.b &= kMask44;
    h.a += (h.c >> 42) * 5;
    h.c &= kMask42;
    h.b += h.a >> 44;
    h.a &= kMask44;
  }
  h.c += h.b >> 44;
  h.b &= kMask44;

  // g = h - (2^130 - 5); taken instead of h when it is not negative, without a branch.
  Limbs g = {h.a + 5, h.b, h.c};
  g.b += g.a >> 44;
  g.a &= kMask44;
  g.c += g.b >> 44;
  g.b &= kMask44;
  g.c -= uint64_t{1} << 42;
  const uint64_t takeG = (g.c >> 63) - 1;
  h.a = (h.a & ~takeG) | (g.a & takeG);
  h.b = (h.b & ~takeG) | (g.b & takeG);
  h.c = (h.c & ~takeG) | (g.c & takeG);

  const Wide low = Wide{h.a | (h.b << 44)} + load64(pad);
  const uint64_t words[2] = {static_cast<uint64_t>(low),
                             ((h.b >> 20) | (h.c << 24)) + load64(pad + 8) + static_cast<uint64_t>(low >> 64)};
  std::memcpy(tag, words, sizeof words);
}

// A message of less than two groups, or what groups leave over: block by block.
class Poly1305 {
 public:
  RATATOSK_INLINE explicit Poly1305(const uint8_t* key) {
    const uint64_t t0 = load64(key), t1 = load64(key + 8);
    r_ = {t0 & 0xffc0fffffff, ((t0 >> 44) | (t1 << 20)) & 0xfffffc0ffff, (t1 >> 24) & 0x00ffffffc0f};
    multiplier_ = makeMultiplier(r_);
    std::memcpy(pad_, key + 16, sizeof pad_);
  }

  const Limbs& r() const { return r_; }
  const Limbs& state() const { return h_; }
  RATATOSK_INLINE void setState(const Limbs& h) { h_ = h; }

  RATATOSK_INLINE void oneBlock(const uint8_t* message) {
    h_ = carry(multiply(plus(h_, loadBlock(message, 1)), multiplier_));
  }

  // Octets, and zeros up to a whole block.
  RATATOSK_INLINE void padded(const uint8_t* message, size_t length) {
    for (; length >= 16; length -= 16, message += 16) oneBlock(message);
    if (length == 0) return;
    uint8_t last[16] = {};
    std::memcpy(last, message, length);
    oneBlock(last);
  }

  // The last `length` octets of the message, and the tag.
  RATATOSK_INLINE void finish(uint8_t* tag, const uint8_t* message, size_t length) {
    for (; length >= 16; length -= 16, message += 16) oneBlock(message);
    if (length > 0) {
      uint8_t last[16] = {};
      std::memcpy(last, message, length);
      last[length] = 1;
      h_ = carry(multiply(plus(h_, loadBlock(last, 0)), multiplier_));
    }
    finishTag(h_, pad_, tag);
  }

 private:
  Limbs r_, h_ = {0, 0, 0};
  Multiplier multiplier_;
  uint8_t pad_[16];
};

// Four blocks at a time. Poly1305Lanes is the same for vectors.
class Poly1305Fours {
 public:
  static constexpr size_t kGroup = 64;
  // Below this the powers of r cost more than they save.
  static constexpr size_t kPaysFrom = 192;

  // `h` is the state so far, `message` the first group.
  RATATOSK_INLINE Poly1305Fours(const Limbs& r, const Limbs& h, const uint8_t* message) : h_(h) {
    r1_ = makeMultiplier(r);
    const Limbs square = carry(multiply(r, r1_));
    r2_ = makeMultiplier(square);
    r3_ = makeMultiplier(carry(multiply(square, r1_)));
    r4_ = makeMultiplier(carry(multiply(square, r2_)));
    group(message);
  }

  RATATOSK_INLINE void group(const uint8_t* message) {
    Product sum = multiply(loadBlock(message + 48, 1), r1_);
    add(sum, multiply(loadBlock(message + 32, 1), r2_));
    add(sum, multiply(loadBlock(message + 16, 1), r3_));
    add(sum, multiply(plus(h_, loadBlock(message, 1)), r4_));
    h_ = carry(sum);
  }

  // The state after all groups.
  RATATOSK_INLINE Limbs join() const { return h_; }

 private:
  Limbs h_;
  Multiplier r1_, r2_, r3_, r4_;
};

}  // namespace
