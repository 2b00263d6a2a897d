/** From the X25519 form of a key back to the Ed25519 form (link document, section 1). */

const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** Undefined for what is no public key: out of range, on the twist, or of low order. */
export function ed25519FromX25519(key: Uint8Array, sign: number): Uint8Array | undefined {
  const u = littleEndian(key);
  if (key.length !== 32 || u >= P || u === P - 1n) return undefined;
  const y = mod((u - 1n) * power(mod(u + 1n), P - 2n));
  const square = mod((y * y - 1n) * power(mod(D * y * y + 1n), P - 2n));
  // Euler's criterion; zero fails it too.
  if (power(square, (P - 1n) / 2n) !== 1n) return undefined;
  const octets = new Uint8Array(32);
  let rest = y;
  for (let i = 0; i < 32; i++, rest >>= 8n) octets[i] = Number(rest & 255n);
  octets[31] = (octets[31] ?? 0) | (sign << 7);
  return octets;
}

function littleEndian(octets: Uint8Array): bigint {
  let value = 0n;
  for (let i = octets.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(octets[i] ?? 0);
  return value;
}

function mod(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = base, e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) if ((e & 1n) === 1n) result = mod(result * b);
  return result;
}
