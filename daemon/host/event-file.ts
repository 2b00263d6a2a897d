/**
 * Events on disk, one JSON object a line, so that the last minutes before a crash can be read after it: `events.jsonl`, and
 * `events.1.jsonl`, which it becomes when it is full. Not needed to run: what cannot be written costs a warning.
 */
import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EVENT_KINDS, type Happening } from './events.ts';

const FILE_MAX_BYTES = 1024 * 1024;
const WRITE_AFTER_MS = 1_000;
const MODE = 0o600;

export class EventFile {
  readonly #folder: string;
  readonly #life: string;
  readonly #warn: (message: string) => void;
  #lines: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;
  #isBroken = false;

  /** `life` tells what is written now from what others have written before. */
  constructor(folder: string, life: string, warn: (message: string) => void) {
    this.#folder = folder;
    this.#life = life;
    this.#warn = warn;
    this.#bytes = sizeOf(this.#path);
  }

  /** What is there from earlier lives, the oldest first. What cannot be read is left out. */
  earlier(): Happening[] {
    const lines = [this.#olderPath, this.#path].flatMap(linesOf);
    return lines.flatMap((line) => happeningOf(line, this.#life));
  }

  /** Written within a second, all that came in it at once. */
  add({ unixMs, kind, level, text, fields }: Happening): void {
    if (this.#isBroken) return;
    this.#lines.push(
      `${JSON.stringify({ time: new Date(unixMs).toISOString(), life: this.#life, kind, level, text, fields })}\n`,
    );
    this.#timer ??= setTimeout(() => this.flush(), WRITE_AFTER_MS).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#lines.join('');
    this.#lines = [];
    if (text === '') return;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      if (this.#bytes > 0 && this.#bytes + text.length > FILE_MAX_BYTES) {
        renameSync(this.#path, this.#olderPath);
        this.#bytes = 0;
      }
      appendFileSync(this.#path, text, { mode: MODE });
      this.#bytes += Buffer.byteLength(text);
    } catch (error) {
      // Once: a full disk must not fill the log.
      this.#isBroken = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.#warn(`events are no longer kept in ${this.#path}: ${reason}`);
    }
  }

  get #path(): string {
    return join(this.#folder, 'events.jsonl');
  }

  get #olderPath(): string {
    return join(this.#folder, 'events.1.jsonl');
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** Nobody but us writes the file, but a crash or a full disk may have cut a line. */
function happeningOf(line: string, ownLife: string): Happening[] {
  try {
    const { time, life, kind, level, text, fields } = JSON.parse(line) as Record<string, unknown>;
    const unixMs = Date.parse(String(time));
    if (life === ownLife) return [];
    const isWhole = EVENT_KINDS.some((known) => known === kind) && typeof text === 'string' && unixMs > 0;
    if (!isWhole || typeof fields !== 'object' || fields === null) return [];
    return [{ seq: 0, unixMs, kind, level, text, fields } as Happening];
  } catch {
    return [];
  }
}
