import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { AeadBatch, AeadJobs } from '../core/port.ts';
import { aeadNonce, aeadRow } from './portable-aead.ts';

const CIPHER = 'chacha20-poly1305';
const TAG_SIZE = 16;
const KEY_SIZE = 32;
const OPTIONS = { authTagLength: TAG_SIZE } as const;

/** ChaCha20-Poly1305 by `node:crypto`, object after object: without the addon the fastest for all but tiny packets. */
export const nodeAead: AeadBatch = {
  name: 'node:crypto',

  seal(jobs: AeadJobs): void {
    for (let i = 0; i < jobs.count; i++) {
      const { source, sourceAt, target, targetAt, length } = aeadRow(jobs, i);
      const cipher = createCipheriv(CIPHER, keyOf(jobs, i), aeadNonce(jobs, i), OPTIONS);
      cipher.setAAD(target.subarray(targetAt - (jobs.adLengths[i] ?? 0), targetAt), { plaintextLength: length });
      target.set(cipher.update(source.subarray(sourceAt, sourceAt + length)), targetAt);
      cipher.final();
      target.set(cipher.getAuthTag(), targetAt + length);
    }
  },

  open(jobs: AeadJobs): void {
    for (let i = 0; i < jobs.count; i++) {
      const { source, sourceAt, target, targetAt, length } = aeadRow(jobs, i);
      jobs.ok[i] = 0;
      if (length < TAG_SIZE) continue;
      const decipher = createDecipheriv(CIPHER, keyOf(jobs, i), aeadNonce(jobs, i), OPTIONS);
      const tagAt = sourceAt + length - TAG_SIZE;
      decipher.setAuthTag(source.subarray(tagAt, tagAt + TAG_SIZE));
      const plaintextLength = length - TAG_SIZE;
      decipher.setAAD(source.subarray(sourceAt - (jobs.adLengths[i] ?? 0), sourceAt), { plaintextLength });
      const opened = decipher.update(source.subarray(sourceAt, tagAt));
      try {
        decipher.final();
      } catch {
        continue;
      }
      target.set(opened, targetAt);
      jobs.ok[i] = 1;
    }
  },
};

function keyOf(jobs: AeadJobs, i: number): Uint8Array {
  return jobs.keys.subarray(i * KEY_SIZE, (i + 1) * KEY_SIZE);
}
