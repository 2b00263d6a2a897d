/**
 * What the radio link does on an emulated channel, in virtual time: cases A to H, medians over seeds, stop and wait beside them.
 *
 *   radio.js [--only TEXT]… [--seeds N] [--jobs N] [--json FILE]
 *
 * Nothing here depends on how fast this machine is: the same seed gives the same figures.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { short, summarise, table } from './net/statistics.ts';
import { FIGURES, type Figure, type Figures, GROUPS, isMet, type Trial } from './radio/trial.ts';
import { TRIALS } from './radio/trials.ts';

type Job = { readonly name: string; readonly seed: number };
type Outcome = { readonly name: string; readonly seed: number; readonly figures: Figures; readonly failure?: string };

if (isMainThread) await main();
else parentPort?.on('message', (job: Job) => parentPort?.postMessage(perform(job)));

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [''] },
      seeds: { type: 'string', default: '5' },
      jobs: { type: 'string', default: `${Math.min(availableParallelism(), 4)}` },
      json: { type: 'string' },
    },
  });
  const chosen = TRIALS.filter(({ name }) => flags.only.some((text) => name.includes(text)));
  const seeds = Array.from({ length: Number(flags.seeds) }, (_, i) => i + 1);
  const outcomes = await performAll(
    chosen.flatMap(({ name }) => seeds.map((seed) => ({ name, seed }))),
    Number(flags.jobs),
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
