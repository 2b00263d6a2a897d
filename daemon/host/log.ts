/** The log: one line an event, for people or, with `--log-json`, for machines. */
import { createRequire } from 'node:module';
import type { Logger, pino } from 'pino';
import type { EventKind } from './events.ts';
import { printable } from './printable.ts';
import { Throttle } from './throttle.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';
export const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error'];
export type Fields = Readonly<Record<string, string | number>>;

export type LogOptions = {
  readonly level: Level;
  readonly isJson: boolean;
  readonly write: (line: string) => void;
  /** How lines for people begin: not at all (the journal has its own time), the time of day, or date and time. */
  readonly stamp: 'none' | 'time' | 'date';
  readonly hasColour: boolean;
  readonly monotonicMs: () => number;
  readonly unixMs: () => number;
};

export class Log {
  readonly #throttle = new Throttle();
  readonly #options: LogOptions;
  /** What is below is not written; it may change. */
  level: Level;
  readonly #json: Logger | undefined;

  /** Sees every line, also those that are not written: `about` tells of what kind it is. */
  observe: (about: EventKind, level: Level, message: string, fields: Fields) => void = () => undefined;

  constructor(options: LogOptions) {
    this.#options = options;
    this.level = options.level;
    if (!options.isJson) return;
    const timestamp = (): string => `,"time":"${new Date(options.unixMs()).toISOString()}"`;
    const formatters = { level: (level: string) => ({ level }) };
    const settings = { level: 'debug', base: null, messageKey: 'message', timestamp, formatters };
    // Loaded only where it is used: it takes as long as everything else a start needs of this folder.
    const load = createRequire(import.meta.url)('pino') as { pino: typeof pino };
    this.#json = load.pino(settings, { write: options.write });
  }

  get dropped(): number {
    return this.#throttle.dropped;
  }

  debug(message: string, fields: Fields = {}, about?: EventKind): void {
    this.line('debug', message, fields, about);
  }

  info(message: string, fields: Fields = {}, about?: EventKind): void {
    this.line('info', message, fields, about);
  }

  warn(message: string, fields: Fields = {}, about?: EventKind): void {
    this.line('warn', message, fields, about);
  }

  error(message: string, fields: Fields = {}, about?: EventKind): void {
    this.line('error', message, fields, about);
  }

  /** An event and no line: of what strangers can cause. */
  record(level: Level, message: string, fields: Fields, about: EventKind): void {
    this.observe(about, level, message, fields);
  }

  /**
   * A field `reason` makes the line one of a kind: of lines with the same message, reason and `peer` (a configured one,
   * never a name that a stranger chose) one is written in 10 s.
   */
  line(level: Level, message: string, fields: Fields = {}, about: EventKind = 'daemon'): void {
    this.observe(about, level, message, fields);
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.level)) return;
    const { reason, peer } = fields;
    const key = reason === undefined ? undefined : `${message}\n${reason}\n${peer ?? ''}`;
    const leftOut = this.#throttle.admit(key, this.#options.monotonicMs());
    if (leftOut === undefined) return;
    const shown = leftOut === 0 ? fields : { ...fields, leftOut };
    if (this.#json !== undefined) this.#json[level](shown, message);
    else this.#options.write(`${this.#plain(level, message, shown)}\n`);
  }

  #plain(level: Level, message: string, fields: Fields): string {
    const stamp = stampText(this.#options.stamp, this.#options.unixMs());
    const mark = level === 'info' ? '' : `${this.#options.hasColour ? coloured(level) : level}: `;
    const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${quoted(String(value))}`);
    return `${stamp}${mark}${printable(message)}${rest.join('')}`;
  }
}

function quoted(value: string): string {
  const clean = printable(value);
  return /^[^\s"=]+$/.test(clean) ? clean : JSON.stringify(clean);
}

function coloured(level: Level): string {
  const colour = { debug: 90, info: 0, warn: 33, error: 31 }[level];
  return `\u001b[${colour}m${level}\u001b[0m`;
}

function stampText(kind: LogOptions['stamp'], unixMs: number): string {
  if (kind === 'none') return '';
  const time = new Date(unixMs);
  if (kind === 'date') return `${time.toISOString()} `;
  return `${[time.getHours(), time.getMinutes(), time.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':')} `;
}
