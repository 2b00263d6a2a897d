/** One direction of a cable between host and modem: its rate, and what goes wrong on it. */
import type { Random } from '../../sim/random.ts';
import type { Clock } from './clock.ts';

/** Chances of each octet. */
export type Noise = { readonly flip: number; readonly drop: number; readonly insert: number };

export type LineFacts = {
  /** Infinity: none. 8N1 at 115 200 Bd: 11.52. */
  readonly octetsPerMs: number;
  readonly delayMs: number;
  readonly noise: Noise;
  /** Octets that arrive at once at most. */
  readonly chunk: number;
};

export const CLEAN: Noise = { flip: 0, drop: 0, insert: 0 };

/** USB serial at 115 200 Bd. */
export const USB_SERIAL: LineFacts = { octetsPerMs: 11.52, delayMs: 1, noise: CLEAN, chunk: 64 };

export class OctetLine {
  facts: LineFacts;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #deliver: (octets: Uint8Array) => void;
  #freeAtMs = 0;
  /** On their way: real timers may overtake each other, octets do not. */
  readonly #parts: Uint8Array[] = [];
  /** Octets of these values that get lost next. */
  #doomed: number[] = [];

  constructor(clock: Clock, random: Random, deliver: (octets: Uint8Array) => void, facts: Partial<LineFacts> = {}) {
    this.#clock = clock;
    this.#random = random;
    this.#deliver = deliver;
    this.facts = { ...USB_SERIAL, ...facts };
  }

  write(octets: Uint8Array): void {
    const { chunk, octetsPerMs, delayMs } = this.facts;
    for (let at = 0; at < octets.length; at += chunk) {
      const part = octets.subarray(at, at + chunk);
      this.#freeAtMs = Math.max(this.#freeAtMs, this.#clock.nowMs) + part.length / octetsPerMs;
      this.#parts.push(this.#spoil(part));
      this.#clock.at(this.#freeAtMs + delayMs, () => this.#arrive());
    }
  }

  /** Nothing arrives for a while; it comes later. */
  stall(ms: number): void {
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#clock.nowMs) + ms;
  }

  /** The next octet of this value gets lost. */
  lose(octet: number): void {
    this.#doomed.push(octet);
  }

  #arrive(): void {
    const part = this.#parts.shift();
    if (part !== undefined && part.length > 0) this.#deliver(part);
  }

  #spoil(octets: Uint8Array): Uint8Array {
    const { flip, drop, insert } = this.facts.noise;
    const spoilt: number[] = [];
    for (const octet of octets) {
      const doomed = this.#doomed.indexOf(octet);
      if (doomed >= 0) this.#doomed.splice(doomed, 1);
      else if (!this.#random.chance(drop)) {
        spoilt.push(this.#random.chance(flip) ? octet ^ (1 << this.#random.below(8)) : octet);
      }
      if (this.#random.chance(insert)) spoilt.push(this.#random.below(256));
    }
    return Uint8Array.from(spoilt);
  }
}
