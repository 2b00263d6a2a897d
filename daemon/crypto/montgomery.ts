/**
 * Between the two forms of a key (link document, section 1): y on the Edwards curve of Ed25519, u on the Montgomery
 * curve of X25519. Keys are public, so the time this takes may depend on them; strangers can cause it, so it is short.
 */

const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
const KEY_SIZE = 32;

/** Undefined for what is no point of the curve. */
export function x25519FromEd25519(key: Uint8Array): Uint8Array | undefined {
  if (key.length !== KEY_SIZE) return undefined;
  const y = BigInt.asUintN(255, littleEndian(key));
  const ySquare = (y * y) % P;
  // x² = (y² - 1) / (d·y² + 1), and a quotient is a square where the product is one.
  if (jacobi(((ySquare + P - 1n) * (D * ySquare + 1n)) % P) === -1) return undefined;
  return octetsOf(((1n + y) * inverse(P + 1n - (y % P))) % P);
}

/** Undefined for what is no public key: out of range, on the twist, or of low order. */
export function ed25519FromX25519(key: Uint8Array, sign: number): Uint8Array | undefined {
  if (key.length !== KEY_SIZE) return undefined;
  const u = littleEndian(key);
  if (u >= P || u === P - 1n) return undefined;
  // y = (u - 1) / (u + 1) makes x² = -4u / (d·(u - 1)² + (u + 1)²); -4 is a square, and so is any denominator squared.
  const [less, more] = [u + P - 1n, u + 1n];
  if (jacobi((u * ((D * ((less * less) % P) + more * more) % P)) % P) !== 1) return undefined;
  const octets = octetsOf((less * inverse(more)) % P);
  octets[31] = (octets[31] ?? 0) | (sign << 7);
  return octets;
}

/** Modulo P by Euclid's algorithm; 0 of what is divisible by P. */
function inverse(value: bigint): bigint {
  let [previous, rest] = [P, value % P];
  let [before, factor] = [0n, 1n];
  while (rest > 0n) {
    const quotient = previous / rest;
    [previous, rest] = [rest, previous - quotient * rest];
    [before, factor] = [factor, before - quotient * factor];
  }
  if (previous !== 1n) return 0n;
  return before < 0n ? before + P : before;
}

/** 1: `value` (0 to P - 1) is a square modulo P. -1: it is none. 0: it is zero. By reciprocity. */
function jacobi(value: bigint): -1 | 0 | 1 {
  let [upper, lower] = [value, P];
  let isSquare = true;
  while (upper !== 0n) {
    const zeros = trailingZeros(upper);
    upper >>= BigInt(zeros);
    const lowerOctet = Number(lower & 7n);
    if (zeros % 2 === 1 && (lowerOctet === 3 || lowerOctet === 5)) isSquare = !isSquare;
    if (lowerOctet % 4 === 3 && (upper & 3n) === 3n) isSquare = !isSquare;
    [upper, lower] = [lower % upper, upper];
  }
  if (lower !== 1n) return 0;
  return isSquare ? 1 : -1;
}

function trailingZeros(value: bigint): number {
  let zeros = 0;
  let word = 0;
  for (let rest = value; word === 0; rest >>= 32n) {
    word = Number(rest & 0xffff_ffffn);
    if (word === 0) zeros += 32;
  }
  return zeros + 31 - Math.clz32(word & -word);
}

function littleEndian(octets: Uint8Array): bigint {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  let value = 0n;
  for (let at = KEY_SIZE - 8; at >= 0; at -= 8) value = (value << 64n) | view.getBigUint64(at, true);
  return value;
}

function octetsOf(value: bigint): Uint8Array {
  const octets = new Uint8Array(KEY_SIZE);
  const view = new DataView(octets.buffer);
  for (let at = 0, rest = value; at < KEY_SIZE; at += 8, rest >>= 64n) view.setBigUint64(at, rest, true);
  return octets;
}
