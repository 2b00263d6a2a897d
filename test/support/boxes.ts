/** The box, XSalsa20-Poly1305: what runs here of it, and rows to try it with. */
import assert from 'node:assert/strict';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import type { BoxBatch, BoxJobs } from '../../daemon/core/port.ts';
import { nativeBox } from '../../daemon/crypto/native.ts';
import { portableBox } from '../../daemon/crypto/portable.ts';
import { findAddon } from '../../native-bindings/addon.ts';

export const TAG = 16;
/** All three paths are built into the addon; a machine runs those its processor knows. */
const KERNELS = ['base', 'avx2', 'avx512'];

const { addon, problem } = findAddon(process.env.RATATOSK_TEST_ADDON);
const fastest = addon?.kernel();

export type BoxCase = { name: string; skip: string | false; box: () => BoxBatch };

/** Every implementation that can run here; `box` must be called when the test runs, as kernels are switched. */
export const implementations: BoxCase[] = [
  { name: 'portable', skip: false, box: () => portableBox },
  ...KERNELS.map((kernel): BoxCase => {
    const skip = addon === undefined ? `needs the addon: ${problem}` : addon.kernel(kernel) !== kernel;
    return {
      name: `addon ${kernel}`,
      skip: skip === true ? `needs a processor with ${kernel}` : skip,
      box() {
        assert.ok(addon !== undefined && addon.kernel(kernel) === kernel);
        return nativeBox(addon);
      },
    };
  }),
];
if (fastest !== undefined) addon?.kernel(fastest);

export type BoxRow = {
  source: Uint8Array;
  at: number;
  length: number;
  target: Uint8Array;
  to: number;
  key: Uint8Array;
  nonce: bigint;
};

export function jobsOf(rows: BoxRow[]): BoxJobs {
  const keys = new Uint8Array(32 * rows.length);
  rows.forEach((row, i) => {
    keys.set(row.key, 32 * i);
  });
  return {
    sources: rows.map((row) => row.source),
    sourceOffsets: Int32Array.from(rows.map((row) => row.at)),
    lengths: Int32Array.from(rows.map((row) => row.length)),
    targets: rows.map((row) => row.target),
    targetOffsets: Int32Array.from(rows.map((row) => row.to)),
    keys,
    nonces: Uint32Array.from(rows.flatMap((row) => [Number(row.nonce >> 32n), Number(row.nonce & 0xffffffffn)])),
    ok: new Uint8Array(rows.length).fill(2),
    count: rows.length,
  };
}

/** Octets that differ from place to place, the same in every run. */
export function pattern(length: number, seed: number): Uint8Array {
  const result = new Uint8Array(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    result[i] = state >>> 24;
  }
  return result;
}

function nonceOctets(counter: bigint): Uint8Array {
  const nonce = new Uint8Array(24);
  new DataView(nonce.buffer).setBigUint64(16, counter);
  return nonce;
}

/** What another implementation seals. */
export function noble(row: BoxRow): Uint8Array {
  return xsalsa20poly1305(row.key, nonceOctets(row.nonce)).encrypt(row.source.subarray(row.at, row.at + row.length));
}

/** One row a length, each with key, nonce and buffers of its own. */
export function rowsOf(lengths: number[]): BoxRow[] {
  return lengths.map((length, i) => ({
    source: pattern(length, i),
    at: 0,
    length,
    target: new Uint8Array(length + TAG),
    to: 0,
    key: pattern(32, 7 * i + 1),
    nonce: BigInt(i) * 0x1_0000_0003n,
  }));
}

export function reversed(rows: BoxRow[]): BoxRow[] {
  return rows.map((row) => ({
    ...row,
    source: row.target,
    at: row.to,
    length: row.length + TAG,
    target: new Uint8Array(row.length),
    to: 0,
  }));
}

export function assertEqual(actual: Uint8Array, wanted: Uint8Array, message: string): void {
  assert.ok(Buffer.compare(actual, wanted) === 0, message);
}
