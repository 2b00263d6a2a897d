import { equal, Poly1305 } from '@stablelib/poly1305';
import { stream, streamXOR } from '@stablelib/salsa20';
import type { BoxBatch, BoxJobs } from '../core/port.ts';
import { hsalsa20OfZero } from './hsalsa20.ts';

const TAG_SIZE = 16;
const KEY_SIZE = 32;
/** The first 32 octets of a stream are the Poly1305 key; the message begins in the middle of the first block. */
const STREAM_START = 32;
const BLOCK_SIZE = 64;

/** The box in TypeScript: for machines without the addon, and the addon's twin in tests. */
export const portableBox: BoxBatch = {
  name: 'portable',

  seal(jobs: BoxJobs): void {
    for (let i = 0; i < jobs.count; i++) {
      const job = jobAt(jobs, i);
      const text = job.source.subarray(job.sourceOffset, job.sourceOffset + job.length);
      const target = job.target.subarray(job.targetOffset, job.targetOffset + job.length + TAG_SIZE);
      const box = streamOf(job);
      applyStream(box, text, target.subarray(TAG_SIZE));
      target.set(tagOf(box, target.subarray(TAG_SIZE)));
      wipe(box);
    }
  },

  open(jobs: BoxJobs): void {
    for (let i = 0; i < jobs.count; i++) {
      const job = jobAt(jobs, i);
      const source = job.source.subarray(job.sourceOffset, job.sourceOffset + job.length);
      const target = job.target.subarray(job.targetOffset, job.targetOffset + job.length - TAG_SIZE);
      const box = streamOf(job);
      const isGood = equal(tagOf(box, source.subarray(TAG_SIZE)), source.subarray(0, TAG_SIZE));
      if (isGood) applyStream(box, source.subarray(TAG_SIZE), target);
      jobs.ok[i] = isGood ? 1 : 0;
      wipe(box);
    }
  },
};

type Job = {
  source: Uint8Array;
  sourceOffset: number;
  length: number;
  target: Uint8Array;
  targetOffset: number;
  key: Uint8Array;
  nonceHigh: number;
  nonceLow: number;
};

/** A row as an object: this twin is for correctness, the addon for speed. */
function jobAt(jobs: BoxJobs, i: number): Job {
  const source = jobs.sources[i];
  const target = jobs.targets[i];
  if (source === undefined || target === undefined) throw new RangeError('a job without buffers');
  return {
    source,
    sourceOffset: jobs.sourceOffsets[i] ?? 0,
    length: jobs.lengths[i] ?? 0,
    target,
    targetOffset: jobs.targetOffsets[i] ?? 0,
    key: jobs.keys.subarray(i * KEY_SIZE, (i + 1) * KEY_SIZE),
    nonceHigh: jobs.nonces[2 * i] ?? 0,
    nonceLow: jobs.nonces[2 * i + 1] ?? 0,
  };
}

/** `first` is block 0: the Poly1305 key and 32 octets for the message. */
type Stream = { key: Uint8Array; nonce: Uint8Array; first: Uint8Array };

function streamOf(job: Job): Stream {
  const key = hsalsa20OfZero(job.key);
  const nonce = new Uint8Array(8);
  const view = new DataView(nonce.buffer);
  view.setUint32(0, job.nonceHigh);
  view.setUint32(4, job.nonceLow);
  return { key, nonce, first: stream(key, nonce, new Uint8Array(BLOCK_SIZE)) };
}

function applyStream(box: Stream, source: Uint8Array, target: Uint8Array): void {
  const firstSize = Math.min(source.length, BLOCK_SIZE - STREAM_START);
  for (let i = 0; i < firstSize; i++) target[i] = (source[i] ?? 0) ^ (box.first[STREAM_START + i] ?? 0);
  const nonceAndCounter = new Uint8Array(16);
  nonceAndCounter.set(box.nonce);
  nonceAndCounter[8] = 1;
  streamXOR(box.key, nonceAndCounter, source.subarray(firstSize), target.subarray(firstSize), 8);
}

function tagOf(box: Stream, ciphertext: Uint8Array): Uint8Array {
  const mac = new Poly1305(box.first.subarray(0, STREAM_START));
  const tag = mac.update(ciphertext).digest();
  mac.clean();
  return tag;
}

function wipe(box: Stream): void {
  box.key.fill(0);
  box.first.fill(0);
}
