/** A captured screen (text with the escape sequences of its colours, as `tmux capture-pane -e -p` prints it) as an SVG picture. */

import { widthOf } from './canvas.ts';

const CELL_WIDTH = 8.4;
const CELL_HEIGHT = 18;
const MARGIN = 14;
const BACKGROUND = '#14181f';
const FOREGROUND = '#d5dae2';
const FONT = "'DejaVu Sans Mono','Cascadia Mono','SF Mono',Menlo,Consolas,'Liberation Mono',monospace";

/** The first sixteen of the 256 colours. */
const NAMED = [
  '#1b2029',
  '#e05561',
  '#8cc265',
  '#d6a541',
  '#4aa5f0',
  '#c162de',
  '#42b3c2',
  '#c8ced8',
  '#5c6675',
  '#ff616e',
  '#a5e075',
  '#f0c05c',
  '#4dc4ff',
  '#de73ff',
  '#4cd1e0',
  '#ffffff',
] as const;

const ESCAPE = '\u001b';

type Look = { fg: string | undefined; bg: string | undefined; isBold: boolean; isInverse: boolean };
type Run = { readonly text: string; readonly x: number; readonly look: Look };

const PLAIN: Look = { fg: undefined, bg: undefined, isBold: false, isInverse: false };

export function svgOf(captured: string, title: string): string {
  const rows = rowsOf(captured);
  const columns = Math.max(
    ...rows.map((runs) => runs.reduce((end, { x, text }) => Math.max(end, x + widthOf(text)), 0)),
  );
  const width = round(columns * CELL_WIDTH + 2 * MARGIN);
  const height = rows.length * CELL_HEIGHT + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${BACKGROUND}"/>`,
    `<g font-family="${FONT}" font-size="14" fill="${FOREGROUND}">`,
    ...rows.flatMap((runs, y) => [...runs.map((run) => backgroundOf(run, y)), ...runs.map((run) => textOf(run, y))]),
    '</g>',
    '</svg>',
    '',
  ]
    .filter((line, i, all) => line !== '' || i === all.length - 1)
    .join('\n');
}

/** Pieces of one look each; a look goes on in the next row. */
function rowsOf(captured: string): Run[][] {
  let look = PLAIN;
  return captured
    .trimEnd()
    .split('\n')
    .map((line) => {
      const runs: Run[] = [];
      let x = 0;
      for (const [i, piece] of line.split(`${ESCAPE}[`).entries()) {
        const codes = i === 0 ? undefined : /^([\d;]*)m/.exec(piece);
        if (codes) look = lookAfter(look, codes[1] ?? '');
        const text = codes ? piece.slice(codes[0].length) : piece;
        if (text !== '') runs.push({ text, x, look });
        x += widthOf(text);
      }
      return runs;
    });
}

function lookAfter(before: Look, codes: string): Look {
  const look = { ...before };
  const numbers = codes.split(';').map(Number);
  for (let i = 0; i < numbers.length; i++) {
    const code = numbers[i] as number;
    if (code === 0) Object.assign(look, PLAIN);
    else if (code === 1) look.isBold = true;
    else if (code === 7) look.isInverse = true;
    else if (code === 27) look.isInverse = false;
    else if (code === 39) look.fg = undefined;
    else if (code === 49) look.bg = undefined;
    else if (code === 38 || code === 48) {
      const colour = colourOf(numbers[i + 2] ?? 0);
      if (code === 38) look.fg = colour;
      else look.bg = colour;
      i += 2;
    } else if (code >= 30 && code < 38) look.fg = NAMED[code - 30];
    else if (code >= 40 && code < 48) look.bg = NAMED[code - 40];
    else if (code >= 90 && code < 98) look.fg = NAMED[code - 82];
  }
  return look;
}

/** Of xterm's 256: named ones, a cube of six steps, greys. */
function colourOf(number: number): string {
  const named = NAMED[number];
  if (named !== undefined) return named;
  if (number >= 232)
    return hex([8 + 10 * (number - 232)])
      .repeat(3)
      .replace(/^/, '#');
  const cube = number - 16;
  const step = (level: number): number => (level === 0 ? 0 : 55 + 40 * level);
  return `#${hex([step(Math.floor(cube / 36)), step(Math.floor(cube / 6) % 6), step(cube % 6)])}`;
}

function hex(values: readonly number[]): string {
  return values.map((value) => value.toString(16).padStart(2, '0')).join('');
}

