/**
 * Records that carry something and whose arrival is not known yet, and what of them must be sent again (link document, section 10).
 *
 *     sent ──RACK: came──▶ arrived
 *       └────RACK: missing, new keys──▶ lost ──put into another record──▶ sent, or after too many of them given up
 */
import type { Cargo, Message } from './cargo.ts';
import { lastCargoSize } from './cargo.ts';

/** Again at most; the control stream cannot go on without any of its octets, so only a broken peer sees the second number. */
const AGAIN_MAX = { message: 7, control: 40 };
/** Weight of one record in the share that arrives. */
const RECORD_WEIGHT = 1 / 32;

/** `first`: the counter that its burst begins with. */
type Flown = { readonly counter: number; readonly first: number; readonly cargo: readonly Cargo[] };

export type FlightPorts = {
  /** A piece of the control stream has come. */
  arrived(offset: number): void;
  /** A message has come that had a record's room. */
  delivered(message: Uint8Array): void;
  /** A message has been given up. */
  gaveUp(): void;
};

export class Flight {
  /** Of the records sent, smoothed. */
  deliveredShare = 1;
  /** One piece of the control stream was lost too often: the other side does not work. */
  isHopeless = false;
  readonly #ports: FlightPorts;
  #records: Flown[] = [];
  /** Lost, in the order of their first sending. */
  #again: Cargo[] = [];

  constructor(ports: FlightPorts) {
    this.#ports = ports;
  }

  /** Records whose arrival is not known. */
  get size(): number {
    return this.#records.length;
  }

  /** Octets of the frames under way. */
  get bytes(): number {
    let bytes = 0;
    for (const { cargo } of this.#records) for (const each of cargo) bytes += lastCargoSize(each);
    return bytes;
  }

  /** Something of this kind is to be sent again. */
  has(kind: Cargo['kind']): boolean {
    return this.#again.some((cargo) => cargo.kind === kind);
  }

  /** A record has been sealed, in a burst whose first record has the counter `first`. */
  add(counter: number, first: number, cargo: readonly Cargo[]): void {
    for (const each of cargo) each.sendings++;
    this.#records.push({ counter, first, cargo });
  }

  /**
   * `highest`: the low 16 bits; bit i of octet j of `bits[start..end)`: `highest` − 1 − (8j + i) has come. It says nothing about
   * bursts of which nothing had come when it was written: it may have waited in the modem while they were sent.
   */
  racked(highest: number, bits: Uint8Array, start: number, end: number): void {
    const left: Flown[] = [];
    for (const record of this.#records) {
      if (isBehind(highest, record.first)) left.push(record);
      else if (hasCome((highest - record.counter) & 0xffff, bits, start, end)) this.#arrive(record);
      else this.#lose(record);
    }
    this.#records = left;
  }

  /** Nobody will ever tell. */
  loseAll(): void {
    const records = this.#records;
    this.#records = [];
    for (const record of records) this.#lose(record);
  }

  /** Takes out the first of its kind that was lost, is still of use, and fits. */
  take(kind: Cargo['kind'], room: number, timeMs: number): Cargo | undefined {
    for (let i = 0; i < this.#again.length; i++) {
      const cargo = this.#again[i] as Cargo;
      if (cargo.kind !== kind) continue;
      if (cargo.kind !== 'control' && (cargo.message.isGivenUp || timeMs > cargo.message.untilMs)) {
        this.#again.splice(i--, 1);
        this.#giveUp(cargo.message);
      } else if (lastCargoSize(cargo) <= room) {
        this.#again.splice(i, 1);
        return cargo;
      }
    }
    return undefined;
  }

  #arrive({ cargo }: Flown): void {
    this.deliveredShare += (1 - this.deliveredShare) * RECORD_WEIGHT;
    for (const each of cargo) {
      if (each.kind === 'control') this.#ports.arrived(each.offset);
      if (each.kind === 'message') this.#ports.delivered(each.octets);
    }
  }

  #lose({ cargo }: Flown): void {
    this.deliveredShare -= this.deliveredShare * RECORD_WEIGHT;
    for (const each of cargo) {
      if (each.kind === 'control' && each.sendings > AGAIN_MAX.control) this.isHopeless = true;
      if (each.kind === 'control' || each.sendings <= AGAIN_MAX.message) this.#again.push(each);
      else this.#giveUp(each.message);
    }
  }

  #giveUp(message: Message): void {
    if (message.isGivenUp) return;
    message.isGivenUp = true;
    this.#ports.gaveUp();
  }
}

/** Of low 16 bits, the first is the older one. */
function isBehind(low: number, counter: number): boolean {
  return ((low - counter) & 0xffff) >= 0x8000;
}

/** `behind`: how far a counter is behind the highest; one that is ahead of it seems to be far behind. */
function hasCome(behind: number, bits: Uint8Array, start: number, end: number): boolean {
  if (behind === 0) return true;
  const at = start + ((behind - 1) >> 3);
  return at < end && ((bits[at] as number) & (1 << ((behind - 1) & 7))) !== 0;
}
