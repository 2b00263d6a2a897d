/**
 * Generators for the wire's formats, and the promises that every decoder keeps. A failure prints its seed; `SEED=…`
 * replays it.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';

const seed = process.env.SEED;
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) });

/** Where 64-bit arithmetic in doubles, or in signed halves, goes wrong. */
export const U64_EDGES = [
  0n,
  1n,
  127n,
  128n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

export const anyU64 = fc.oneof(fc.constantFrom(...U64_EDGES), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
export const anyU32 = fc.oneof(
  fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
  fc.nat({ max: 0xffff_ffff }),
);
export const anyKey = anyOctets(32, 32);
export const anySig = anyOctets(64, 64);
/** Ports of a path: never zero. */
export const anyPorts = fc.array(
  anyU64.filter((port) => port !== 0n),
  { maxLength: 20 },
);
/** A path in memory. */
export const anyPath = anyPorts.map(encodePorts);

/** Plain objects, as the decoders make them. */
export function anyRecord<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true });
}

export function anyOctets(minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength, maxLength, size: 'max' }).map((octets) => Uint8Array.from(octets));
}

/** Section 0 a second time, in BigInt; `padding` lengthens the encoding without changing its value. */
export function encodeUvarint(value: bigint, padding = 0): Uint8Array {
  const out: number[] = [];
  while (value > 0x7fn) {
    out.push(Number(value & 0x7fn) | 0x80);
    value >>= 7n;
  }
  out.push(Number(value));
  for (let i = 0; i < padding; i++) {
    out[out.length - 1] = (out[out.length - 1] as number) | 0x80;
    out.push(0);
  }
  return Uint8Array.from(out);
}

export function encodePorts(ports: readonly bigint[]): Uint8Array {
  return join(...ports.map((port) => encodeUvarint(port)));
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** One change to valid octets: a bit, an octet, a cut, an insertion, a piece twice. */
function mutated(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.record({ kind: fc.nat({ max: 4 }), at: fc.nat(), value: fc.nat({ max: 255 }) });
  return fc.tuple(valid, fc.array(change, { minLength: 1, maxLength: 3 })).map(([octets, changes]) => {
    let out = octets;
    for (const { kind, at, value } of changes) out = changed(out, kind, at % (out.length + 1), value);
    return out;
  });
}

function changed(octets: Uint8Array, kind: number, at: number, value: number): Uint8Array {
  const before = octets.subarray(0, at);
  const after = octets.subarray(at);
  if (kind === 0) return before.slice();
  if (kind === 1) return join(before, Uint8Array.of(value), after);
  if (kind === 2) return join(before, after.subarray(1));
  if (kind === 3) return join(before, after.subarray(0, value), after);
  const out = octets.slice();
  if (at < out.length) out[at] = value < 128 ? (out[at] as number) ^ (1 << (value & 7)) : value;
  return out;
}

/**
 * The decoder neither throws nor writes to its input, and what it keeps is the input itself or copies no larger than
 * the input and `fixedOctets`.
 */
export function keepsItsPromises(
  decode: (octets: Uint8Array) => unknown,
  valid: fc.Arbitrary<Uint8Array>,
  fixedOctets = 0,
): void {
  const check = (octets: Uint8Array): void => {
    const before = Uint8Array.from(octets);
    const value = decode(octets);
    assert.deepEqual(octets, before, 'the input is unchanged');
    const copied = copiedOctets(value, octets.buffer);
    assert.ok(copied <= octets.length + fixedOctets, `${copied} octets copied out of ${octets.length}`);
  };
  fc.assert(fc.property(anyOctets(0, 300), check), { numRuns: 300 });
  fc.assert(fc.property(valid, check), { numRuns: 50 });
  fc.assert(fc.property(mutated(valid), check), { numRuns: 500 });
}

function copiedOctets(value: unknown, input: ArrayBufferLike): number {
  if (ArrayBuffer.isView(value)) return value.buffer === input ? 0 : value.buffer.byteLength;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, member) => sum + copiedOctets(member, input), 0);
}

export { fc };
