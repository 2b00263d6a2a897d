/** Styles by what they mean, their colours, and the signs of the dashboard in two alphabets. Colour never carries meaning alone. */

export const STYLES = [
  'plain',
  'dim',
  'strong',
  'title',
  'frame',
  'good',
  'warn',
  'bad',
  'accent',
  'in',
  'out',
  'time',
  'bar',
  'barDim',
  'barGood',
  'barWarn',
  'barBad',
  'tab',
  'key',
  'prompt',
] as const;
export type Style = (typeof STYLES)[number];

/** A bit beside a style's number: the cell is of the selected row. */
export const SELECTED = 0x80;

/** `fg` and `bg` are numbers of xterm's 256 colours; undefined is the terminal's own. */
export type Look = {
  readonly fg?: number;
  readonly bg?: number;
  readonly isBold?: boolean;
  readonly isInverse?: boolean;
};

export type Palette = { readonly looks: Readonly<Record<Style, Look>>; readonly selected: Look };

const BAR = 236;

/** Of middle lightness: they can be read on dark and on light backgrounds. */
const MANY: Palette = {
  looks: {
    plain: {},
    dim: { fg: 244 },
    strong: { isBold: true },
    title: { fg: 75, isBold: true },
    frame: { fg: 240 },
    good: { fg: 71 },
    warn: { fg: 178 },
    bad: { fg: 203, isBold: true },
    accent: { fg: 75 },
    in: { fg: 73 },
    out: { fg: 140 },
    time: { fg: 173 },
    bar: { fg: 255, bg: BAR, isBold: true },
    barDim: { fg: 249, bg: BAR },
    barGood: { fg: 114, bg: BAR },
    barWarn: { fg: 220, bg: BAR, isBold: true },
    barBad: { fg: 210, bg: BAR, isBold: true },
    tab: { fg: 255, bg: 25, isBold: true },
    key: { fg: 178, isBold: true },
    prompt: { fg: 220, isBold: true },
  },
  selected: { fg: 255, bg: 24 },
};

/** The text console of Linux has eight colours, and shows bold as bright. */
const EIGHT: Palette = {
  looks: {
    plain: {},
    dim: { fg: 6 },
    strong: { isBold: true },
    title: { fg: 6, isBold: true },
    frame: { fg: 4 },
    good: { fg: 2 },
    warn: { fg: 3 },
    bad: { fg: 1, isBold: true },
    accent: { fg: 6 },
    in: { fg: 6 },
    out: { fg: 5 },
    time: { fg: 3 },
    bar: { fg: 7, bg: 4, isBold: true },
    barDim: { fg: 7, bg: 4 },
    barGood: { fg: 2, bg: 4, isBold: true },
    barWarn: { fg: 3, bg: 4, isBold: true },
    barBad: { fg: 1, bg: 4, isBold: true },
    tab: { fg: 0, bg: 6 },
    key: { fg: 3, isBold: true },
    prompt: { fg: 3, isBold: true },
  },
  selected: { fg: 0, bg: 6 },
};

const NONE: Palette = {
  looks: {
    ...MANY.looks,
    ...Object.fromEntries(STYLES.map((style) => [style, {}])),
    strong: { isBold: true },
    title: { isBold: true },
    bad: { isBold: true },
    key: { isBold: true },
    bar: { isInverse: true },
    barDim: { isInverse: true },
    barGood: { isInverse: true },
    barWarn: { isInverse: true, isBold: true },
    barBad: { isInverse: true, isBold: true },
    tab: { isInverse: true, isBold: true },
    prompt: { isBold: true },
  },
  selected: { isInverse: true },
};

export const PALETTES = { many: MANY, eight: EIGHT, none: NONE } as const;
export type PaletteName = keyof typeof PALETTES;

export type Glyphs = {
  readonly isAscii: boolean;
  readonly up: string;
  readonly down: string;
  readonly warn: string;
  readonly waiting: string;
  readonly inward: string;
  readonly outward: string;
  readonly ascending: string;
  readonly descending: string;
  readonly pointer: string;
  readonly full: string;
  readonly empty: string;
  readonly more: string;
  readonly dot: string;
  /** Corners from the top left on, clockwise; horizontal, vertical. */
  readonly frame: readonly [string, string, string, string, string, string];
  /** For a tree: a child, the last child, what goes on. */
  readonly branch: readonly [string, string, string];
};

export const UNICODE: Glyphs = {
  isAscii: false,
  up: '●',
  down: '○',
  warn: '▲',
  waiting: '◌',
  inward: '↓',
  outward: '↑',
  ascending: '▴',
  descending: '▾',
  pointer: '▸',
  full: '█',
  empty: '░',
  more: '…',
  dot: '·',
  frame: ['╭', '╮', '╯', '╰', '─', '│'],
  branch: ['├─', '╰─', '│ '],
};

export const ASCII: Glyphs = {
  isAscii: true,
  up: '*',
  down: 'o',
  warn: '!',
  waiting: '.',
  inward: 'v',
  outward: '^',
  ascending: '^',
  descending: 'v',
  pointer: '>',
  full: '#',
  empty: '.',
  more: '...',
  dot: '-',
  frame: ['+', '+', '+', '+', '-', '|'],
  branch: ['|-', '`-', '| '],
};
