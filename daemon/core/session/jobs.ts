import { putKey, wipeKeys } from '../key-column.ts';
import { JOBS_MAX } from '../limits.ts';
import type { AeadJobs, BoxJobs } from '../port.ts';

/** Columns for a batch of `JOBS_MAX` boxes, filled and emptied again and again. */
export function newJobs(): BoxJobs {
  return {
    sources: [],
    sourceOffsets: new Int32Array(JOBS_MAX),
    lengths: new Int32Array(JOBS_MAX),
    targets: [],
    targetOffsets: new Int32Array(JOBS_MAX),
    keys: new Uint8Array(JOBS_MAX * 32),
    nonces: new Uint32Array(JOBS_MAX * 2),
    ok: new Uint8Array(JOBS_MAX),
    count: 0,
  };
}

/** Appends one job; the caller has made sure that there is room. */
export function addJob(
  jobs: BoxJobs,
  source: Uint8Array,
  sourceAt: number,
  length: number,
  target: Uint8Array,
  targetAt: number,
  key: Uint8Array,
  nonceHigh: number,
  nonceLow: number,
): void {
  const i = jobs.count++;
  jobs.sources[i] = source;
  jobs.sourceOffsets[i] = sourceAt;
  jobs.lengths[i] = length;
  jobs.targets[i] = target;
  jobs.targetOffsets[i] = targetAt;
  putKey(jobs.keys, i, key);
  jobs.nonces[2 * i] = nonceHigh;
  jobs.nonces[2 * i + 1] = nonceLow;
}

/** Forgets the jobs and the buffers they name. */
export function clearJobs(jobs: BoxJobs): void {
  wipeKeys(jobs.keys, jobs.sources.length);
  jobs.count = 0;
  jobs.sources.length = 0;
  jobs.targets.length = 0;
}

/** The same for records. */
export function newAeadJobs(): AeadJobs {
  return { ...newJobs(), adLengths: new Int32Array(JOBS_MAX) };
}

/** As `addJob`; `adLength` octets of associated data lie before the ciphertext. */
export function addAeadJob(
  jobs: AeadJobs,
  source: Uint8Array,
  sourceAt: number,
  length: number,
  target: Uint8Array,
  targetAt: number,
  adLength: number,
  key: Uint8Array,
  nonceHigh: number,
  nonceLow: number,
): void {
  jobs.adLengths[jobs.count] = adLength;
  addJob(jobs, source, sourceAt, length, target, targetAt, key, nonceHigh, nonceLow);
}
