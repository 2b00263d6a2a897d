/**
 * A plain KISS TNC (radio reference, section 2.4): data in and out, a few parameters, no word of what becomes of a frame. When
 * it has left is reckoned from the rate that the user gives.
 */
import { AX25_HEADER, ax25Header, isAx25Ui } from '../wire/ax25.ts';
import { KissReader, kissFrame } from '../wire/kiss.ts';
import type { Dialect, DialectTools, Effect, ModemAir, ModemFacts } from './dialect.ts';
import type { TncOptions } from './modem-options.ts';

const FRAME_MAX = 2_048 + AX25_HEADER + 1;
const SILENCE_MS = { serial: 100, tcp: 1_500 };
/** From here on it is no radio to the link. */
const RADIO_BELOW = 30_000;
const MTU = { radio: 240, fast: 1_024 };
/** What TNCs surely hold. */
const BURST = { octets: 2_048, frames: 7 };
/** As TNCs have them unless told: 500 ms, 63 of 255, 100 ms. */
const DEFAULTS = { txDelay: 50, persistence: 63, slotTime: 10 };
const UNIT_MS = 10;
const MARGIN_MS = 200;
const TURNAROUND_MS = 100;

const DATA = 0x00;
const PARAMETERS: readonly [number, keyof TncOptions][] = [
  [0x01, 'txDelay'],
  [0x02, 'persistence'],
  [0x03, 'slotTime'],
];

export type KissOptions = {
  readonly tnc: TncOptions;
  readonly rate: number;
  readonly mtu: number | undefined;
  /** Frames go inside AX.25, as most TNCs want them, from this call. */
  readonly call: string | undefined;
  readonly isTcp: boolean;
};

export class Kiss implements Dialect {
  readonly effects: Effect[] = [];
  readonly #options: KissOptions;
  readonly #tools: DialectTools;
  readonly #reader: KissReader;
  readonly #header: Uint8Array;
  readonly #air: ModemAir;
  #frames = 0;
  #octets = 0;
  #sentAtMs = Number.POSITIVE_INFINITY;

  constructor(options: KissOptions, tools: DialectTools) {
    const { rate, call } = options;
    const { txDelay, persistence, slotTime } = { ...DEFAULTS, ...given(options.tnc) };
    this.#options = options;
    this.#tools = tools;
    this.#reader = new KissReader(FRAME_MAX, options.isTcp ? SILENCE_MS.tcp : SILENCE_MS.serial);
    this.#header = call === undefined ? new Uint8Array(0) : ax25Header(call);
    // A try in each slot, until chance lets it through; then the transmitter is keyed up.
    const tries = 256 / (persistence + 1);
    this.#air = {
      modulation: { kind: 'rate', bitsPerSecond: rate, frameMs: 0 },
      frameOverhead: this.#header.length,
      accessMs: (tries - 1) * slotTime * UNIT_MS + txDelay * UNIT_MS,
      sharesAccess: true,
      turnaroundMs: TURNAROUND_MS,
    };
  }

  start(): void {
    for (const [command, name] of PARAMETERS) {
      const value = this.#options.tnc[name];
      if (value !== undefined) this.effects.push({ kind: 'write', octets: kissFrame(command, Uint8Array.of(value)) });
    }
    const { rate, call } = this.#options;
    const isRadio = rate < RADIO_BELOW;
    const mtu = this.#options.mtu ?? (isRadio ? MTU.radio : MTU.fast);
    const about = `KISS TNC, ${rate} bit/s, frames of ${mtu} octets${call === undefined ? '' : ` in AX.25 from ${call}`}`;
    const air = isRadio ? this.#air : undefined;
    const facts: ModemFacts = { carrierClass: isRadio ? 'R' : 'S', mtu, air, about };
    this.effects.push({ kind: 'up', facts });
  }

  receive(octets: Uint8Array, nowMs: number): void {
    const { buffer } = this.#reader;
    const header = this.#header.length;
    this.#reader.push(octets, nowMs, (length) => {
      if (((buffer[0] as number) & 0x0f) !== DATA || length <= 1 + header) return;
      if (header > 0 && !isAx25Ui(buffer, 1)) return;
      this.effects.push({ kind: 'frame', octets: buffer.slice(1 + header, length), signal: undefined });
    });
  }

  send(frame: Uint8Array, nowMs: number): boolean {
    if (this.#frames >= BURST.frames || this.#octets + frame.length > BURST.octets) return false;
    const octets = new Uint8Array(this.#header.length + frame.length);
    octets.set(this.#header);
    octets.set(frame, this.#header.length);
    this.effects.push({ kind: 'write', octets: kissFrame(DATA, octets) });
    const airMs = this.#tools.airMs(this.#air, frame.length);
    if (this.#frames++ === 0) this.#sentAtMs = nowMs + this.#air.accessMs + MARGIN_MS;
    this.#octets += frame.length;
    this.#sentAtMs += airMs;
    return true;
  }

  deadline(): number {
    return this.#sentAtMs;
  }

  timer(nowMs: number): void {
    if (nowMs < this.#sentAtMs) return;
    this.#frames = 0;
    this.#octets = 0;
    this.#sentAtMs = Number.POSITIVE_INFINITY;
    this.effects.push({ kind: 'writable' });
  }

  stop(): void {}
}

function given(options: TncOptions): Partial<Record<keyof TncOptions, number>> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
