/**
 * p-persistent channel access as KISS modems have it: while the channel is free, each slot begins a transmission with chance
 * (P + 1) / 256; then TXDELAY passes (radio reference, section 2.3; the KISS paper's CSMA).
 */
import type { Random } from '../../sim/random.ts';
import type { Clock } from './clock.ts';

export class Persistence {
  /** ms. */
  txDelayMs = 500;
  /** 0 to 255. */
  p = 63;
  slotMs = 100;
  isFullDuplex = false;
  /** It transmits after so long even into a busy channel. */
  patienceMs = Number.POSITIVE_INFINITY;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #isBusy: () => boolean;
  /** Voids what was begun before. */
  #turn = 0;

  constructor(clock: Clock, random: Random, isBusy: () => boolean) {
    this.#clock = clock;
    this.#random = random;
    this.#isBusy = isBusy;
  }

  /** Parameters as KISS gives them: commands 1 to 5. True: it was one. */
  set(command: number, value: number): boolean {
    if (command === 1) this.txDelayMs = value * 10;
    else if (command === 2) this.p = value;
    else if (command === 3) this.slotMs = value * 10;
    else if (command === 5) this.isFullDuplex = value !== 0;
    return command >= 1 && command <= 5;
  }

  acquire(granted: () => void): void {
    this.#try(++this.#turn, this.#clock.nowMs + this.patienceMs, granted);
  }

  cancel(): void {
    this.#turn++;
  }

  #try(turn: number, untilMs: number, granted: () => void): void {
    if (turn !== this.#turn) return;
    const mayStart = this.isFullDuplex || !this.#isBusy();
    if (this.#clock.nowMs >= untilMs || (mayStart && this.#random.chance((this.p + 1) / 256))) {
      this.#clock.after(this.txDelayMs, () => {
        if (turn === this.#turn) granted();
      });
    } else this.#clock.after(Math.max(this.slotMs, 1), () => this.#try(turn, untilMs, granted));
  }
}
