/** Results for people: one table of medians, as the README has it, and a block for each figure with spread and ratios. */
import { FIGURES, figureNames } from './figures.ts';
import { type Result, ratio } from './result.ts';
import { short, table } from './statistics.ts';

export function shownMachine(result: Result): string {
  const lines = Object.entries(result.machine).map(([name, value]) => `${name.padEnd(13)}${value}\n`);
  return `${lines.join('')}${'rounds'.padEnd(13)}${result.rounds} of ${result.seconds} s each\n`;
}

export function shownTable({ systems }: Result): string {
  const all = Object.values(systems);
  const columns = figureNames().filter((name) => all.some(({ figures }) => figures[name] !== undefined));
  const rows = [
    ['medians', ...columns.map((name) => FIGURES[name].title)],
    ['---', ...columns.map(() => '---')],
    ...all.map(({ title, figures }) => [title, ...columns.map((name) => short(figures[name]?.median ?? Number.NaN))]),
  ];
  return rows.map((row) => `| ${row.join(' | ')} |\n`).join('');
}

export function shownFigures({ systems }: Result): string {
  const blocks = figureNames().map((name) => {
    const { title, isMoreBetter } = FIGURES[name];
    const lines = Object.values(systems).flatMap((system) => {
      const value = system.figures[name];
      if (value === undefined) return [];
      const ratios = system.references.flatMap((id) => {
        const reference = systems[id]?.figures[name];
        return reference === undefined ? [] : [`${short(ratio(value.median, reference.median, isMoreBetter))} x ${id}`];
      });
      return [
        [`  ${system.title}`, short(value.median), `(${short(value.min)}–${short(value.max)})`, ratios.join(', ')],
      ];
    });
    return lines.length === 0 ? '' : `${title}\n${table(lines)}`;
  });
  const failed = Object.values(systems).filter(({ failures }) => failures > 0);
  return `${blocks.join('')}${failed.map(({ title, failures }) => `${title}: ${failures} rounds failed\n`).join('')}`;
}
