/** Both ciphers, sealing and opening in batches, by every implementation that is here. */
import { bench, group, summary } from 'mitata';
import type { AeadBatch, AeadJobs, BoxBatch, Crypto } from '../../daemon/core/port.ts';
import { addJob, newJobs } from '../../daemon/core/session/jobs.ts';
import { nodeAead } from '../../daemon/crypto/node-aead.ts';
import { portableBox } from '../../daemon/crypto/portable.ts';
import { portableAead } from '../../daemon/crypto/portable-aead.ts';
import { SIZES } from './sizes.ts';

const JOBS = 16;
/** The header of a record with a counter of 32 bits. */
const AD_SIZE = 9;

export function ciphers(crypto: Crypto): void {
  for (const size of SIZES) {
    group(`boxes of ${size} octets, ${JOBS} at once`, () => {
      summary(() => {
        for (const implementation of [crypto.box, portableBox]) {
          const jobs = boxJobs(size);
          implementation.seal(jobs);
          bench(`seal, ${implementation.name}`, () => implementation.seal(jobs));
          bench(`open, ${implementation.name}`, openBench(implementation, size));
        }
      });
    });
  }
  for (const size of SIZES) {
    group(`records of ${size} octets, ${JOBS} at once, in place`, () => {
      summary(() => {
        for (const implementation of [crypto.aead, nodeAead, portableAead]) {
          const seal = recordJobs(size);
          const open = sealedRecords(implementation, size);
          bench(`seal, ${implementation.name}`, () => implementation.seal(seal));
          bench(`open, ${implementation.name}`, () => implementation.open(open));
        }
      });
    });
  }
}
function boxJobs(size: number): ReturnType<typeof newJobs> {
  const jobs = newJobs();
  const key = new Uint8Array(32).fill(9);
  for (let i = 0; i < JOBS; i++) addJob(jobs, new Uint8Array(size), 0, size, new Uint8Array(size + 16), 0, key, 0, i);
  return jobs;
}

/** Opens what it sealed, not in place, so that each round finds the same. */
function openBench(implementation: BoxBatch, size: number): () => void {
  const sealed = boxJobs(size);
  implementation.seal(sealed);
  const jobs = newJobs();
  const key = new Uint8Array(32).fill(9);
  for (let i = 0; i < JOBS; i++)
    addJob(jobs, sealed.targets[i] as Uint8Array, 0, size + 16, new Uint8Array(size), 0, key, 0, i);
  return () => implementation.open(jobs);
}

function recordJobs(size: number): AeadJobs {
  const jobs = { ...boxJobs(size), adLengths: new Int32Array(JOBS).fill(AD_SIZE) };
  for (let i = 0; i < JOBS; i++) {
    jobs.sources[i] = jobs.targets[i] = new Uint8Array(AD_SIZE + size + 16);
    jobs.sourceOffsets[i] = jobs.targetOffsets[i] = AD_SIZE;
  }
  return jobs;
}

/** Opened not in place, so that each round finds the same. */
function sealedRecords(implementation: AeadBatch, size: number): AeadJobs {
  const jobs = recordJobs(size);
  implementation.seal(jobs);
  for (let i = 0; i < JOBS; i++) {
    jobs.targets[i] = new Uint8Array(size);
    jobs.targetOffsets[i] = 0;
    jobs.lengths[i] = size + 16;
  }
  return jobs;
}
