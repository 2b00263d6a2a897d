/**
 * What millions of packets leave on the heaps of two daemons' router threads:
 *
 *   heap.js [--packets N] [--only SCHEME] [--octets N]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Scheme } from '../test/support/carriers.ts';
import { needs } from '../test/support/needs.ts';
import type { HeapLine } from './net/heap-watch.ts';
import { measure } from './net/measure.ts';
import type { Scene } from './net/rows.ts';
import { short, table } from './net/statistics.ts';
import { meshSystem } from './net/systems/mesh-system.ts';
import { buildTraffic, flood, idle } from './net/traffic.ts';

const STRETCH_SECONDS = 10;
/** At least one report of each thread lies in here. */
const REST_MS = 4_500;

const { values: flags } = parseArgs({
  options: {
    packets: { type: 'string', default: '10000000' },
    only: { type: 'string', default: 'tcp' },
    octets: { type: 'string', default: '64' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'rtsk-heap-'));
try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const scheme = flags.only as Scheme;
  const env = {
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'net/heap-watch.js')}`,
    RTSK_BENCH_HEAP: folder,
  };
  const kinds = ['ratatosk', 'ratatosk'] as const;
  const system = meshSystem({ id: scheme, title: `ratatosk, ${scheme}`, references: [], kinds, scheme, env });
  const problem = needs(system.missing() || undefined, await buildTraffic());
  if (problem !== false) throw new Error(problem);
  const rows = new Map([['heap', heap]]);
  await measure(system, rows, STRETCH_SECONDS, (step) => process.stderr.write(`${system.title}  ${step}\n`));
}

async function heap({ lab, from, to, seconds }: Scene): Promise<Record<string, never>> {
  const octets = Number(flags.octets);
  // Caches, pools and compiled code come to their size first.
  await flood(lab, from, to, { octets, seconds });
  await idle(REST_MS);
  const before = heaps();
  let received = 0;
  while (received < Number(flags.packets)) {
    received += (await flood(lab, from, to, { octets, seconds })).received;
    process.stderr.write(`${received} packets\n`);
  }
  await idle(REST_MS);
  const lines = [...heaps()].map(([thread, now]) => {
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
  process.stdout.write(`${received} packets of ${octets} octets over ${flags.only}\n${table([head, ...lines])}`);
  return {};
}

/** The last line of each thread. */
function heaps(): Map<string, HeapLine> {
  return new Map(
    readdirSync(folder).map((name): [string, HeapLine] => {
      const lines = readFileSync(join(folder, name), 'utf8').trim().split('\n');
      return [name, JSON.parse(lines.at(-1) ?? '{}')];
    }),
  );
}
