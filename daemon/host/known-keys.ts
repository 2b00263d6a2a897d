/**
 * Which nodes have spoken end-to-end sessions, from one start to the next: one line each, `KEY unixSeconds`, the least
 * recent first. Not needed to run: what cannot be read or written costs a second of waiting, or a warning.
 */
import { readFileSync } from 'node:fs';
import type { RouterSettings } from './commands.ts';
import { replaceSecretFile } from './secret-file.ts';

type Known = RouterSettings['e2eKnown'];

/** Section 4 of the security rules. */
const KEYS_MAX = 4_096;
const WRITE_AFTER_MS = 60_000;
const LINE = /^([0-9a-f]{64}) (\d{1,12})$/;

export class KnownKeysFile {
  readonly #path: string;
  readonly #warn: (message: string) => void;
  readonly #keys = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, warn: (message: string) => void) {
    this.#path = path;
    this.#warn = warn;
    for (const line of readLines(path)) {
      const [, key, seconds] = LINE.exec(line) ?? [];
      if (key !== undefined) this.#set(key, Number(seconds) * 1_000);
    }
  }

  get keys(): Known {
    return [...this.#keys].map(([hex, unixMs]) => ({ key: Uint8Array.from(Buffer.from(hex, 'hex')), unixMs }));
  }

  /** Written within a minute. */
  add(key: Uint8Array, unixMs: number): void {
    this.#set(Buffer.from(key).toString('hex'), unixMs);
    this.#writeLater();
  }

  delete(key: Uint8Array): void {
    if (this.#keys.delete(Buffer.from(key).toString('hex'))) this.#writeLater();
  }

  /** Writes what has not been written yet. */
  close(): void {
    if (this.#timer !== undefined) this.#write();
  }

  #set(hex: string, unixMs: number): void {
    this.#keys.delete(hex);
    this.#keys.set(hex, unixMs);
    if (this.#keys.size <= KEYS_MAX) return;
    for (const oldest of this.#keys.keys()) return void this.#keys.delete(oldest);
  }

  #writeLater(): void {
    this.#timer ??= setTimeout(() => this.#write(), WRITE_AFTER_MS).unref();
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = [...this.#keys].map(([hex, unixMs]) => `${hex} ${Math.floor(unixMs / 1_000)}\n`);
    try {
      replaceSecretFile(this.#path, lines.join(''));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#warn(`cannot keep ${this.#path}: after a restart, old acquaintances are asked again: ${reason}`);
    }
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n');
  } catch {
    return [];
  }
}
