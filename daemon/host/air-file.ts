/**
 * What each radio has sent in the last hour, from one start to the next: one file for each ledger, so that it follows the device
 * and not the node. It is written before what it tells of is sent, and rarely (`core/radio/ledger.ts`).
 *
 * How long ago a record was made must never be overrated, or the hour would be longer than the law's. Within one run of the
 * system its own clock tells, which nobody sets. After another start of it, at least the time since that start has passed; more is
 * believed only of a machine whose wall clock runs on without power.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { AirMemory, AirRecord } from '../core/port.ts';
import { replaceSecretFile } from './secret-file.ts';

/** Moments by all clocks of a machine. */
export type Moment = {
  /** Of this run of the system; '' where it is not told. */
  readonly bootId: string;
  readonly uptimeMs: number;
  readonly unixMs: number;
};

export type MachineClocks = { now(): Moment; readonly keepsTimeWithoutPower: boolean };

/** Files of one folder: devices come and go. */
const FILES_MAX = 256;
/** Nothing in it counts any more. */
const FORGOTTEN_MS = 2 * 3_600_000;
const FILE = /^[0-9a-f]{32}$/;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const RTC = '/sys/class/rtc/rtc0';

const ms = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const airMs = z.int().min(0).max(3_600_000);
const fileSchema = z.object({
  ledger: z.string().min(1).max(8_192),
  minutesMs: z.array(airMs).max(61),
  intoMs: z.int().min(0).max(60_000),
  reserveMs: airMs,
  bootId: z.string().max(64),
  uptimeMs: ms,
  unixMs: ms,
});

export class AirFiles {
  readonly #folder: string;
  readonly #warn: (message: string) => void;
  readonly #clocks: MachineClocks;
  #hasWarned = false;

  constructor(folder: string, warn: (message: string) => void, clocks: MachineClocks = systemClocks()) {
    this.#folder = folder;
    this.#warn = warn;
    this.#clocks = clocks;
  }

  /** What is remembered, and how long ago it was at least. */
  memories(): AirMemory[] {
    const now = this.#clocks.now();
    const memories: AirMemory[] = [];
    for (const name of this.#names()) {
      const path = join(this.#folder, name);
      const file = readRecord(path);
      if (file === undefined) {
        this.#warn(`${path}: cannot be read: what its radio has sent in the last hour is not known`);
        continue;
      }
      const { bootId, uptimeMs, unixMs, ...record } = file;
      const elapsedMs = this.#elapsedMs({ bootId, uptimeMs, unixMs }, now);
      if (elapsedMs > FORGOTTEN_MS) rmSync(path, { force: true });
      else memories.push({ record, elapsedMs });
    }
    return memories;
  }

  write(record: AirRecord): void {
    const name = createHash('sha256').update(record.ledger).digest('hex').slice(0, 32);
    try {
      replaceSecretFile(join(this.#folder, name), `${JSON.stringify({ ...record, ...this.#clocks.now() })}\n`);
    } catch (error) {
      if (this.#hasWarned) return;
      this.#hasWarned = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.#warn(`after a restart nobody would know what ${record.ledger} has sent in the last hour: ${reason}`);
    }
  }

  #names(): string[] {
    try {
      const names = readdirSync(this.#folder).filter((name) => FILE.test(name));
      return names.slice(0, FILES_MAX);
    } catch {
      return [];
    }
  }

  #elapsedMs(then: Moment, now: Moment): number {
    const isKnown = then.bootId !== '' && now.bootId !== '';
    const mayBeSame = isKnown ? then.bootId === now.bootId : now.uptimeMs >= then.uptimeMs;
    if (mayBeSame) return Math.max(now.uptimeMs - then.uptimeMs, 0);
    const wallMs = this.#clocks.keepsTimeWithoutPower ? now.unixMs - then.unixMs : 0;
    return Math.max(now.uptimeMs, wallMs);
  }
}

function readRecord(path: string): (AirRecord & Moment) | undefined {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8').slice(0, 65_536)));
  } catch {
    return undefined;
  }
}

export function systemClocks(): MachineClocks {
  const bootId = readBootId();
  return {
    now: () => ({ bootId, uptimeMs: Math.floor(uptime() * 1_000), unixMs: Date.now() }),
    keepsTimeWithoutPower: existsSync(RTC),
  };
}

function readBootId(): string {
  try {
    return readFileSync(BOOT_ID, 'latin1').trim().slice(0, 64);
  } catch {
    return '';
  }
}
