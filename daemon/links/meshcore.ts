/**
 * The MeshCore KISS modem (radio reference, section 2.3): KISS data, one packet at a time, and an extension of its own behind
 * SetHardware, little-endian. It puts nothing before a frame, so we do what an RNode does: an octet whose upper half is random.
 *
 *     settling ──2 s──▶ setting ──all answered──▶ up ──(its parameters are not ours any more)──▶ setting
 */
import { KissReader, kissFrame } from '../wire/kiss.ts';
import type { Dialect, DialectTools, Effect, ModemAir, ModemFacts } from './dialect.ts';
import { loraText } from './lora-text.ts';
import type { LoraOptions } from './modem-options.ts';

const SETTLE_MS = 2_000;
const STEP_MS = 1_000;
const STEP_TRIES_MAX = 5;
const FRAME_MAX = 2 * 512 + 4;
const SILENCE_MS = { usb: 100, tcp: 1_500 };
/** Its parameters are asked for when nothing else is heard: it may have been reset. */
const LOOK_MS = 15_000;
const DEAD_MS = 45_000;
/** What it says of a frame follows the frame. */
const META_MS = 50;
/** It sends in spite of a busy channel after 1.5 times the air time of its longest frame. */
const PATIENCE = 2.5;
const PATIENCE_MS = 2_000;
const OCTETS_MAX = 255;
const HEADER = 1;
const TURNAROUND_MS = 20;
/** Preambles by spreading factor. */
const PREAMBLE = { short: 32, long: 16, shortUpTo: 8 };

const DATA = 0x00;
const TX_DELAY = 0x01;
const PERSISTENCE = 0x02;
const EXTENSION = 0x06;
const SUB = {
  setRadio: 0x09,
  setPower: 0x0a,
  getRadio: 0x0b,
  ping: 0x17,
  setReport: 0x19,
  radio: 0x8b,
  pong: 0x97,
  report: 0x9a,
  ok: 0xf0,
  error: 0xf1,
  sent: 0xf8,
  meta: 0xf9,
} as const;
const BUSY = 7;

export type MeshcoreOptions = {
  readonly lora: LoraOptions;
  readonly mtu: number | undefined;
  readonly isTcp: boolean;
};

/** A question and the kind of its answer. */
type Step = { readonly sub: number; readonly payload: Uint8Array; readonly answer: number; readonly refused: string };

type State =
  | { readonly kind: 'settling'; readonly untilMs: number }
  | { readonly kind: 'setting'; step: number; tries: number; atMs: number }
  | { readonly kind: 'up' }
  | { readonly kind: 'over' };

export class Meshcore implements Dialect {
  readonly effects: Effect[] = [];
  readonly #options: MeshcoreOptions;
  readonly #tools: DialectTools;
  readonly #reader: KissReader;
  readonly #radio: Uint8Array;
  readonly #steps: readonly Step[];
  readonly #air: ModemAir;
  #state: State = { kind: 'over' };
  /** A frame that it holds is lost then. */
  #sendingUntilMs = Number.POSITIVE_INFINITY;
  #heard: { readonly octets: Uint8Array; readonly untilMs: number } | undefined;
  #heardAtMs = 0;
  #askedAtMs = 0;

