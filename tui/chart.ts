/** Charts in character cells: braille (2 × 4 dots a cell), or columns of ASCII. Values from the oldest to the newest. */
import type { Box, Canvas } from './canvas.ts';
import type { Glyphs, Style } from './theme.ts';

const BRAILLE = 0x2800;
/** Bits of the dots of a column, from the lowest up. */
const LEFT = [0x40, 0x04, 0x02, 0x01] as const;
const RIGHT = [0x80, 0x20, 0x10, 0x08] as const;
const DOTS = 4;
const ASCII_LEVELS = ' .:|';

const STEPS = [1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1_000] as const;

/** The value at the top: a round number not below the largest of `values`, and not below `least`. */
export function ceilingOf(values: Iterable<number>, least: number, base: 1_000 | 1_024 = 1_000): number {
  let largest = least;
  for (const value of values) if (value > largest) largest = value;
  const unit = base ** Math.floor(Math.log(largest) / Math.log(base));
  return (STEPS.find((step) => step * unit >= largest) ?? base) * unit;
}

/** The latest values that the box has room for, the newest at the right; gaps (NaN) stay empty. `top` fills the box. */
export function drawArea(
  canvas: Canvas,
  box: Box,
  values: Float32Array,
  top: number,
  style: Style,
  glyphs: Glyphs,
  isHanging = false,
): void {
  const perCell = glyphs.isAscii ? 1 : 2;
  const shift = values.length - box.width * perCell;
  const levels = box.height * (glyphs.isAscii ? ASCII_LEVELS.length - 1 : DOTS);
  const levelAt = (index: number): number => {
    const value = values[index + shift];
    if (value === undefined || Number.isNaN(value)) return 0;
    // What is more than nothing shows.
    return value <= 0 ? 0 : Math.max(1, Math.min(levels, Math.round((value / top) * levels)));
  };
  for (let column = 0; column < box.width; column++) {
    const [left, right] = glyphs.isAscii ? [levelAt(column), 0] : [levelAt(column * 2), levelAt(column * 2 + 1)];
    for (let row = 0; row < box.height; row++) {
      const below = isHanging ? row : box.height - 1 - row;
      const char = glyphs.isAscii ? asciiCell(left, below) : brailleCell(left, right, below, isHanging);
      if (char !== ' ') canvas.put(box.x + column, box.y + row, char, style);
    }
  }
}

/** Only where the value is, for what is never near nothing; steps are joined. */
export function drawLine(
  canvas: Canvas,
  box: Box,
  values: Float32Array,
  top: number,
  style: Style,
  glyphs: Glyphs,
): void {
  if (glyphs.isAscii) return drawArea(canvas, box, values, top, style, glyphs);
  const shift = values.length - box.width * 2;
  const levels = box.height * DOTS;
  const cells = new Uint8Array(box.width * box.height);
  let before = -1;
  for (let column = 0; column < box.width * 2; column++) {
    const value = values[column + shift];
    if (value === undefined || Number.isNaN(value)) {
      before = -1;
      continue;
    }
    const level = Math.max(0, Math.min(levels - 1, Math.round((value / top) * (levels - 1))));
    const from = before < 0 ? level : before < level ? before + 1 : before > level ? before - 1 : level;
    const dots = column % 2 === 0 ? LEFT : RIGHT;
    for (let dot = Math.min(from, level); dot <= Math.max(from, level); dot++) {
      const at = (box.height - 1 - Math.floor(dot / DOTS)) * box.width + (column >> 1);
      cells[at] = (cells[at] as number) | (dots[dot % DOTS] as number);
    }
    before = level;
  }
  for (const [at, bits] of cells.entries()) {
    if (bits === 0) continue;
    canvas.put(
      box.x + (at % box.width),
      box.y + Math.floor(at / box.width),
      String.fromCharCode(BRAILLE + bits),
      style,
    );
  }
}

function asciiCell(level: number, below: number): string {
  const most = ASCII_LEVELS.length - 1;
  return ASCII_LEVELS[Math.max(0, Math.min(most, level - below * most))] as string;
}

function brailleCell(left: number, right: number, below: number, isHanging: boolean): string {
  const bits = bitsOf(LEFT, left - below * DOTS, isHanging) | bitsOf(RIGHT, right - below * DOTS, isHanging);
  return bits === 0 ? ' ' : String.fromCharCode(BRAILLE + bits);
}

function bitsOf(dots: readonly number[], level: number, isHanging: boolean): number {
  let bits = 0;
  for (let i = 0; i < Math.min(DOTS, level); i++) bits |= dots[isHanging ? DOTS - 1 - i : i] as number;
  return bits;
}

/** A share from 0 to 1 as a bar. */
export function gaugeText(share: number, width: number, { full, empty }: Glyphs): string {
  const filled = Math.max(0, Math.min(width, Math.round(share * width)));
  const shown = share > 0 && filled === 0 ? 1 : filled;
  return full.repeat(shown) + empty.repeat(width - shown);
}
