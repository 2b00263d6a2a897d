/** Records, ChaCha20-Poly1305: what runs here of it, and rows to try it with. */
import assert from 'node:assert/strict';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import type { AeadBatch, AeadJobs } from '../../daemon/core/port.ts';
import { nativeAead } from '../../daemon/crypto/native.ts';
import { nodeAead } from '../../daemon/crypto/node-aead.ts';
import { portableAead } from '../../daemon/crypto/portable-aead.ts';
import { findAddon } from '../../native-bindings/addon.ts';
import { type BoxRow, jobsOf, TAG } from './boxes.ts';
import { Chance } from './core.ts';

/** All are built into the addon; a machine runs those its processor knows. */
const KERNELS = ['base', 'avx2', 'avx512'];
const found = findAddon(process.env.RATATOSK_TEST_ADDON);
export const { addon } = found;
export const fastest = addon?.kernel();
export const skipNative = addon === undefined ? `needs the addon: ${found.problem}` : false;

export type RecordCase = { name: string; skip: string | false; isNative: boolean; take: () => AeadBatch };

/** Every implementation that can run here; `take` must be called when the test runs, as kernels are switched. */
export const implementations: RecordCase[] = [
  { name: 'portable', skip: false, isNative: false, take: () => portableAead },
  { name: 'node:crypto', skip: false, isNative: false, take: () => nodeAead },
  ...KERNELS.map((kernel) => nativeCase(kernel, false)),
  nativeCase('base', true),
];
if (fastest !== undefined) addon?.kernel(fastest);

/** A kernel alone, or with OpenSSL for what is long. */
function nativeCase(kernel: string, hasLibrary: boolean): RecordCase {
  const isMissing = addon !== undefined && addon.kernel(kernel) !== kernel;
  const hasNone = hasLibrary && addon?.aeadLibrary() === undefined;
  return {
    name: `addon ${kernel}${hasLibrary ? ' with OpenSSL' : ''}`,
    skip: skipNative || (isMissing && `needs a processor with ${kernel}`) || (hasNone && 'needs a Node with OpenSSL'),
    isNative: true,
    take() {
      assert.ok(addon !== undefined && addon.kernel(kernel) === kernel);
      assert.equal(addon.aeadLibrary(hasLibrary) !== undefined, hasLibrary);
      return nativeAead(addon);
    },
  };
}

export type RecordRow = BoxRow & { adLength: number };

/** The same for records, whose associated data lies before the target. */
export function recordJobsOf(rows: RecordRow[]): AeadJobs {
  return { ...jobsOf(rows), adLengths: Int32Array.from(rows.map((row) => row.adLength)) };
}

/** The second implementation; the associated data lies before the target, the text is given. */
export function noble(row: RecordRow, text: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, row.nonce, true);
  return chacha20poly1305(row.key, nonce, row.target.subarray(row.to - row.adLength, row.to)).encrypt(text);
}

/** Rows that seal in place in one arena, as records are: associated data, text, room for the tag, a gap. */
export function rowsIn(lengths: number[], seed: number): { arena: Uint8Array; rows: RecordRow[] } {
  const chance = new Chance(seed);
  const arena = new Uint8Array(lengths.reduce((sum, length) => sum + length + 64, 64));
  chance.fill(arena);
  const keys = [chance.octets(32), chance.octets(32)];
  let at = 32;
  const rows = lengths.map((length, i): RecordRow => {
    const nonce = (BigInt(chance.u32()) << 32n) | BigInt(i);
    const place = { source: arena, at, target: arena, to: at };
    const row = { ...place, length, adLength: i % 12, key: keys[(i >> 2) % 2] ?? arena, nonce };
    at += length + 64;
    return row;
  });
  return { arena, rows };
}

export function opening(rows: RecordRow[]): AeadJobs {
  return recordJobsOf(rows.map((row) => ({ ...row, at: row.to, length: row.length + TAG })));
}