  constructor(options: MeshcoreOptions, tools: DialectTools) {
    const { lora } = options;
    const { spreadingFactor, bandwidthHz, codingRate, powerDbm } = lora;
    this.#options = options;
    this.#tools = tools;
    this.#reader = new KissReader(FRAME_MAX, options.isTcp ? SILENCE_MS.tcp : SILENCE_MS.usb);
    this.#radio = radioOctets(lora);
    const parameters = `the modem refuses its parameters: ${loraText(lora)}`;
    this.#steps = [
      step(SUB.ping, [], SUB.pong, 'it does not answer as a MeshCore KISS modem'),
      step(SUB.setRadio, this.#radio, SUB.ok, parameters),
      step(SUB.getRadio, [], SUB.radio, parameters),
      step(
        SUB.setPower,
        [powerDbm],
        SUB.ok,
        `power: asked for ${powerDbm} dBm, which the board does not give; write less`,
      ),
      step(SUB.setReport, [1], SUB.report, 'the modem does not report signals'),
    ];
    const preambleSymbols = spreadingFactor <= PREAMBLE.shortUpTo ? PREAMBLE.short : PREAMBLE.long;
    this.#air = {
      modulation: { kind: 'lora', spreadingFactor, bandwidthHz, codingRate, preambleSymbols },
      frameOverhead: HEADER,
      accessMs: 0,
      sharesAccess: false,
      turnaroundMs: TURNAROUND_MS,
    };
  }

  start(nowMs: number): void {
    this.#reader.reset();
    this.#heardAtMs = nowMs;
    this.#state = { kind: 'settling', untilMs: this.#options.isTcp ? nowMs : nowMs + SETTLE_MS };
  }

  receive(octets: Uint8Array, nowMs: number): void {
    this.#heardAtMs = nowMs;
    const { buffer } = this.#reader;
    this.#reader.push(octets, nowMs, (length) => {
      const type = (buffer[0] as number) & 0x0f;
      if (type === DATA) this.#data(buffer.slice(1, length), nowMs);
      else if (type === EXTENSION && length > 1) this.#extension(buffer[1] as number, buffer.slice(2, length), nowMs);
    });
  }

  send(frame: Uint8Array, nowMs: number): boolean {
    if (this.#state.kind !== 'up' || this.#sendingUntilMs !== Number.POSITIVE_INFINITY) return false;
    const octets = new Uint8Array(HEADER + frame.length);
    octets[0] = this.#tools.randomOctet() & 0xf0;
    octets.set(frame, HEADER);
    this.#write(DATA, octets);
    const longestMs = this.#tools.airMs(this.#air, OCTETS_MAX - HEADER);
    this.#sendingUntilMs = nowMs + PATIENCE * longestMs + PATIENCE_MS;
    return true;
  }

  deadline(): number {
    const state = this.#state;
    switch (state.kind) {
      case 'settling':
        return state.untilMs;
      case 'setting':
        return state.atMs;
      case 'up':
        return Math.min(this.#sendingUntilMs, this.#heard?.untilMs ?? this.#lookAtMs, this.#lookAtMs);
      case 'over':
        return Number.POSITIVE_INFINITY;
      default:
        return state satisfies never;
    }
  }

  timer(nowMs: number): void {
    const state = this.#state;
    if (nowMs < this.deadline()) return;
    switch (state.kind) {
      case 'settling':
        return this.#setUp(nowMs);
      case 'setting':
        return this.#ask(nowMs);
      case 'up':
        return this.#look(nowMs);
      case 'over':
        return;
      default:
        return state satisfies never;
    }
  }

  stop(): void {}

  get #lookAtMs(): number {
    return Math.max(this.#heardAtMs, this.#askedAtMs) + LOOK_MS;
  }

  #write(type: number, payload: Uint8Array): void {
    this.effects.push({ kind: 'write', octets: kissFrame(type, payload) });
  }

  #fail(text: string): void {
    this.#state = { kind: 'over' };
    this.effects.push({ kind: 'failed', text });
  }

  #setUp(nowMs: number): void {
    this.#state = { kind: 'setting', step: 0, tries: 0, atMs: nowMs };
    this.#ask(nowMs);
  }

  #ask(nowMs: number): void {
    const state = this.#state;
    if (state.kind !== 'setting') return;
    const { sub, payload, refused } = this.#steps[state.step] as Step;
    if (state.tries++ >= STEP_TRIES_MAX) return this.#fail(state.step === 0 ? refused : `${refused} (no answer)`);
    state.atMs = nowMs + STEP_MS;
    this.#write(EXTENSION, Uint8Array.of(sub, ...payload));
  }

  #extension(sub: number, value: Uint8Array, nowMs: number): void {
    const state = this.#state;
    if (sub === SUB.sent) return this.#sent(value[0] === 1);
    if (sub === SUB.meta) return this.#meta(value);
    if (state.kind === 'up') {
      if (sub === SUB.radio && !isSame(value, this.#radio)) this.#beginAnew(nowMs);
      return;
    }
    if (state.kind !== 'setting') return;
    const { answer, refused } = this.#steps[state.step] as Step;
    if (sub === SUB.error && value[0] !== BUSY) return this.#fail(refused);
    if (sub !== answer) return;
    if (sub === SUB.radio && !isSame(value, this.#radio)) return this.#fail(`${refused}; it has others in force`);
    if (state.step + 1 < this.#steps.length) {
      this.#state = { kind: 'setting', step: state.step + 1, tries: 0, atMs: nowMs };
      return this.#ask(nowMs);
    }
    this.#up(nowMs);
  }

  /** LoRa needs no time to key up, and the link backs off itself: the modem's own delays would cost 0.8 s a frame. */
  #up(nowMs: number): void {
    this.#write(TX_DELAY, Uint8Array.of(0));
    this.#write(PERSISTENCE, Uint8Array.of(255));
    this.#state = { kind: 'up' };
    this.#sendingUntilMs = Number.POSITIVE_INFINITY;
    this.#askedAtMs = nowMs;
    const about = `MeshCore KISS modem, ${loraText(this.#options.lora)}`;
    const mtu = this.#options.mtu ?? OCTETS_MAX - HEADER;
    const facts: ModemFacts = { carrierClass: 'R', mtu, air: this.#air, about };
    this.effects.push({ kind: 'up', facts }, { kind: 'writable' });
  }

  #beginAnew(nowMs: number): void {
    this.effects.push({ kind: 'note', level: 'warn', text: 'the modem has lost its parameters, and is set up anew' });
    this.#setUp(nowMs);
  }

  #data(octets: Uint8Array, nowMs: number): void {
    this.#tell({});
    // An RNode splits longer packets over two frames, which are none of ours.
    if (this.#state.kind !== 'up' || octets.length <= HEADER || ((octets[0] as number) & 0x0f) !== 0) return;
    this.#heard = { octets: octets.subarray(HEADER), untilMs: nowMs + META_MS };
  }

  #meta(value: Uint8Array): void {
    if (value.length < 2) return this.#tell({});
    const signed = (at: number): number => ((value[at] as number) << 24) >> 24;
    this.#tell({ snr: signed(0) / 4, rssi: signed(1) });
  }

  #tell(signal: { snr?: number; rssi?: number }): void {
    if (this.#heard === undefined) return;
    this.effects.push({ kind: 'frame', octets: this.#heard.octets, signal });
    this.#heard = undefined;
  }

  #sent(isDone: boolean): void {
    if (this.#sendingUntilMs === Number.POSITIVE_INFINITY) return;
    this.#sendingUntilMs = Number.POSITIVE_INFINITY;
    if (!isDone) this.effects.push({ kind: 'note', level: 'warn', text: 'the modem could not transmit a frame' });
    this.effects.push({ kind: 'writable' });
  }

  #look(nowMs: number): void {
    if (this.#heard !== undefined && nowMs >= this.#heard.untilMs) this.#tell({});
    if (nowMs >= this.#sendingUntilMs) this.#sent(true);
    if (nowMs < this.#lookAtMs) return;
    if (nowMs - this.#heardAtMs >= DEAD_MS) return this.#fail('the modem does not answer any more');
    this.#askedAtMs = nowMs;
    this.#write(EXTENSION, Uint8Array.of(SUB.getRadio));
  }
}

function step(sub: number, payload: ArrayLike<number>, answer: number, refused: string): Step {
  return { sub, payload: Uint8Array.from(payload), answer, refused };
}

/** Frequency and bandwidth in Hz, spreading factor, coding rate. */
function radioOctets({ frequencyHz, bandwidthHz, spreadingFactor, codingRate }: LoraOptions): Uint8Array {
  const octets = new Uint8Array(10);
  const view = new DataView(octets.buffer);
  view.setUint32(0, frequencyHz, true);
  view.setUint32(4, bandwidthHz, true);
  octets[8] = spreadingFactor;
  octets[9] = codingRate;
  return octets;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}
