/** The dashboard as it runs: pushes and keys change the state, and the state is drawn when it has changed. */
import { channel } from 'node:diagnostics_channel';
import { closeSync, openSync, writeSync } from 'node:fs';
import { draw, pageOf } from './draw.ts';
import { type RunningErrand, runErrand } from './errand.ts';
import { type Effect, press } from './keys.ts';
import { Model } from './model.ts';
import { apply, type Entry } from './recording.ts';
import { TerminalScreen } from './screen.ts';
import { type Endpoint, Source } from './source.ts';
import { newUi, type Ui, type UiOptions } from './ui.ts';

export type DashboardOptions = UiOptions & {
  readonly from:
    | { readonly kind: 'daemon'; readonly endpoint: Endpoint; readonly intervalMs: number }
    /** `speed` 0: at once, and then it stands still. */
    | { readonly kind: 'recording'; readonly entries: readonly Entry[]; readonly speed: number };
  /** A new file. */
  readonly record: string | undefined;
  /** How a verb is run: what stands before its words, and behind them. */
  readonly verb: { readonly before: readonly string[]; readonly behind: readonly string[] };
};

/** Of each table: more than anybody walks through, less than a busy node has. */
const MOST_ROWS = 500;
/** Pushes of one moment come in several lines. */
const TOGETHER_MS = 40;
/** What changes by itself: ages, and charts that go on. */
const SECOND_MS = 1_000;

/** Tells benchmarks how long it took, in ms, to draw once: `bench/look`. */
const DRAWN = channel('ratatosk:drawn');

/** Until somebody quits; gives the exit code. */
export function runDashboard(options: DashboardOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const dashboard = new Dashboard(options, resolve, reject);
    dashboard.begin();
  });
}

class Dashboard {
  readonly #options: DashboardOptions;
  readonly #resolve: (code: number) => void;
  readonly #reject: (error: unknown) => void;
  readonly #model = new Model();
  readonly #ui: Ui;
  #screen: TerminalScreen | undefined;
  #source: Source | undefined;
  #errand: RunningErrand | undefined;
  #record: number | undefined;
  #drawTimer: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(options: DashboardOptions, resolve: (code: number) => void, reject: (error: unknown) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#ui = newUi(options);
  }

  begin(): void {
    const { record, from, palette } = this.#options;
    // It holds addresses: for us alone. A file that is there is not overwritten.
    if (record !== undefined) this.#record = openSync(record, 'wx', 0o600);
    this.#screen = new TerminalScreen({
      palette,
      pressed: (name, char) => this.#guarded(() => this.#pressed(name, char)),
      resized: () => this.#guarded(() => this.#draw()),
    });
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.once(signal, () => this.#end(0));
    process.once('uncaughtException', (error) => this.#fail(error));
    // The terminal has gone.
    process.stdout.on('error', () => this.#end(1));
    process.stdin.on('end', () => this.#end(0));
    this.#guarded(() => (from.kind === 'daemon' ? this.#follow(from) : this.#replay(from.entries, from.speed)));
    this.#guarded(() => this.#draw());
  }

  #follow({ endpoint, intervalMs }: { endpoint: Endpoint; intervalMs: number }): void {
    const told = (entry: Entry): void => this.#guarded(() => this.#take(entry));
    this.#source = new Source({ endpoint, intervalMs, most: MOST_ROWS, told });
    this.#timer = setInterval(() => {
      if (this.#drawTimer !== undefined) return;
      this.#guarded(() => {
        this.#model.advance(Date.now());
        this.#drawSoon();
      });
    }, SECOND_MS);
  }

  #replay(entries: readonly Entry[], speed: number): void {
    const [first] = entries;
    if (first === undefined) return;
    if (speed === 0) {
      for (const entry of entries) apply(this.#model, entry);
      return;
    }
    const startMs = performance.now();
    let next = 0;
    const step = (): void => {
      const nowMs = first.at + (performance.now() - startMs) * speed;
      for (let entry = entries[next]; entry !== undefined && entry.at <= nowMs; entry = entries[++next]) {
        apply(this.#model, entry);
      }
      const last = entries.at(-1);
      this.#model.advance(Math.min(nowMs, last?.at ?? nowMs));
      this.#drawSoon();
      if (next >= entries.length) clearInterval(this.#timer);
    };
    this.#timer = setInterval(() => this.#guarded(step), Math.max(TOGETHER_MS, Math.min(SECOND_MS, 250 / speed)));
    step();
  }

  #take(entry: Entry): void {
    if (this.#record !== undefined) writeSync(this.#record, `${JSON.stringify(entry)}\n`);
    apply(this.#model, entry);
    this.#drawSoon();
  }

  #pressed(name: string, char: string | undefined): void {
    const context = { model: this.#model, ui: this.#ui };
    this.#act(press(context, name, char, pageOf(this.#screen?.height ?? 24)));
    if (!this.#isEnded) this.#draw();
  }

  #act(effect: Effect | undefined): void {
    switch (effect?.kind) {
      case undefined:
        return;
      case 'quit':
        return this.#end(0);
      case 'redraw':
        return this.#screen?.redraw();
      case 'suspend':
        return this.#screen?.suspend(() => this.#guarded(() => this.#draw()));
      case 'stop':
        return this.#errand?.stop();
      case 'run':
        return this.#run(effect.words);
    }
  }

  #run(words: readonly string[]): void {
    this.#errand?.stop();
    const { before, behind } = this.#options.verb;
    const running = runErrand(before, words, behind, () => this.#drawSoon());
    this.#errand = running;
    this.#ui.mode = { kind: 'output', errand: running.errand, scroll: 0 };
  }

  #drawSoon(): void {
    this.#drawTimer ??= setTimeout(() => this.#guarded(() => this.#draw()), TOGETHER_MS);
  }

  #draw(): void {
    clearTimeout(this.#drawTimer);
    this.#drawTimer = undefined;
    const screen = this.#screen;
    if (screen === undefined || this.#isEnded) return;
    const startMs = performance.now();
    screen.show(draw({ model: this.#model, ui: this.#ui }, screen.width, screen.height));
    if (DRAWN.hasSubscribers) DRAWN.publish(performance.now() - startMs);
  }

  /** A fault of ours must not leave the terminal in a state that hides it. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #end(code: number): void {
    if (!this.#close()) return;
    this.#resolve(code);
  }

  #fail(error: unknown): void {
    if (!this.#close()) return;
    this.#reject(error);
  }

  #close(): boolean {
    if (this.#isEnded) return false;
    this.#isEnded = true;
    clearTimeout(this.#drawTimer);
    clearInterval(this.#timer);
    this.#source?.end();
    this.#errand?.stop();
    this.#screen?.end();
    if (this.#record !== undefined) closeSync(this.#record);
    return true;
  }
}
