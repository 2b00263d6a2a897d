/** What millions of packets leave on the heaps of two daemons' router threads. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SCHEMES, type Scheme } from '../test/support/carriers.ts';
import { needs } from '../test/support/needs.ts';
import { command, numberOf, wrongUsage } from './command.ts';
import type { HeapLine } from './net/heap-watch.ts';
import { measure } from './net/measure.ts';
import type { Scene } from './net/rows.ts';
import { short, table } from './net/statistics.ts';
import { meshSystem } from './net/systems/mesh-system.ts';
import { buildTraffic, flood, idle } from './net/traffic.ts';

const STRETCH_SECONDS = 10;
/** At least one report of each thread lies in here. */
const REST_MS = 4_500;

type Load = { readonly packets: number; readonly octets: number; readonly folder: string };

await command({
  usage: `bench:heap -- [--packets N] [--octets N] [--only SCHEME]

What so many packets (10 000 000 of 64 octets over tcp, unless told) leave on
the heaps of two daemons' router threads; needs root.`,
  options: {
    packets: { type: 'string', default: '10000000' },
    only: { type: 'string', default: 'tcp' },
    octets: { type: 'string', default: '64' },
  },
  words: [0, 0],
  main: async (flags) => {
    const schemes = [...SCHEMES, 'udp'] as const;
    const scheme = schemes.find((one) => one === flags.only);
    if (scheme === undefined) throw wrongUsage(`--only: found '${flags.only}', expected ${schemes.join(', ')}`);
    const packets = numberOf('packets', flags.packets, 1, 1e12);
    const octets = numberOf('octets', flags.octets, 16, 65_000);
    const folder = mkdtempSync(join(tmpdir(), 'rtsk-heap-'));
    try {
      await heap(scheme, { packets, octets, folder });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
});

async function heap(scheme: Scheme, load: Load): Promise<void> {
  const env = {
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'net/heap-watch.js')}`,
    RTSK_BENCH_HEAP: load.folder,
  };
  const kinds = ['ratatosk', 'ratatosk'] as const;
  const system = meshSystem({ id: scheme, title: `ratatosk, ${scheme}`, references: [], kinds, scheme, env });
  const problem = needs(system.missing() || undefined, await buildTraffic());
  if (problem !== false) throw new Error(problem);
  const rows = new Map([['heap', (scene: Scene) => flooded(scene, load)]]);
  await measure(system, rows, STRETCH_SECONDS, (step) => process.stderr.write(`${system.title}  ${step}\n`));
}

async function flooded(
  { lab, from, to, seconds }: Scene,
  { packets, octets, folder }: Load,
): Promise<Record<string, never>> {
  // Caches, pools and compiled code come to their size first.
  await flood(lab, from, to, { octets, seconds });
  await idle(REST_MS);
  const before = heaps(folder);
  let received = 0;
  while (received < packets) {
    received += (await flood(lab, from, to, { octets, seconds })).received;
    process.stderr.write(`${received} packets\n`);
  }
  await idle(REST_MS);
  const lines = [...heaps(folder)].map(([thread, now]) => {
    const was = before.get(thread) ?? now;
    const growth = (now.usedOctets - was.usedOctets) / 1024;
    const allocated = (now.allocatedOctets - was.allocatedOctets) / received;
    return [
      thread,
      (was.usedOctets / 1024).toFixed(0),
      (now.usedOctets / 1024).toFixed(0),
      growth.toFixed(0),
      short(allocated),
    ];
  });
  const head = ['process-thread', 'KiB before', 'after', 'growth', 'octets allocated a packet'];
  process.stdout.write(`${received} packets of ${octets} octets \n${table([head, ...lines])}`);
  return {};
}

/** The last line of each thread. */
function heaps(folder: string): Map<string, HeapLine> {
  return new Map(
    readdirSync(folder).map((name): [string, HeapLine] => {
      const lines = readFileSync(join(folder, name), 'utf8').trim().split('\n');
      return [name, JSON.parse(lines.at(-1) ?? '{}')];
    }),
  );
}
