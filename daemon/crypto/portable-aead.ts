import { ChaCha20Poly1305 } from '@stablelib/chacha20poly1305';
import type { AeadBatch, AeadJobs } from '../core/port.ts';

const TAG_SIZE = 16;
const KEY_SIZE = 32;
const NONCE_SIZE = 12;

/** ChaCha20-Poly1305 in TypeScript: for machines without the addon, and the addon's twin in tests. */
export const portableAead: AeadBatch = {
  name: 'portable',

  seal(jobs: AeadJobs): void {
    for (let i = 0; i < jobs.count; i++) {
      const { source, sourceAt, target, targetAt, length } = aeadRow(jobs, i);
      const cipher = cipherOf(jobs, i);
      const ad = target.subarray(targetAt - (jobs.adLengths[i] ?? 0), targetAt);
      const sealed = cipher.seal(aeadNonce(jobs, i), source.subarray(sourceAt, sourceAt + length), ad);
      cipher.clean();
      target.set(sealed, targetAt);
    }
  },

  open(jobs: AeadJobs): void {
    for (let i = 0; i < jobs.count; i++) {
      const { source, sourceAt, target, targetAt, length } = aeadRow(jobs, i);
      const cipher = cipherOf(jobs, i);
      const ad = source.subarray(sourceAt - (jobs.adLengths[i] ?? 0), sourceAt);
      const sealed = source.subarray(sourceAt, sourceAt + length);
      const opened = length < TAG_SIZE ? null : cipher.open(aeadNonce(jobs, i), sealed, ad);
      cipher.clean();
      jobs.ok[i] = opened === null ? 0 : 1;
      if (opened !== null) target.set(opened, targetAt);
    }
  },
};

type Row = { source: Uint8Array; sourceAt: number; target: Uint8Array; targetAt: number; length: number };

/** A row as an object: the twins are for correctness, the addon for speed. */
export function aeadRow(jobs: AeadJobs, i: number): Row {
  const source = jobs.sources[i];
  const target = jobs.targets[i];
  if (source === undefined || target === undefined) throw new RangeError('a job without buffers');
  return {
    source,
    sourceAt: jobs.sourceOffsets[i] ?? 0,
    target,
    targetAt: jobs.targetOffsets[i] ?? 0,
    length: jobs.lengths[i] ?? 0,
  };
}

function cipherOf(jobs: AeadJobs, i: number): ChaCha20Poly1305 {
  return new ChaCha20Poly1305(jobs.keys.slice(i * KEY_SIZE, (i + 1) * KEY_SIZE));
}

export function aeadNonce(jobs: AeadJobs, i: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_SIZE);
  const view = new DataView(nonce.buffer);
  view.setUint32(4, jobs.nonces[2 * i + 1] ?? 0, true);
  view.setUint32(8, jobs.nonces[2 * i] ?? 0, true);
  return nonce;
}
