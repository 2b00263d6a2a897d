/**
 * Two hosts in namespaces joined by a veth pair, with daemons of either kind on them, in alternating runs.
 *
 *   net.js [--quick] [--rounds N] [--only PAIR] [--link SCHEME] [--json FILE]      PAIR: yy, rr, ry or ru (UDP); SCHEME: tcp, tls, …
 *
 * Traffic generator and daemons share this machine's cores, so only the ratios of one run mean anything.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type LinkOptions, needsCarrier, SCHEMES, type Scheme } from '../test/support/carriers.ts';
import type { DaemonKind } from '../test/support/kind.ts';
import { needs, needsMesh, needsTool } from '../test/support/needs.ts';
import { describeMachine } from './net/machine.ts';
import { type Figures, measurePair, measureVeth, type Pace } from './net/measure.ts';
import { type Summary, short, summarise, table } from './net/statistics.ts';

type Pair = {
  readonly id: string;
  readonly kinds: readonly [DaemonKind, DaemonKind];
  readonly link?: LinkOptions;
};

const PAIRS: readonly Pair[] = [
  { id: 'yy', kinds: ['yggdrasil', 'yggdrasil'] },
  { id: 'rr', kinds: ['ratatosk', 'ratatosk'] },
  { id: 'ry', kinds: ['ratatosk', 'yggdrasil'] },
  { id: 'ru', kinds: ['ratatosk', 'ratatosk'], link: { scheme: 'udp' } },
];
const FULL: Pace = { tcpSeconds: 10, udpSeconds: 5, pings: 2000 };
const QUICK: Pace = { tcpSeconds: 3, udpSeconds: 2, pings: 500 };
const VETH_ROW = 'bare veth';
const REFERENCE_ROW = 'yggdrasil → yggdrasil';

/** Column, its member of `Figures`, and whether more is better. */
const COLUMNS: readonly (readonly [string, string, boolean])[] = [
  ['TCP Gbit/s', 'tcpGbitPerSecond', true],
  ['small kpps', 'smallKpps', true],
  ['RTT p50 ms', 'rttP50Ms', false],
  ['RTT p99 ms', 'rttP99Ms', false],
  ['CPU s/GB out', 'sendCpuSecondsPerGb', false],
  ['CPU s/GB in', 'receiveCpuSecondsPerGb', false],
  ['CPU µs/pkt out', 'sendCpuMicrosPerPacket', false],
  ['CPU µs/pkt in', 'receiveCpuMicrosPerPacket', false],
  ['RSS idle MiB', 'rssIdleMib', false],
  ['RSS peak MiB', 'rssPeakMib', false],
  ['start ms', 'startMs', false],
  ['join ms', 'joinMs', false],
];

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string', multiple: true },
    link: { type: 'string', default: 'tcp' },
    json: { type: 'string' },
  },
});
await main();

async function main(): Promise<void> {
  const pairs = PAIRS.filter(({ id }) => flags.only === undefined || flags.only.includes(id));
  const scheme = SCHEMES.find((name) => name === flags.link);
  const missing =
    scheme === undefined
      ? `--link: found ${flags.link}, expected ${SCHEMES.join(', ')}`
      : needsMesh(...pairs.flatMap(({ kinds }) => kinds)) || needs(needsTool('iperf3', 'ss'), needsCarrier(scheme));
  if (scheme === undefined || missing !== false) {
    process.stderr.write(`bench: ${missing}\n`);
    process.exitCode = 1;
    return;
  }
  const machine = await describeMachine();
  for (const [name, value] of Object.entries(machine)) process.stdout.write(`${name.padEnd(11)}${value}\n`);
  const rounds = Math.max(1, Number(flags.rounds ?? (flags.quick ? 2 : 5)));
  const samples = await runRounds(pairs, scheme, rounds, flags.quick ? QUICK : FULL);
  const rows = new Map([...samples].map(([row, list]) => [row, summariseRow(list)]));
  process.stdout.write(
    `\nMedians of ${rounds} rounds, (least–greatest), ratio to ${REFERENCE_ROW}: above 1 is better\n`,
  );
  process.stdout.write(shownFigures(rows));
  if (flags.json !== undefined) {
    const result = { machine, rounds, isQuick: flags.quick, rows: Object.fromEntries(rows) };
    writeFileSync(flags.json, `${JSON.stringify(result, undefined, 2)}\n`);
  }
}

async function runRounds(
  pairs: readonly Pair[],
  scheme: Scheme,
  rounds: number,
  pace: Pace,
): Promise<Map<string, Figures[]>> {
  const samples = new Map<string, Figures[]>();
  const keep = (row: string, figures: Figures | undefined) => {
    if (figures !== undefined) samples.set(row, [...(samples.get(row) ?? []), figures]);
  };
  const progress = (round: number, row: string) => (step: string) =>
    process.stderr.write(`round ${round + 1}/${rounds}  ${row}  ${step}\n`);
  for (let round = 0; round < rounds; round++) {
    keep(VETH_ROW, await measureVeth(pace, progress(round, VETH_ROW)));
    // Each round begins with another pair, so that none always runs on a warm or a tired machine.
    for (let i = 0; i < pairs.length; i++) {
      const pair = pairs[(i + round) % pairs.length];
      if (pair === undefined) continue;
      const [a, b] = pair.kinds;
      const over = pair.link === undefined ? '' : ` over ${pair.link.scheme}`;
      const link = pair.link ?? { scheme };
      const measured = await measurePair(pair.kinds, link, pace, progress(round, `${a} – ${b}${over}`));
      keep(`${a} → ${b}${over}`, measured.forth);
      keep(`${b} → ${a}${over}`, measured.back);
    }
  }
  return samples;
}

type Row = Record<string, Summary>;

function summariseRow(list: readonly Figures[]): Row {
  const names = Object.keys(list[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, summarise(list.map((figures) => figures[name] ?? Number.NaN))]));
}

/** A block for each figure: its rows, the spread, and the ratio to the reference. */
function shownFigures(rows: ReadonlyMap<string, Row>): string {
  const reference = rows.get(REFERENCE_ROW);
  const blocks = COLUMNS.map(([title, name, isMoreBetter]) => {
    const base = reference?.[name]?.median ?? Number.NaN;
    const lines = [...rows].map(([row, figures]) => {
      const value = figures[name];
      if (value === undefined || !Number.isFinite(value.median)) return undefined;
      const ratio = isMoreBetter ? value.median / base : base / value.median;
      const isCompared = row !== REFERENCE_ROW && row !== VETH_ROW && Number.isFinite(ratio);
      const spread = `(${short(value.min)}–${short(value.max)})`;
      return [`  ${row}`, short(value.median), spread, isCompared ? `${short(ratio)} x` : ''];
    });
    return `${title}\n${table(lines.filter((line) => line !== undefined))}`;
  });
  return blocks.join('');
}
