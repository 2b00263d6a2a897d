/** Sizes of IPv6 packets, as `packets.py` reads them. */

export const EVERY_SIZE = ['40:65535:1'];

/** All small ones, a stride of a prime, and the neighbourhoods of powers of two and of usual MTUs. */
export const SAMPLED_SIZES = [
  '40:160:1',
  '161:65535:211',
  ...[256, 512, 1024, 1280, 1420, 1500, 2048, 4096, 8192, 9000, 16384, 32768].map((n) => `${n - 2}:${n + 2}:1`),
  '65500:65535:1',
];
