/** What this machine can do at most: figures of parts alone, each a ceiling of the whole. */
import type { Crypto } from '../../core/port.ts';
import { boxJobs, JOBS, recordJobs, sealedBoxes, sealedRecords } from './cipher-jobs.ts';
import { Line } from './line.ts';

/** One figure; octets are those of the packets, without what is added to them. */
export type Figure = {
  readonly group: 'ciphers' | 'path';
  readonly what: string;
  /** Octets of each packet. */
  readonly size: number;
  /** Octets per second. */
  readonly rate: number;
  /** Packets per second. */
  readonly packets: number;
};

export type Measurement = {
  readonly group: Figure['group'];
  readonly what: string;
  readonly size: number;
  prepare(): Round;
};

/** Does so many packets at once. */
type Round = { readonly count: number; run(): void };

const SMALL = 64;
const ETHERNET = 1_400;
const LARGE = 65_535;
/** Takes out what the engine has not compiled yet. */
const WARM_SHARE = 0.25;
/** Between two looks at the clock. */
const SLICE_MS = 2;
/** What the system's account of the processor may miss. */
const CPU_LEAST_MS = 0.01;

export function measurements(crypto: Crypto): Measurement[] {
  const { box, aead } = crypto;
  const cipher = (what: string, size: number, prepare: () => () => void): Measurement => {
    return { group: 'ciphers', what, size, prepare: () => ({ count: JOBS, run: prepare() }) };
  };
  const path = (what: string, size: number, count: number, mode: 'off' | 'require'): Measurement => {
    const prepare = (): Round => {
      const line = new Line(count, size, crypto, mode);
      return { count: line.batchSize, run: () => line.carry() };
    };
    return { group: 'path', what, size, prepare };
  };
  const of = (size: number): Measurement[] => [
    cipher('seal, Yggdrasil', size, () => {
      const jobs = boxJobs(size);
      return () => box.seal(jobs);
    }),
    cipher('open, Yggdrasil', size, () => {
      const jobs = sealedBoxes(box, size);
      return () => box.open(jobs);
    }),
    cipher('seal, end-to-end', size, () => {
      const jobs = recordJobs(size);
      return () => aead.seal(jobs);
    }),
    cipher('open, end-to-end', size, () => {
      const jobs = sealedRecords(aead, size);
      return () => aead.open(jobs);
    }),
  ];
  return [
    ...[ETHERNET, LARGE].flatMap(of),
    ...[SMALL, ETHERNET, LARGE].flatMap((size) => [
      path('2 nodes, Yggdrasil', size, 2, 'off'),
      path('2 nodes, end-to-end', size, 2, 'require'),
      path('3 nodes, end-to-end', size, 3, 'require'),
    ]),
  ];
}

/** Milliseconds of clocks that never go back. */
export type Clocks = {
  readonly wallMs: () => number;
  /** Of the processor, spent by this process. */
  readonly cpuMs: () => number;
};

/** Takes about so long, and counts what the processor took of it: others on this machine cost time, but change no figure. */
export function measure({ group, what, size, prepare }: Measurement, lastsMs: number, clocks: Clocks): Figure {
  const round = prepare();
  runFor(round, WARM_SHARE * lastsMs, clocks);
  const { packets, cpuMs } = runFor(round, (1 - WARM_SHARE) * lastsMs, clocks);
  const perSecond = (1000 * packets) / cpuMs;
  return { group, what, size, rate: perSecond * size, packets: perSecond };
}

function runFor({ count, run }: Round, lastsMs: number, clocks: Clocks): { packets: number; cpuMs: number } {
  const startMs = clocks.wallMs();
  const startCpuMs = clocks.cpuMs();
  let [rounds, perLook, atMs] = [0, 1, startMs];
  do {
    for (let i = 0; i < perLook; i++) run();
    rounds += perLook;
    const beforeMs = atMs;
    atMs = clocks.wallMs();
    if (atMs - beforeMs < SLICE_MS) perLook *= 2;
  } while (atMs - startMs < lastsMs);
  return { packets: rounds * count, cpuMs: Math.max(clocks.cpuMs() - startCpuMs, CPU_LEAST_MS) };
}
