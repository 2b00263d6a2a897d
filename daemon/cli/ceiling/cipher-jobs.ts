/** Batches of packets to seal and to open, for measurements of the ciphers alone. */
import type { AeadBatch, AeadJobs, BoxBatch } from '../../core/port.ts';
import { addJob, newJobs } from '../../core/session/jobs.ts';

export const JOBS = 16;
/** The header of a record with a counter of 32 bits. */
const AD_SIZE = 9;

type BoxJobs = ReturnType<typeof newJobs>;

export function boxJobs(size: number): BoxJobs {
  const jobs = newJobs();
  const key = new Uint8Array(32).fill(9);
  for (let i = 0; i < JOBS; i++) addJob(jobs, new Uint8Array(size), 0, size, new Uint8Array(size + 16), 0, key, 0, i);
  return jobs;
}

/** Opened not in place, so that each round finds the same. */
export function sealedBoxes(implementation: BoxBatch, size: number): BoxJobs {
  const sealed = boxJobs(size);
  implementation.seal(sealed);
  const jobs = newJobs();
  const key = new Uint8Array(32).fill(9);
  for (let i = 0; i < JOBS; i++)
    addJob(jobs, sealed.targets[i] as Uint8Array, 0, size + 16, new Uint8Array(size), 0, key, 0, i);
  return jobs;
}

export function recordJobs(size: number): AeadJobs {
  const jobs = { ...boxJobs(size), adLengths: new Int32Array(JOBS).fill(AD_SIZE) };
  for (let i = 0; i < JOBS; i++) {
    jobs.sources[i] = jobs.targets[i] = new Uint8Array(AD_SIZE + size + 16);
    jobs.sourceOffsets[i] = jobs.targetOffsets[i] = AD_SIZE;
  }
  return jobs;
}

/** Opened not in place, so that each round finds the same. */
export function sealedRecords(implementation: AeadBatch, size: number): AeadJobs {
  const jobs = recordJobs(size);
  implementation.seal(jobs);
  for (let i = 0; i < JOBS; i++) {
    jobs.targets[i] = new Uint8Array(size);
    jobs.targetOffsets[i] = 0;
    jobs.lengths[i] = size + 16;
  }
  return jobs;
}
