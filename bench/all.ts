/**
 * Everything that the data plane must show, in one run: all.js FOLDER [--rounds N] [--seconds N]
 *
 * Each group of `bench:net` leaves GROUP.json, GROUP.txt and GROUP.svg in the folder, and its goals on the output.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judged } from './net/goals.ts';

type Group = { readonly name: string; readonly only?: string; readonly against?: string; readonly rows?: string };

const GROUPS: readonly Group[] = [
  { name: 'table' },
  { name: 'line-of-four', only: 'tcp4,udp4', against: 'yggdrasil', rows: 'voice,http' },
  { name: 'bottleneck', only: 'tcp,udp', against: 'yggdrasil,wireguard-go', rows: 'shaped' },
  { name: 'stalled', only: 'tcp,udp,stalled-tcp,stalled-udp', against: '', rows: 'tcp' },
  { name: 'loss-free', only: 'tcp,udp', rows: 'lossfree' },
];

const { values: flags, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '5' } },
  allowPositionals: true,
});
const folder = positionals[0] ?? 'bench-results';
mkdirSync(folder, { recursive: true });
for (const group of GROUPS) runGroup(group);

function runGroup({ name, only, against, rows }: Group): void {
  const file = (ending: string): string => join(folder, `${name}.${ending}`);
  const options = { only, against, rows, ...flags, json: file('json') };
  const given = Object.entries(options).flatMap(([option, value]) =>
    value === undefined ? [] : [`--${option}=${value}`],
  );
  const { status, stdout } = script('net.js', given);
  writeFileSync(file('txt'), stdout);
  process.stdout.write(stdout);
  if (status !== 0) {
    process.exitCode = 1;
    return;
  }
  script('plot.js', [file('json'), file('svg')]);
  process.stdout.write(`\nGoals, ${name}\n${judged(JSON.parse(readFileSync(file('json'), 'utf8')))}\n`);
}

function script(name: string, args: readonly string[]): { status: number | null; stdout: string } {
  const line = [join(import.meta.dirname, name), ...args];
  return spawnSync(process.execPath, line, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
