/**
 * Hosts in namespaces joined by veth, with daemons of several kinds on them, in alternating runs. Traffic generator and
 * daemons share this machine's cores, so only the ratios of one run mean anything.
 */
import { writeFileSync } from 'node:fs';
import { command, numberOf, wrongUsage } from './command.ts';
import { chooseSystems, OTHERS, OURS } from './net/choice.ts';
import type { Figures } from './net/figures.ts';
import type { System } from './net/host.ts';
import { describeMachine } from './net/machine.ts';
import { measure } from './net/measure.ts';
import { shownFigures, shownMachine, shownTable } from './net/report.ts';
import { digest, type Result } from './net/result.ts';
import { ROWS, type Row } from './net/rows.ts';
import { buildTraffic } from './net/traffic.ts';

const DEFAULT_ROWS = 'rtt,tcp,small,iperf,medium';

type Flags = {
  only: string;
  against: string;
  base?: string;
  rows: string;
  rounds: string;
  seconds: string;
  json?: string;
};

const options = {
  only: { type: 'string', default: OURS.join() },
  against: { type: 'string', default: OTHERS.join() },
  base: { type: 'string' },
  rows: { type: 'string', default: DEFAULT_ROWS },
  rounds: { type: 'string', default: '3' },
  seconds: { type: 'string', default: '5' },
  json: { type: 'string' },
} as const;

await command({
  usage: `bench:net -- [--rounds N] [--seconds N] [--json FILE] …

Hosts in namespaces, every system side by side; needs root. Lists have commas.
  --only WAYS        ${OURS.join(' ')}
                     (a digit: a line of so many hosts)
  --against SYSTEMS  ${OTHERS.join(' ')}
  --rows ROWS        ${Object.keys(ROWS).join(' ')}
                     (default: ${DEFAULT_ROWS})
  --rounds N         3 unless told
  --seconds N        of traffic a row; 5 unless told
  --base CHECKOUT    another built checkout, run beside this one
  --json FILE        where the result goes`,
  options,
  words: [0, 0],
  main,
});

async function main(flags: Flags): Promise<void> {
  const rows = chooseRows(words(flags.rows));
  const systems = chooseSystems(words(flags.only), words(flags.against), flags.base).filter(isHere);
  const rounds = numberOf('rounds', flags.rounds, 1, 1_000);
  const seconds = numberOf('seconds', flags.seconds, 1, 3_600);
  const problem = await buildTraffic();
  if (problem !== undefined) throw new Error(problem);
  const samples = await runRounds(systems, rows, rounds, seconds);
  const machine = await describeMachine();
  const measured = systems.map((system) => [system.id, digest(system, samples.get(system.id) ?? [])] as const);
  const result: Result = { machine, rounds, seconds, systems: Object.fromEntries(measured) };
  process.stdout.write(
    `${shownMachine(result)}\n${shownTable(result)}\nMedians (least–greatest), ratios: above 1 is better\n`,
  );
  process.stdout.write(shownFigures(result));
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(result, undefined, 2)}\n`);
}

function words(list: string): string[] {
  return list.split(',').filter((word) => word !== '');
}

function chooseRows(names: readonly string[]): Map<string, Row> {
  const rows = names.map((name): [string, Row] => {
    const row = ROWS[name];
    if (row === undefined) throw wrongUsage(`--rows: found ${name}, expected ${Object.keys(ROWS).join(', ')}`);
    return [name, row];
  });
  return new Map(rows);
}

/** What this machine lacks is left out, and said so. */
function isHere(system: System): boolean {
  const missing = system.missing();
  if (missing !== false) process.stdout.write(`left out: ${system.title}: ${missing}\n`);
  return missing === false;
}

async function runRounds(
  systems: readonly System[],
  rows: ReadonlyMap<string, Row>,
  rounds: number,
  seconds: number,
): Promise<Map<string, (Figures | undefined)[]>> {
  const samples = new Map<string, (Figures | undefined)[]>(systems.map(({ id }) => [id, []]));
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another system, so that none always runs on a warm or a tired machine.
    for (let i = 0; i < systems.length; i++) {
      const system = systems[(i + round) % systems.length];
      if (system === undefined) continue;
      const head = `round ${round + 1}/${rounds}  ${i + 1}/${systems.length}  ${system.title}`;
      const figures = await measureOnce(system, rows, seconds, head);
      samples.get(system.id)?.push(figures);
    }
  }
  return samples;
}

/** Undefined when it failed: one daemon that gives up does not end the run. */
async function measureOnce(
  system: System,
  rows: ReadonlyMap<string, Row>,
  seconds: number,
  head: string,
): Promise<Figures | undefined> {
  try {
    return await measure(system, rows, seconds, (step) => process.stderr.write(`${head}  ${step}\n`));
  } catch (error) {
    process.stderr.write(`${head}  failed: ${reasonOf(error)}\n`);
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message.split('\n').slice(0, 3).join(' ') : String(cause);
}
