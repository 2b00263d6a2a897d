/**
 * Runs the tests: `node dist/test/run.js [--long] [PART-OF-A-FILE-NAME …]`, batch after batch. What computes takes as many
 * files at once as there are cores; what makes networks mostly waits, so it takes more, each in namespaces of its own; what
 * measures how fast or how smoothly traffic flows runs alone. One report and one summary for all, as `node --test` prints them.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const HERE = import.meta.dirname;
/** Of one file; a hang must not become the run's. Long tests have limits of their own. */
const FILE_LIMIT_MS = 5 * 60_000;

/** The long ones first, so that no core is idle at the end. */
const COMPUTES = ['sim', 'unit', 'hostile'];
const MAKES_NETWORKS = ['interop', 'net'];
/** Of those, what others on the same cores would falsify. */
const MEASURES = ['interop/bulk', 'interop/loss', 'net/bulk', 'net/hostile-beacon'];
const LONG = ['long'];

type Event = { type: string; data: EventData };
type EventData = { message?: string; nesting?: number; name?: string; file?: string; skip?: boolean | string };

const COUNTERS = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo'] as const;

async function main(isLong: boolean, filters: readonly string[]): Promise<number> {
  const pick = (folders: readonly string[]): string[] =>
    folders.flatMap((name) => testFiles(join(HERE, name), filters));
  const measures = (path: string): boolean => MEASURES.some((name) => path === join(HERE, `${name}.test.js`));
  const networks = pick(MAKES_NETWORKS);
  const batches = isLong
    ? [{ files: pick(LONG), concurrency: 1 }]
    : [
        { files: pick(COMPUTES), concurrency: 2 },
        { files: networks.filter((path) => !measures(path)), concurrency: 3 },
        { files: networks.filter(measures), concurrency: 1 },
      ];
  const total = new Total();
  const report = new PassThrough({ objectMode: true });
  const reporter = new spec();
  report.pipe(reporter).pipe(process.stdout, { end: false });
  for (const { files, concurrency } of batches) {
    if (files.length === 0) continue;
    const timeout = isLong ? Number.POSITIVE_INFINITY : FILE_LIMIT_MS;
    for await (const event of run({ files, concurrency, timeout }) as AsyncIterable<Event>) {
      if (!total.takes(event)) report.write(event);
    }
  }
  for (const message of total.lines()) report.write({ type: 'test:diagnostic', data: { nesting: 0, message } });
  report.end();
  await finished(reporter);
  return verdict(total);
}

/** Sums the summaries of several runs; they come as diagnostics of the outermost level. */
class Total {
  readonly counts = new Map<string, number>(COUNTERS.map((name) => [name, 0]));
  readonly skipped: string[] = [];
  readonly #startMs = performance.now();

  /** True if the event was a summary line, which is not to be printed. */
  takes({ type, data }: Event): boolean {
    if (type === 'test:pass' && isGap(data.skip)) this.skipped.push(skipText(data));
    // Newer Nodes tell their counts once more, in an event that only reporters of coverage need.
    if (type === 'test:summary') return true;
    if (type !== 'test:diagnostic' || data.nesting !== 0) return false;
    const [, name = '', count = '0'] = /^(\w+) ([\d.]+)$/.exec(data.message ?? '') ?? [];
    if (name === 'duration_ms') return true;
    const before = this.counts.get(name);
    if (before === undefined) return false;
    this.counts.set(name, before + Number(count));
    return true;
  }

  lines(): string[] {
    const counts = COUNTERS.map((name) => `${name} ${this.counts.get(name)}`);
    return [...counts, `duration_ms ${Math.round(performance.now() - this.#startMs)}`];
  }
}

/** Something could be installed so that the test runs; what a Node cannot do is another matter. */
function isGap(skip: EventData['skip']): boolean {
  return skip !== undefined && skip !== false && !(typeof skip === 'string' && skip.startsWith('this Node cannot '));
}

function verdict({ counts, skipped }: Total): number {
  const count = (name: string): number => counts.get(name) ?? 0;
  if (count('tests') === 0) return complain('no test has run');
  if (count('fail') + count('cancelled') > 0) return 1;
  if (process.env.CI !== 'true' || skipped.length === 0) return 0;
  return complain(`${skipped.length} tests were skipped, which none may be here:\n${skipped.join('\n')}`);
}

function complain(text: string): number {
  process.stdout.write(`${text}\n`);
  return 1;
}

function skipText({ name, file, skip }: EventData): string {
  const where = file === undefined ? '' : `${relative(HERE, file)}: `;
  return `  ${where}${name}${typeof skip === 'string' ? ` (${skip})` : ''}`;
}

function testFiles(folder: string, filters: readonly string[]): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.test.js')).map((name) => join(folder, name));
  return files.filter((path) => filters.length === 0 || filters.some((part) => path.includes(part))).sort();
}

// Last, because classes are not there before their line.
const args = process.argv.slice(2);
process.exitCode = await main(
  args.includes('--long'),
  args.filter((arg) => !arg.startsWith('--')),
);