function backgroundOf({ text, x, look }: Run, y: number): string {
  const bg = look.isInverse ? (look.fg ?? FOREGROUND) : look.bg;
  if (bg === undefined) return '';
  const box = `x="${columnAt(x)}" y="${MARGIN + y * CELL_HEIGHT}" width="${round(widthOf(text) * CELL_WIDTH)}" height="${CELL_HEIGHT}"`;
  return `<rect ${box} fill="${bg}"/>`;
}

/** Charts, frames and bars are drawn, since fonts disagree about them; the rest is text, whose length is given, so that no font shifts the columns. */
function textOf({ text, x, look }: Run, y: number): string {
  const fg = (look.isInverse ? (look.bg ?? BACKGROUND) : look.fg) ?? FOREGROUND;
  const cells = [...text];
  const strokes = cells.map((char, i) => strokeOf(char, columnAt(x + i), MARGIN + y * CELL_HEIGHT)).join('');
  const dots = cells.map((char, i) => dotsOf(char, columnAt(x + i), MARGIN + y * CELL_HEIGHT)).join('');
  const parts: string[] = [];
  if (strokes !== '') parts.push(`<path d="${strokes}" stroke="${fg}" fill="none"/>`);
  if (dots !== '') parts.push(`<path d="${dots}" fill="${fg}"/>`);
  const style = `${fg === FOREGROUND ? '' : ` fill="${fg}"`}${look.isBold ? ' font-weight="bold"' : ''}`;
  // Words apart by more than a space stand for themselves.
  for (const { 0: word, index = 0 } of wordsOf(text)) {
    const place = `x="${columnAt(x + widthOf(text.slice(0, index)))}" y="${MARGIN + y * CELL_HEIGHT + 13.5}"`;
    parts.push(`<text ${place} textLength="${round(widthOf(word) * CELL_WIDTH)}"${style}>${escaped(word)}</text>`);
  }
  return parts.join('');
}

function wordsOf(text: string): RegExpMatchArray[] {
  return [...text.replace(DRAWN, ' ').matchAll(/\S+(?: \S+)*/g)];
}

/** Box drawing, blocks, braille. */
const DRAWN = /[\u2500-\u259f\u2800-\u28ff]/g;

/** Lines of frames and trees, through the middle of the cell. */
function strokeOf(char: string, x: number, y: number): string {
  const [right, bottom] = [round(x + CELL_WIDTH), y + CELL_HEIGHT];
  const [middle, centre] = [round(x + CELL_WIDTH / 2), y + CELL_HEIGHT / 2];
  switch (char) {
    case '─':
      return `M${x} ${centre}H${right}`;
    case '│':
      return `M${middle} ${y}V${bottom}`;
    case '├':
      return `M${middle} ${y}V${bottom}M${middle} ${centre}H${right}`;
    case '╭':
      return `M${middle} ${bottom}Q${middle} ${centre} ${right} ${centre}`;
    case '╮':
      return `M${x} ${centre}Q${middle} ${centre} ${middle} ${bottom}`;
    case '╯':
      return `M${middle} ${y}Q${middle} ${centre} ${x} ${centre}`;
    case '╰':
      return `M${middle} ${y}Q${middle} ${centre} ${right} ${centre}`;
    default:
      return '';
  }
}

/** Where a braille cell has the dots of its bits: column, row. */
const BRAILLE_DOTS = [
  [0, 0],
  [0, 1],
  [0, 2],
  [1, 0],
  [1, 1],
  [1, 2],
  [0, 3],
  [1, 3],
] as const;
const DOT = 2.6;

function dotsOf(char: string, x: number, y: number): string {
  if (char === '█') return `M${x} ${y + 3}h${CELL_WIDTH}v12h-${CELL_WIDTH}z`;
  if (char === '░') return `M${x} ${y + 8}h${CELL_WIDTH}v2h-${CELL_WIDTH}z`;
  const bits = char.charCodeAt(0) - 0x2800;
  if (bits < 0 || bits > 0xff) return '';
  return BRAILLE_DOTS.filter((_, bit) => ((bits >> bit) & 1) !== 0)
    .map(([column, row]) => {
      const left = round(x + 0.8 + (column * CELL_WIDTH) / 2);
      return `M${left} ${round(y + 1 + (row * CELL_HEIGHT) / 4)}h${DOT}v${DOT}h-${DOT}z`;
    })
    .join('');
}

function columnAt(x: number): number {
  return round(MARGIN + x * CELL_WIDTH);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
