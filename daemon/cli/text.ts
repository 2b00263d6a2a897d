/** Figures and columns as people read them, within 80 columns. */
import { printable } from '../host/printable.ts';

export const COLUMNS = 80;

/** `27 B`, `1.1 KB`; base 1024, as Yggdrasil's tool shows them. */
export function sizeText(octets: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = octets;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** The two largest parts: `3d 4h`, `12m 5s`, `7s`. */
export function durationText(seconds: number): string {
  let rest = Math.floor(seconds);
  const parts: string[] = [];
  for (const [unit, length] of [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0 || (unit === 's' && parts.length === 0)) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join(' ');
}

export function roundTripText(nanoseconds: number): string {
  const ms = nanoseconds / 1e6;
  return ms < 10 ? `${ms.toFixed(2)} ms` : `${ms.toFixed(0)} ms`;
}

export function cut(text: string, columns: number): string {
  const clean = printable(text);
  return clean.length <= columns ? clean : `${clean.slice(0, columns - 1)}…`;
}

/** Lines of at most so many columns; a word longer than that is broken. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
    for (; line.length > columns; line = line.slice(columns)) lines.push(line.slice(0, columns));
  }
  return [...lines, line];
}

/** Beside a label, which ends with its gap; what does not fit goes on below. A painted label takes `indent` columns. */
export function beside(label: string, text: string, indent = label.length): string[] {
  const gap = ' '.repeat(indent);
  return wrap(text, COLUMNS - indent).map((line, i) => `${i === 0 ? label : gap}${line}`);
}

/** Columns are as wide as their widest cell; the last takes what is left of the line. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  return [header, ...rows].map((row) => {
    const cells = row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)));
    return cut(cells.join('  ').trimEnd(), COLUMNS);
  });
}

export function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
