/** A captured screen (text with the escape sequences of its colours, as `tmux capture-pane -e -p` prints it) as an SVG picture. */

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

/** Where a braille cell has the dots of its bits, in cells. */
const DOTS = [
  [0.12, 0.06],
  [0.12, 0.31],
  [0.12, 0.56],
  [0.62, 0.06],
  [0.62, 0.31],
  [0.62, 0.56],
  [0.12, 0.81],
  [0.62, 0.81],
] as const;

const ESCAPE = '\u001b';

type Look = { fg: string | undefined; bg: string | undefined; isBold: boolean; isInverse: boolean };
type Run = { readonly text: string; readonly x: number; readonly look: Look };

const PLAIN: Look = { fg: undefined, bg: undefined, isBold: false, isInverse: false };

export function svgOf(captured: string, title: string): string {
  const rows = rowsOf(captured);
  const columns = Math.max(...rows.map((runs) => runs.reduce((end, { x, text }) => Math.max(end, x + text.length), 0)));
  const width = round(columns * CELL_WIDTH + 2 * MARGIN);
  const height = rows.length * CELL_HEIGHT + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${BACKGROUND}"/>`,
    `<g font-family="${FONT}" font-size="14" xml:space="preserve" style="white-space:pre" fill="${FOREGROUND}">`,
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
        x += text.length;
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
  const box = `x="${columnAt(x)}" y="${MARGIN + y * CELL_HEIGHT}" width="${round(text.length * CELL_WIDTH)}" height="${CELL_HEIGHT}"`;
  return `<rect ${box} fill="${bg}"/>`;
}

function textOf({ text, x, look }: Run, y: number): string {
  const fg = look.isInverse ? (look.bg ?? BACKGROUND) : look.fg;
  let column = x;
  return (text.match(/[\u2800-\u28ff]+|[^\u2800-\u28ff]+/g) ?? [])
    .map((piece) => {
      const at = column;
      column += piece.length;
      return /^[\u2800-\u28ff]/.test(piece) ? dotsOf(piece, at, y, fg) : lettersOf(piece, at, y, fg, look.isBold);
    })
    .join('');
}

/** Braille, drawn: many fonts have none, or of another width. */
function dotsOf(text: string, x: number, y: number, fg: string | undefined): string {
  const dots = [...text].flatMap((cell, i) =>
    DOTS.flatMap(([column, row], bit) =>
      (((cell.codePointAt(0) ?? 0) >> bit) & 1) === 0
        ? []
        : `M${columnAt(x + i + column)} ${round(MARGIN + (y + row) * CELL_HEIGHT)}h2.4v2.4h-2.4z`,
    ),
  );
  return dots.length === 0 ? '' : `<path d="${dots.join('')}"${fg === undefined ? '' : ` fill="${fg}"`}/>`;
}

/** The length is given, so that a font of another width does not shift the columns. */
function lettersOf(text: string, x: number, y: number, fg: string | undefined, isBold: boolean): string {
  const start = text.length - text.trimStart().length;
  const shown = text.trim();
  if (shown === '') return '';
  const place = `x="${columnAt(x + start)}" y="${MARGIN + y * CELL_HEIGHT + 13.5}" textLength="${round(shown.length * CELL_WIDTH)}"`;
  const style = `${fg === undefined ? '' : ` fill="${fg}"`}${isBold ? ' font-weight="bold"' : ''}`;
  return `<text ${place} lengthAdjust="spacingAndGlyphs"${style}>${escaped(shown)}</text>`;
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
