/**
 * What the radio link does on an emulated channel, in virtual time: cases A to H, medians over seeds, stop and wait beside them.
 * Nothing here depends on how fast this machine is: the same seed gives the same figures.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { command, numberOf, wrongUsage } from './command.ts';
import { short, summarise, table } from './net/statistics.ts';
import { FIGURES, type Figure, type Figures, GROUPS, isMet, type Trial } from './radio/trial.ts';
import { TRIALS } from './radio/trials.ts';

type Job = { readonly name: string; readonly seed: number };
type Outcome = { readonly name: string; readonly seed: number; readonly figures: Figures; readonly failure?: string };

type Flags = { only: string[]; seeds: string; jobs: string; json?: string };

const options = {
  only: { type: 'string', multiple: true, default: [''] as string[] },
  seeds: { type: 'string', default: '5' },
  jobs: { type: 'string', default: `${Math.min(availableParallelism(), 4)}` },
  json: { type: 'string' },
} as const;

if (isMainThread) {
  const usage = `bench:radio -- [--only TEXT]… [--seeds N] [--json FILE]

The radio link on an emulated channel, in virtual time, medians over seeds.
  --only TEXT   cases whose name holds it: ${[...new Set(TRIALS.map(({ name }) => name[0]))].join(' ')}
  --seeds N     5 unless told
  --jobs N      at the same time
  --json FILE   where the result goes`;
  await command({ usage, options, words: [0, 0], main });
} else parentPort?.on('message', (job: Job) => parentPort?.postMessage(perform(job)));

async function main(flags: Flags): Promise<void> {
  const chosen = TRIALS.filter(({ name }) => flags.only.some((text) => name.includes(text)));
  if (chosen.length === 0) throw wrongUsage(`--only: no case is named like '${flags.only.join("' or '")}'`);
  const seeds = Array.from({ length: numberOf('seeds', flags.seeds, 1, 1_000) }, (_, i) => i + 1);
  const outcomes = await performAll(
    chosen.flatMap(({ name }) => seeds.map((seed) => ({ name, seed }))),
    numberOf('jobs', flags.jobs, 1, 64),
  );
  process.stdout.write(report(chosen, outcomes));
  if (flags.json !== undefined)
    writeFileSync(flags.json, `${JSON.stringify(summaries(chosen, outcomes), undefined, 2)}\n`);
}

async function performAll(jobs: Job[], workers: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const all = jobs.length;
  const work = async (): Promise<void> => {
    const worker = new Worker(fileURLToPath(import.meta.url));
    try {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        worker.postMessage(job);
        const [outcome] = (await once(worker, 'message')) as [Outcome];
        outcomes.push(outcome);
        process.stderr.write(`${outcomes.length}/${all}  ${job.name}  seed ${job.seed}  ${outcome.failure ?? ''}\n`);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return outcomes;
}

function perform({ name, seed }: Job): Outcome {
  const trial = TRIALS.find((candidate) => candidate.name === name);
  try {
    return { name, seed, figures: trial?.run(seed) ?? {} };
  } catch (error) {
    return { name, seed, figures: {}, failure: error instanceof Error ? error.message : String(error) };
  }
}

function report(chosen: readonly Trial[], outcomes: readonly Outcome[]): string {
  const missed: string[] = [];
  const groups = [...new Set(chosen.map(({ name }) => name[0] as string))];
  const parts = groups.map((group) => {
    const trials = chosen.filter(({ name }) => name.startsWith(group));
    const columns = (Object.keys(FIGURES) as Figure[]).filter((figure) =>
      outcomes.some(({ name, figures }) => name.startsWith(group) && figures[figure] !== undefined),
    );
    const rows = trials.map((trial) => {
      const cells = columns.map((figure) => {
        const samples = samplesOf(outcomes, trial, figure);
        if (samples.length === 0) return '';
        const { median } = summarise(samples);
        const isMissed = trial.goals.some((goal) => goal.figure === figure && !isMet(goal, median));
        if (isMissed) missed.push(`${trial.name}: ${FIGURES[figure]} ${short(median)}`);
        return `${short(median)}${isMissed ? ' !' : ''}`;
      });
      const failures = outcomes.filter(({ name, failure }) => name === trial.name && failure !== undefined).length;
      if (failures > 0) missed.push(`${trial.name}: ${failures} runs failed`);
      return [trial.name, ...cells];
    });
    return `\n${group}  ${GROUPS[group]}\n${table([['', ...columns.map((figure) => FIGURES[figure])], ...rows])}`;
  });
  const end = missed.length === 0 ? 'every goal is met' : `missed:\n  ${missed.join('\n  ')}`;
  return `${parts.join('')}\n${end}\n`;
}

function summaries(chosen: readonly Trial[], outcomes: readonly Outcome[]): unknown {
  return chosen.map((trial) => ({
    name: trial.name,
    goals: trial.goals,
    figures: Object.fromEntries(
      (Object.keys(FIGURES) as Figure[])
        .map((figure) => [figure, samplesOf(outcomes, trial, figure)] as const)
        .filter(([, samples]) => samples.length > 0)
        .map(([figure, samples]) => [figure, summarise(samples)]),
    ),
  }));
}

function samplesOf(outcomes: readonly Outcome[], { name }: Trial, figure: Figure): number[] {
  return outcomes.flatMap((outcome) => {
    const value = outcome.name === name ? outcome.figures[figure] : undefined;
    return value === undefined ? [] : [value];
  });
}
