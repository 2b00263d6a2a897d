/** Hot paths one by one. `npm run bench`; a word after `--` picks the benchmarks whose name contains it. */
import { bench, do_not_optimize, group, run, summary } from 'mitata';
import type { AeadBatch, AeadJobs, BoxBatch } from '../daemon/core/port.ts';
import { ReplayWindow } from '../daemon/core/replay-window.ts';
import { filterPositions } from '../daemon/core/routing/bloom.ts';
import { addJob, newJobs } from '../daemon/core/session/jobs.ts';
import { chooseCrypto } from '../daemon/crypto/choose.ts';
import { nodeAead } from '../daemon/crypto/node-aead.ts';
import { portableBox } from '../daemon/crypto/portable.ts';
import { portableAead } from '../daemon/crypto/portable-aead.ts';
import { Writer } from '../daemon/wire/cursor.ts';
import { readTraffic, trafficView, writeTrafficHead } from '../daemon/wire/traffic.ts';
import { Line } from './micro/line.ts';
import { WirePair } from './micro/wire-pair.ts';

const SIZES = [64, 1_400, 16_384, 65_535];
const JOBS = 16;
/** The header of a record with a counter of 32 bits. */
const AD_SIZE = 9;

const { crypto } = chooseCrypto();
process.stdout.write(`boxes by ${crypto.box.name}; records by ${crypto.aead.name}\n`);

group('packets through whole nodes, µs for a batch', () => {
  for (const count of [2, 3, 5]) {
    for (const size of SIZES) {
      for (const [mode, name] of [
        ['off', 'boxes'],
        ['require', 'records'],
      ] as const) {
        const line = new Line(count, size, crypto, mode);
        bench(`${count} nodes, ${line.batchSize} × ${size} octets in ${name}`, () => line.carry());
      }
    }
  }
});

group('messages through a pair of channels without keys, µs for a batch', () => {
  for (const [size, mtu] of [
    [64, 1_472],
    [1_400, 1_472],
    [1_400, 65_507],
    [16_384, 1_472],
    [65_000, 65_507],
  ] as const) {
    const pair = new WirePair(size, mtu, crypto);
    bench(`${pair.batchSize} × ${size} octets, packets of ${mtu}`, () => pair.carry());
  }
});

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

group('parts', () => {
  const item = new Uint8Array(32).fill(7);
  bench('bloom positions of an item', () => do_not_optimize(filterPositions(item)));
  const window = new ReplayWindow(1_024);
  let nonce = 0;
  bench('replay window, next nonce', () => {
    nonce++;
    if (window.isNew(0, nonce)) window.accept(0, nonce);
  });
  const identity = crypto.ed25519Signer(item).publicKey;
  const form = crypto.x25519FromEd25519(identity) ?? item;
  bench('X25519 form of a key', () => do_not_optimize(crypto.x25519FromEd25519(identity)));
  bench('key of an X25519 form', () => do_not_optimize(crypto.ed25519FromX25519(form, 0)));
  bench('X25519', () => do_not_optimize(crypto.x25519(item, form)));
  const frame = new Writer(new Uint8Array(400));
  const path = Uint8Array.of(1, 2, 3, 4, 5, 6);
  writeTrafficHead(frame, path, path, item, item, 12, 200);
  const view = trafficView();
  bench('read the head of a Traffic frame', () => do_not_optimize(readTraffic(frame.buffer, 3, frame.pos + 200, view)));
});

await run({ filter: new RegExp(process.argv[2] ?? '') });

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
