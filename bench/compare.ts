/** Two results of `bench:net` side by side. */
import { command } from './command.ts';
import { FIGURES, figureNames } from './net/figures.ts';
import { type Result, ratio, readResult } from './net/result.ts';
import { type Summary, short, table } from './net/statistics.ts';

await command({
  usage: `bench:compare -- OLD.json NEW.json

Two results of bench:net side by side. Above 1 is better now; ~ where the
spreads meet.`,
  options: {},
  words: [2, 2],
  main: (_, [before = '', now = '']) => {
    process.stdout.write(compared(readResult(before), readResult(now)));
  },
});

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
