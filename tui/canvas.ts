/**
 * A picture in character cells. What others chose (names, event texts, URIs) reaches a terminal only through here, and no
 * control character, bidirectional mark, combining mark or half of a pair can lie in a cell.
 */
import { SELECTED, STYLES, type Style } from './theme.ts';

export type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

const SPACE = 0x20;
const UNSHOWABLE = 0xb7;
/** The right half of a wide character. */
const TAIL = 0;

export class Canvas {
  readonly width: number;
  readonly height: number;
  /** UTF-16 units and numbers of styles, row after row. */
  readonly units: Uint16Array;
  readonly styles: Uint8Array;

  /** All that is not ASCII becomes `?`. */
  readonly #isAscii: boolean;

  constructor(width: number, height: number, isAscii = false) {
    this.#isAscii = isAscii;
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    this.units = new Uint16Array(this.width * this.height).fill(SPACE);
    this.styles = new Uint8Array(this.width * this.height);
  }

  /** Writes until `right` (not included), cutting with `…`; gives the column behind. */
  put(x: number, y: number, text: string, style: Style = 'plain', right = this.width): number {
    const end = Math.min(right, this.width);
    if (y < 0 || y >= this.height || x < 0 || x >= end) return x;
    const number = STYLES.indexOf(style);
    const start = y * this.width;
    for (let i = 0; i < text.length; i++) {
      const found = showable(text.charCodeAt(i), text, i);
      if (found === SKIP) continue;
      const unit = this.#isAscii && found >= 0x7f ? (found === CUT ? ASCII_CUT : QUESTION) : found;
      const columns = isWide(unit) ? 2 : 1;
      if (x + columns > end) {
        this.#set(start + end - 1, this.#isAscii ? ASCII_CUT : CUT, number);
        return end;
      }
      this.#set(start + x, unit, number);
      if (columns === 2) this.#set(start + x + 1, TAIL, number);
      x += columns;
    }
    return x;
  }

  /** Ends at column `right`, not included. */
  putRight(right: number, y: number, text: string, style: Style = 'plain', left = 0): void {
    this.put(Math.max(left, right - widthOf(text)), y, text, style, right);
  }

  fill({ x, y, width, height }: Box, style: Style, unit = SPACE): void {
    const number = STYLES.indexOf(style);
    for (let row = Math.max(0, y); row < Math.min(this.height, y + height); row++) {
      const from = row * this.width;
      this.units.fill(unit, from + x, from + Math.min(this.width, x + width));
      this.styles.fill(number, from + x, from + Math.min(this.width, x + width));
    }
  }

  /** Marks cells as those of the selected row; what is written on them stays. */
  select(x: number, y: number, width: number): void {
    const from = y * this.width;
    for (let at = from + x; at < from + Math.min(this.width, x + width); at++) {
      this.styles[at] = (this.styles[at] as number) | SELECTED;
    }
  }

  /** Without trailing spaces. */
  lines(): string[] {
    const lines: string[] = [];
    for (let y = 0; y < this.height; y++) {
      const row = this.units.subarray(y * this.width, (y + 1) * this.width);
      let line = '';
      for (const unit of row) if (unit !== TAIL) line += String.fromCharCode(unit);
      lines.push(line.trimEnd());
    }
    return lines;
  }

  #set(at: number, unit: number, style: number): void {
    this.units[at] = unit;
    this.styles[at] = style;
  }
}

const CUT = 0x2026;
const ASCII_CUT = 0x7e;
const QUESTION = 0x3f;
const SKIP = -1;

/** Columns that `put` takes for it. */
export function widthOf(text: string): number {
  let width = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= SPACE && unit < 0x7f) width++;
    else {
      const shown = showable(unit, text, i);
      if (shown !== SKIP) width += isWide(shown) ? 2 : 1;
    }
  }
  return width;
}

const NO_GLYPH = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{M}\u2028\u2029\u00ad\u115f\u1160\u3164\uffa0]/u;

function showable(unit: number, text: string, at: number): number {
  if (unit >= SPACE && unit < 0x7f) return unit;
  // Charts are most of what is not ASCII.
  if (unit >= 0x2500 && unit < 0x2900) return unit;
  if (unit >= 0xd800 && unit < 0xdc00 && isLow(text.charCodeAt(at + 1))) return SKIP;
  return NO_GLYPH.test(String.fromCharCode(unit)) ? UNSHOWABLE : unit;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

/** East Asian wide and fullwidth characters; those outside of the first plane are not shown at all. */
function isWide(unit: number): boolean {
  if (unit < 0x1100) return false;
  return (
    unit <= 0x115f ||
    (unit >= 0x2e80 && unit <= 0xa4cf && unit !== 0x303f) ||
    (unit >= 0xac00 && unit <= 0xd7a3) ||
    (unit >= 0xf900 && unit <= 0xfaff) ||
    (unit >= 0xfe30 && unit <= 0xfe6f) ||
    (unit >= 0xff00 && unit <= 0xff60) ||
    (unit >= 0xffe0 && unit <= 0xffe6)
  );
}

export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let used = 0;
  let kept = '';
  for (const char of text) {
    used += widthOf(char);
    if (used > width - 1) break;
    kept += char;
  }
  return `${kept}…`;
}

/** Long texts go on below themselves; a word longer than the line is broken. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    while (word.length > width) {
      if (line !== '') lines.push(line);
      line = '';
      lines.push(word.slice(0, width));
      word = word.slice(width);
    }
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}
