/** Two results of `bench:net` side by side: compare.js OLD.json NEW.json. Above 1 is better now; `~` where the spreads meet. */
import { readFileSync } from 'node:fs';
import { FIGURES, figureNames } from './net/figures.ts';
import { type Result, ratio } from './net/result.ts';
import { type Summary, short, table } from './net/statistics.ts';

const [oldFile, newFile] = process.argv.slice(2);
if (oldFile === undefined || newFile === undefined) {
  process.stderr.write('bench: expected two files: npm run bench:compare -- OLD.json NEW.json\n');
  process.exitCode = 2;
} else {
  process.stdout.write(compared(read(oldFile), read(newFile)));
}

function read(file: string): Result {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function compared(before: Result, now: Result): string {
  const machines = Object.keys({ ...before.machine, ...now.machine })
    .filter((name) => before.machine[name] !== now.machine[name])
    .map((name) => `${name.padEnd(13)}${before.machine[name] ?? '-'}  →  ${now.machine[name] ?? '-'}\n`);
  const blocks = figureNames().map((name) => {
    const lines = Object.entries(now.systems).flatMap(([id, system]) => {
      const old = before.systems[id]?.figures[name];
      const value = system.figures[name];
      if (old === undefined || value === undefined) return [];
      const times = ratio(value.median, old.median, FIGURES[name].isMoreBetter);
      return [
        [`  ${system.title}`, short(old.median), short(value.median), `${short(times)} x`, meet(old, value) ? '~' : ''],
      ];
    });
    return lines.length === 0 ? '' : `${FIGURES[name].title}\n${table(lines)}`;
  });
  return `${machines.join('')}\n${blocks.join('')}`;
}

function meet(x: Summary, y: Summary): boolean {
  return x.min <= y.max && y.min <= x.max;
}
