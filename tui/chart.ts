/** Charts in character cells: braille (2 × 4 dots a cell), or columns of ASCII. Values from the oldest to the newest. */
import type { Box, Canvas } from './canvas.ts';
import type { Glyphs, Style } from './theme.ts';

const BRAILLE = 0x2800;
/** Bits of the dots of a column, from the lowest up. */
const LEFT = [0x40, 0x04, 0x02, 0x01] as const;
const RIGHT = [0x80, 0x20, 0x10, 0x08] as const;
const DOTS = 4;
const ASCII_LEVELS = ' .:|';

/** The value at the top: a round number not below the largest of `values`, and not below `least`. */
export function ceilingOf(values: Iterable<number>, least: number): number {
  let largest = least;
  for (const value of values) if (value > largest) largest = value;
  const unit = 10 ** Math.floor(Math.log10(largest));
  return ([1, 1.5, 2, 3, 5, 7.5, 10].find((step) => step * unit >= largest) ?? 10) * unit;
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

/** One line of it; ASCII has eight heights of letters nobody can read, so it has three. */
export function drawSpark(
  canvas: Canvas,
  x: number,
  y: number,
  width: number,
  values: Float32Array,
  style: Style,
  glyphs: Glyphs,
): void {
  drawArea(canvas, { x, y, width, height: 1 }, values, ceilingOf(values, 1), style, glyphs);
}

/** A share from 0 to 1 as a bar. */
export function gaugeText(share: number, width: number, { full, empty }: Glyphs): string {
  const filled = Math.max(0, Math.min(width, Math.round(share * width)));
  const shown = share > 0 && filled === 0 ? 1 : filled;
  return full.repeat(shown) + empty.repeat(width - shown);
}
