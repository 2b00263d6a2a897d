/** Everything that the data plane must show, in one run: groups of `bench:net`, each judged against its goals. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.ts';
import { judged } from './net/goals.ts';
import { readResult } from './net/result.ts';

type Group = { readonly name: string; readonly only?: string; readonly against?: string; readonly rows?: string };

const GROUPS: readonly Group[] = [
  { name: 'table' },
  { name: 'line-of-four', only: 'tcp4,udp4', against: 'yggdrasil', rows: 'voice,http' },
  { name: 'bottleneck', only: 'tcp,udp', against: 'yggdrasil,wireguard-go', rows: 'shaped' },
  { name: 'stalled', only: 'tcp,udp,stalled-tcp,stalled-udp', against: '', rows: 'tcp' },
  { name: 'loss-free', only: 'tcp,udp', rows: 'lossfree' },
];

await command({
  usage: `bench:all -- [FOLDER] [--rounds N] [--seconds N]

Everything that the data plane must show, in about an hour; needs root. Each
group of bench:net leaves GROUP.json, .txt and .svg in the folder
(bench-results unless told), and its goals on the output.`,
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '5' } },
  words: [0, 1],
  main: (flags, [folder = 'bench-results']) => {
    mkdirSync(folder, { recursive: true });
    for (const group of GROUPS) runGroup(folder, flags, group);
  },
});

function runGroup(folder: string, flags: { rounds: string; seconds: string }, group: Group): void {
  const { name, only, against, rows } = group;
  const file = (ending: string): string => join(folder, `${name}.${ending}`);
  const options = { only, against, rows, rounds: flags.rounds, seconds: flags.seconds, json: file('json') };
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
  process.stdout.write(`\nGoals, ${name}\n${judged(readResult(file('json')))}\n`);
}

function script(name: string, args: readonly string[]): { status: number | null; stdout: string } {
  const line = [join(import.meta.dirname, name), ...args];
  return spawnSync(process.execPath, line, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
