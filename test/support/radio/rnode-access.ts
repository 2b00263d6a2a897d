/**
 * When an RNode transmits: its channel access (firmware 1.85, `tx_queue_handler` and `update_csma_parameters`; radio reference,
 * section 2.2). The medium free for two slots (DIFS), then a contention window that stands still while the medium is busy.
 *
 * What the firmware really does with the window: the moment from which it is counted is not cleared by a transmission. So the next
 * access counts all the time since the last one, and finds its window over when the DIFS is; only who notices a carrier
 * while it waits, DIFS begun, counts anew. Thus an RNode alone on its channel waits for little more than its DIFS,
 * and those whose queues filled while the medium was busy all begin one DIFS after its end. `mends` counts as it was meant to be.
 */
import { bitRate, symbolMs } from '../../../daemon/core/radio/air-time.ts';
import type { Modulation } from '../../../daemon/core/radio/facts.ts';
import type { Random } from '../../sim/random.ts';
import type { Clock } from './clock.ts';

const SLOT = { symbols: 12, mostMs: 100, leastMs: 24, fastLeastMs: 6, fastBitsPerSecond: 30_000 };
const DIFS_SLOTS = 2;

/** One access carries the whole queue up to this rate, above it one packet. */
const FLUSH_BITS_PER_SECOND = 14_000;

/** Windows: band n draws from 15 (n − 1) to 15 n − 2 slots, both included (`random` excludes its end). */
const BAND_SLOTS = 15;
const BANDS = 4;

/** Own air time, percent of the last two bins of 7.5 s: up to 7 the first band, then two more for 78. */
const FIRST_BAND_PERCENT = 7;
const BAND_SPAN_PERCENT = 78;

/** The main loop looks at the medium so often. */
const POLL_MS = 3;

type State =
  /** Nothing to send. */
  | { kind: 'idle' }
  /** For a free medium. */
  | { kind: 'waiting' }
  /** The DIFS and then the window run. */
  | { kind: 'counting'; difsUntilMs: number }
  | { kind: 'sending' };

export type AccessEvents = {
  isBusy(): boolean;
  /** Own air time of about 15 s, 0 to 1. */
  airtime(): number;
  /** The channel is ours; `over` is called when everything is sent. */
  granted(): void;
};

export class RnodeAccess {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #events: AccessEvents;
  readonly #mends: boolean;
  #slotMs = 0;
  #state: State = { kind: 'idle' };
  #windowMs: number | undefined;
  #passedMs = 0;
  /** Undefined: the window has not begun to count. */
  #countedSinceMs: number | undefined;
  /** What was armed before is void. */
  #armed = 0;

  constructor(clock: Clock, random: Random, events: AccessEvents, mends = false) {
    this.#clock = clock;
    this.#random = random;
    this.#events = events;
    this.#mends = mends;
  }

  tune(modulation: Modulation): void {
    this.#slotMs = slotMs(modulation);
  }

  /** There is something to send. */
  want(): void {
    if (this.#state.kind !== 'idle') return;
    this.#state = { kind: 'waiting' };
    this.#look();
  }

  /** The medium may have changed. */
  sensed(): void {
    if (this.#state.kind === 'waiting') return this.#look();
    if (this.#state.kind !== 'counting' || !this.#events.isBusy()) return;
    this.#count(this.#state.difsUntilMs);
    this.#countedSinceMs = undefined;
    this.#armed++;
    this.#state = { kind: 'waiting' };
  }

  /** Everything is sent. */
  over(): void {
    this.#state = { kind: 'idle' };
  }

  /** Switched off: nothing is waited for any more. */
  stop(): void {
    this.#armed++;
    this.#state = { kind: 'idle' };
  }

  #look(): void {
    this.#armed++;
    this.#windowMs ??= this.#drawWindow();
    if (this.#events.isBusy()) return;
    this.#state = { kind: 'counting', difsUntilMs: this.#clock.nowMs + DIFS_SLOTS * this.#slotMs };
    this.#arm(DIFS_SLOTS * this.#slotMs);
  }

  #arm(delayMs: number): void {
    const armed = ++this.#armed;
    this.#clock.after(delayMs + this.#random.between(0, POLL_MS), () => {
      if (armed === this.#armed) this.#advance();
    });
  }

  #advance(): void {
    if (this.#state.kind !== 'counting') return;
    if (this.#events.isBusy()) return this.sensed();
    this.#count(this.#state.difsUntilMs);
    const restMs = (this.#windowMs ?? 0) - this.#passedMs;
    if (restMs > 0) return this.#arm(restMs);
    this.#windowMs = undefined;
    this.#passedMs = 0;
    if (this.#mends) this.#countedSinceMs = undefined;
    this.#state = { kind: 'sending' };
    this.#events.granted();
  }

  /** The window counts from the end of the DIFS, or from whenever it was counted last. */
  #count(difsUntilMs: number): void {
    const { nowMs } = this.#clock;
    if (nowMs < difsUntilMs) return;
    this.#passedMs += nowMs - (this.#countedSinceMs ?? difsUntilMs);
    this.#countedSinceMs = nowMs;
  }

  #drawWindow(): number {
    const { least, most } = windowOf(bandOf(this.#events.airtime()));
    return this.#slotMs * (least + this.#random.below(most - least));
  }
}

/** The band of an own air time, a share of about 15 s. */
export function bandOf(airtime: number): number {
  const percent = Math.floor(airtime * 100);
  const rise = Math.floor((percent * 2) / BAND_SPAN_PERCENT);
  return percent <= FIRST_BAND_PERCENT ? 1 : Math.min(2 + rise, BANDS);
}

/** Slots, as the firmware reports them; it never draws the last. */
export function windowOf(band: number): { readonly least: number; readonly most: number } {
  return { least: (band - 1) * BAND_SLOTS, most: band * BAND_SLOTS - 1 };
}

export function slotMs(modulation: Modulation): number {
  const leastMs = bitRate(modulation) > SLOT.fastBitsPerSecond ? SLOT.fastLeastMs : SLOT.leastMs;
  if (modulation.kind === 'rate') return leastMs;
  return Math.min(Math.max(SLOT.symbols * symbolMs(modulation), leastMs), SLOT.mostMs);
}

export function difsMs(modulation: Modulation): number {
  return DIFS_SLOTS * slotMs(modulation);
}

/** The mean of a first-band window and the DIFS: what links reckon with. */
export function meanAccessMs(modulation: Modulation): number {
  return (DIFS_SLOTS + (BAND_SLOTS - 1) / 2) * slotMs(modulation);
}

export function flushesQueue(modulation: Modulation): boolean {
  return bitRate(modulation) <= FLUSH_BITS_PER_SECOND;
}
