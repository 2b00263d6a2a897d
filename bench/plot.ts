/** A result of `bench:net` as a picture: a panel for each figure, a bar for each system, a line for its spread. */
import { writeFileSync } from 'node:fs';
import { command } from './command.ts';
import { FIGURES, type FigureName, figureNames } from './net/figures.ts';
import { type Measured, type Result, readResult } from './net/result.ts';
import { short } from './net/statistics.ts';

const PANEL_WIDTH = 460;
const LABEL_WIDTH = 190;
const VALUE_WIDTH = 60;
const BAR = 14;
const GAP = 6;
const HEAD = 34;
const COLUMNS = 2;
const COLOURS = { ours: '#2b6cb0', other: '#a0aec0', spread: '#1a202c' };

await command({
  usage: `bench:plot -- RESULT.json OUT.svg

A result of bench:net as a picture.`,
  options: {},
  words: [2, 2],
  main: (_, [from = '', to = '']) => writeFileSync(to, drawn(readResult(from))),
});

function drawn({ machine, systems }: Result): string {
  const names = figureNames().filter((name) =>
    Object.values(systems).some(({ figures }) => figures[name] !== undefined),
  );
  const heights: number[] = Array(COLUMNS).fill(HEAD);
  const panels = names.map((name) => {
    const column = heights.indexOf(Math.min(...heights));
    const y = heights[column] ?? 0;
    const { text, height } = panel(name, Object.entries(systems));
    heights[column] = y + height;
    return `<g transform="translate(${column * PANEL_WIDTH + 10},${y})">${text}</g>\n`;
  });
  const size = `width="${COLUMNS * PANEL_WIDTH + 20}" height="${Math.max(...heights)}"`;
  const about = `ratatosk ${machine.ratatosk}, ${machine.processor}, ${machine.date}`;
  const style = '<style>text{font:11px sans-serif}.head{font-weight:bold}</style>';
  const ground = '<rect width="100%" height="100%" fill="white"/>';
  const title = `<text x="10" y="20" class="head">${escaped(about)}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${style}${ground}${title}\n${panels.join('')}</svg>\n`;
}

function panel(name: FigureName, systems: readonly (readonly [string, Measured])[]): { text: string; height: number } {
  const { title, isMoreBetter } = FIGURES[name];
  const bars = systems.flatMap(([id, { title: label, figures }]) => {
    const value = figures[name];
    return value === undefined ? [] : [{ label, value, isOurs: /^(stalled-)?(tcp|udp|tls|wss?|socks)\d?$/.test(id) }];
  });
  const most = Math.max(...bars.map(({ value }) => value.max), Number.MIN_VALUE);
  const width = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH - 20;
  const x = (value: number): string => (LABEL_WIDTH + (Math.max(0, value) / most) * width).toFixed(1);
  const lines = bars.map(({ label, value, isOurs }, i) => {
    const y = HEAD / 2 + i * (BAR + GAP);
    const middle = y + BAR / 2;
    const colour = isOurs ? COLOURS.ours : COLOURS.other;
    const long = (Number(x(value.median)) - LABEL_WIDTH).toFixed(1);
    return (
      `<text x="${LABEL_WIDTH - 6}" y="${middle + 4}" text-anchor="end">${escaped(label)}</text>` +
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${long}" height="${BAR}" fill="${colour}"/>` +
      `<path d="M${x(value.min)} ${middle}H${x(value.max)}" stroke="${COLOURS.spread}"/>` +
      `<text x="${Number(x(value.max)) + 5}" y="${middle + 4}">${short(value.median)}</text>`
    );
  });
  const head = `<text y="8" class="head">${escaped(title)} (${isMoreBetter ? 'more' : 'less'} is better)</text>`;
  return { text: head + lines.join(''), height: HEAD + bars.length * (BAR + GAP) };
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
