/** The terminal, by blessed: changed cells go out, keys come in, and it is left as it was found. */
import blessed from 'blessed';
import type { Canvas } from './canvas.ts';
import { type Look, PALETTES, type PaletteName, SELECTED, STYLES } from './theme.ts';

export type ScreenOptions = {
  readonly palette: PaletteName;
  /** `name` as blessed calls the key; `char` what it types. */
  readonly pressed: (name: string, char: string | undefined) => void;
  readonly resized: () => void;
};

const ESCAPE = '\u001b';
const DEFAULT_COLOUR = 0x1ff;
const BOLD = 1;
const INVERSE = 8;
/** A terminal that is pulled larger tells of each step. */
const RESIZE_MS = 30;
/** What follows Escape in the sequences of keys. */
const INTRODUCERS = `[ON${ESCAPE}`;
/** Whole screen to scroll, cursor where it is, no colours: whatever a resize has left. */
const CLEAN = `${ESCAPE}7${ESCAPE}[r${ESCAPE}8${ESCAPE}[m`;

export class TerminalScreen {
  readonly #screen: blessed.Widgets.Screen;
  readonly #attributes: readonly number[];
  #shown: Canvas | undefined;
  #isEnded = false;

  constructor({ palette, pressed, resized }: ScreenOptions) {
    this.#screen = openScreen();
    this.#attributes = attributesOf(palette);
    // A slow line brings Escape and the next keys at once: blessed takes that for Alt, or for nothing.
    let isSplit = false;
    process.stdin.prependListener('data', (chunk: Buffer | string) => {
      const [first, second, ...more] = [...chunk.toString()];
      isSplit = first === ESCAPE && second !== undefined && !INTRODUCERS.includes(second);
      if (!isSplit || second === undefined) return;
      pressed('escape', undefined);
      for (const char of [second, ...more]) pressed(keyOf(char), char);
    });
    this.#screen.on('keypress', (char: string | undefined, key: { name?: string; full?: string }) => {
      // Enter comes twice, under two names.
      if (!isSplit && key.name !== 'return') pressed(key.full ?? char ?? '', char);
    });
    this.#screen.on('resize', () => {
      this.#shown = undefined;
      resized();
    });
  }

  get width(): number {
    return Number(this.#screen.width);
  }

  get height(): number {
    return Number(this.#screen.height);
  }

  /** Blessed compares dirty lines with what the terminal shows; we spare it the lines that cannot differ. */
  show(canvas: Canvas): void {
    if (this.#isEnded) return;
    const before = this.#shown;
    const rows = Math.min(canvas.height, this.#screen.lines.length);
    for (let y = 0; y < rows; y++) this.#showRow(canvas, before, y);
    this.#shown = canvas;
    this.#screen.draw(0, this.#screen.lines.length - 1);
  }

  /** What others have written on the terminal goes. */
  redraw(): void {
    this.#shown = undefined;
    this.#screen.alloc();
  }

  /** To the shell, until `fg`. */
  suspend(resumed: () => void): void {
    this.#screen.program.sigtstp(() => {
      this.redraw();
      resumed();
    });
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#screen.destroy();
    process.stdout.write(CLEAN);
  }

  #showRow(canvas: Canvas, before: Canvas | undefined, y: number): void {
    const line = this.#screen.lines[y];
    if (line === undefined) return;
    const columns = Math.min(canvas.width, line.length);
    const start = y * canvas.width;
    const isSame = before?.width === canvas.width && before.height === canvas.height;
    for (let x = 0; x < columns; x++) {
      const at = start + x;
      const unit = canvas.units[at] as number;
      const style = canvas.styles[at] as number;
      if (isSame && unit === before.units[at] && style === before.styles[at]) continue;
      const cell = line[x];
      if (cell === undefined) continue;
      cell[0] = this.#attributes[style] as number;
      // Behind a wide character blessed expects a space.
      cell[1] = unit === 0 ? ' ' : String.fromCharCode(unit);
      line.dirty = true;
    }
  }
}

/**
 * Always the description of xterm-256color that blessed brings along: it cannot read the newer ones of this machine, gives
 * the console of Linux a character set that it does not have, and replaces what TERM=tmux-256color says in capabilities that
 * it does not know. All three understand what we send; colours and characters are chosen by us.
 */
function openScreen(): blessed.Widgets.Screen {
  blessed.tput.ipaths.length = 0;
  const screen = blessed.screen({
    terminal: 'xterm-256color',
    forceUnicode: true,
    fullUnicode: true,
    resizeTimeout: RESIZE_MS,
    warnings: false,
  });
  screen.tput.unicode = true;
  screen.tput.brokenACS = true;
  screen.program.hideCursor();
  return screen;
}

const NAMED_KEYS: Readonly<Record<string, string>> = {
  '\r': 'enter',
  '\t': 'tab',
  ' ': 'space',
  '\u007f': 'backspace',
};

/** As blessed calls it. */
function keyOf(char: string): string {
  return NAMED_KEYS[char] ?? (/[A-Z]/.test(char) ? `S-${char.toLowerCase()}` : char);
}

/** By the number of a style, with and without the mark of the selected row. */
function attributesOf(name: PaletteName): number[] {
  const { looks, selected } = PALETTES[name];
  const attributes: number[] = [];
  for (const [number, style] of STYLES.entries()) {
    attributes[number] = attributeOf(looks[style]);
    attributes[number | SELECTED] = attributeOf({ ...looks[style], ...selected });
  }
  return attributes;
}

function attributeOf({ fg = DEFAULT_COLOUR, bg = DEFAULT_COLOUR, isBold, isInverse }: Look): number {
  const flags = (isBold === true ? BOLD : 0) | (isInverse === true ? INVERSE : 0);
  return (flags << 18) | (fg << 9) | bg;
}
