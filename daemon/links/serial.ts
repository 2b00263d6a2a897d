/**
 * A byte pipe: cable, RS-485, radio modules that pretend to be a cable. Frames are told apart by COBS (`wire/cobs.ts`). Nobody says
 * when octets have left, so that is reckoned from the rate.
 */
import { PipeReader, pipeSize, writePipeFrame } from '../wire/cobs.ts';
import type { Dialect, Effect, ModemAir, ModemFacts } from './dialect.ts';

/** Octets on a serial line: start and stop bit. */
const BITS_PER_OCTET = 10;
/** Slower pipes are radios to the link (link document, section 2). */
const RADIO_BELOW = 30_000;
/** A cable may be given so much ahead: the system's own delays must not leave it idle. */
const AHEAD_MS = 40;
/** Then the other end may have lost its place, and a zero of its own goes first. */
const IDLE_MS = 50;
/** Of a cable: what a frame should take at most, so that others wait no longer. */
const FRAME_MS = 50;
const MTU = { least: 500, most: 1_500 };
/** What modules of EBYTE and Waveshare send at once, less the code, CRC and zeros around a frame. */
const MODULE_MTU = 240 - 5;
/** Between the last octet of a packet and the next packet: the module, its carrier sense, and the way back. [D] */
const MODULE_MS = 50;

export type SerialOptions = {
  readonly baud: number;
  /** Bits per second behind the device, where they are fewer than those on the cable. */
  readonly rate: number | undefined;
  readonly mtu: number | undefined;
};

export class Serial implements Dialect {
  readonly effects: Effect[] = [];
  readonly #facts: ModemFacts;
  readonly #reader: PipeReader;
  readonly #octetMs: number;
  readonly #isRadio: boolean;
  /** When everything written has left. */
  #freeAtMs = Number.NEGATIVE_INFINITY;
  /** Somebody waits for `writable`. */
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor({ baud, rate, mtu }: SerialOptions) {
    const lineRate = (baud * 8) / BITS_PER_OCTET;
    const bitsPerSecond = Math.min(rate ?? lineRate, lineRate);
    this.#isRadio = (rate ?? baud) < RADIO_BELOW;
    this.#octetMs = 8_000 / bitsPerSecond;
    const cableMtu = Math.min(MTU.most, Math.max(MTU.least, Math.round(FRAME_MS / this.#octetMs)));
    const ownMtu = mtu ?? (this.#isRadio ? MODULE_MTU : cableMtu);
    const air: ModemAir = {
      modulation: { kind: 'rate', bitsPerSecond, frameMs: rate === undefined ? 0 : MODULE_MS },
      frameOverhead: pipeSize(ownMtu) + 1 - ownMtu,
      accessMs: 0,
      sharesAccess: false,
      turnaroundMs: rate === undefined ? 0 : MODULE_MS,
    };
    const about = `${baud} Bd 8N1${rate === undefined ? '' : `, ${rate} bit/s`}, frames of ${ownMtu} octets`;
    this.#facts = {
      carrierClass: this.#isRadio ? 'R' : 'S',
      mtu: ownMtu,
      air: this.#isRadio ? air : undefined,
      about,
    };
    this.#reader = new PipeReader(ownMtu);
  }

  /** Frames that came damaged. */
  get damaged(): number {
    return this.#reader.damaged;
  }

  start(): void {
    this.effects.push({ kind: 'up', facts: this.#facts });
  }

  receive(octets: Uint8Array): void {
    const { buffer } = this.#reader;
    this.#reader.push(octets, (length) => {
      this.effects.push({ kind: 'frame', octets: buffer.slice(0, length), signal: undefined });
    });
  }

  send(frame: Uint8Array, nowMs: number): boolean {
    const aheadMs = this.#isRadio ? 0 : AHEAD_MS;
    if (this.#freeAtMs > nowMs + aheadMs) {
      this.#wakeAtMs = this.#freeAtMs - aheadMs;
      return false;
    }
    const target = new Uint8Array(1 + pipeSize(frame.length));
    const isIdle = this.#isRadio || nowMs - this.#freeAtMs > IDLE_MS;
    const lead = isIdle ? 1 : 0;
    const length = lead + writePipeFrame(target, lead, frame, 0, frame.length);
    this.effects.push({ kind: 'write', octets: target.subarray(0, length) });
    const extraMs = this.#facts.air?.modulation.kind === 'rate' ? this.#facts.air.modulation.frameMs : 0;
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + length * this.#octetMs + extraMs;
    // Who sends by radio waits for the end of each burst, asked or not.
    if (this.#isRadio) this.#wakeAtMs = this.#freeAtMs;
    return true;
  }

  deadline(): number {
    return this.#wakeAtMs;
  }

  timer(nowMs: number): void {
    if (nowMs < this.#wakeAtMs) return;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.effects.push({ kind: 'writable' });
  }

  stop(): void {}
}
