/**
 * RNode: KISS with commands of its own (radio reference, section 2.2; firmware 1.86). Everything set is echoed, and compared. It does not
 * say when a burst has left, but its own air time grows by it, and it reports that after each transmission.
 *
 *     settling ──2 s, or its word of a reset──▶ detecting ──answer──▶ setting ──all echoed──▶ up
 *         ▲───────────────────────── reset ─────────────────────────────┴──────────────────────┘
 */
import { KissReader, kissFrame } from '../wire/kiss.ts';
import { Burst } from './burst.ts';
import type { Dialect, DialectTools, Effect, ModemAir, ModemFacts } from './dialect.ts';
import { loraText } from './lora-text.ts';
import type { LoraOptions } from './modem-options.ts';
import { rnodeAir } from './rnode-air.ts';
import { DATA, ERRORS, firmwareText, RNODE, rnodeSteps, type Step } from './rnode-commands.ts';

/** Boards reset when the port is opened, and boot. */
const SETTLE_MS = 2_000;
const DETECT_MS = 1_000;
const DETECTS_MAX = 6;
const STEP_MS = 1_000;
const STEP_TRIES_MAX = 3;
const OLDEST_FIRMWARE = 0x0134;
/** Two halves of 512 escaped octets, with their frame; more is noise. */
const FRAME_MAX = 2 * 512 + 4;
const SILENCE_MS = { usb: 100, tcp: 1_500 };
/** With Wi-Fi it drops a client that is silent for 6.5 s. On USB it tells of itself once a second, or is asked. */
const ALIVE_MS = { usb: 10_000, tcp: 3_000 };
/** Nothing heard for so long, while nothing is sent: it is gone. */
const DEAD_MS = 30_000;
/**
 * One packet of a host is one transmission; where each packet waits for its own access it is two of them. One octet more would
 * make an empty third.
 */
const MTU = { sharing: 254, single: 507 };
/** With much air time of its own it draws its wait from up to 59 slots, after two: here in means of 9 slots. */
const ACCESS_WORST = 61 / 9;

export type RnodeOptions = {
  readonly lora: LoraOptions;
  readonly mtu: number | undefined;
  /** The share of an hour that it may send, 0 to 1: its own second safety net. Undefined: no limit. */
  readonly hourShare: number | undefined;
  readonly isTcp: boolean;
};

type State =
  | { readonly kind: 'settling'; readonly untilMs: number }
  | { readonly kind: 'detecting'; tries: number; atMs: number }
  | { readonly kind: 'setting'; step: number; tries: number; atMs: number }
  | { readonly kind: 'up' }
  | { readonly kind: 'over' };

export class Rnode implements Dialect {
  readonly effects: Effect[] = [];
  readonly #options: RnodeOptions;
  readonly #tools: DialectTools;
  readonly #reader: KissReader;
  readonly #steps: readonly Step[];
  readonly #told = new Set<string>();
  #state: State = { kind: 'over' };
  #air: ModemAir;
  #firmware: number | undefined;
  /** Of the frame that follows. */
  #rssi: number | undefined;
  #snr: number | undefined;
  readonly #burst = new Burst();
  #heardAtMs = 0;
  #askedAtMs = 0;

  constructor(options: RnodeOptions, tools: DialectTools) {
    this.#options = options;
    this.#tools = tools;
    this.#reader = new KissReader(FRAME_MAX, options.isTcp ? SILENCE_MS.tcp : SILENCE_MS.usb);
    this.#steps = rnodeSteps(options.lora, options.hourShare);
    this.#air = rnodeAir(options.lora);
  }

  start(nowMs: number): void {
    this.#reader.reset();
    this.#heardAtMs = nowMs;
    this.#state = { kind: 'settling', untilMs: this.#options.isTcp ? nowMs : nowMs + SETTLE_MS };
  }

  receive(octets: Uint8Array, nowMs: number): void {
    this.#heardAtMs = nowMs;
    const { buffer } = this.#reader;
    this.#reader.push(octets, nowMs, (length) => this.#frame(buffer.subarray(0, length), nowMs));
  }

  send(frame: Uint8Array, nowMs: number): boolean {
    const burst = this.#burst;
    if (this.#state.kind !== 'up' || !burst.hasRoom(frame.length)) return false;
    this.#write(DATA, frame);
    const isWaiting = burst.airMs === 0 || !this.#air.sharesAccess;
    const accessMs = isWaiting ? ACCESS_WORST * this.#air.accessMs : 0;
    burst.add(frame.length, this.#tools.airMs(this.#air, frame.length), accessMs, nowMs);
    return true;
  }

  deadline(): number {
    const state = this.#state;
    switch (state.kind) {
      case 'settling':
        return state.untilMs;
      case 'detecting':
      case 'setting':
        return state.atMs;
      case 'up':
        return Math.min(this.#burst.deadline(), this.#aliveAtMs, this.#deadAtMs);
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
        this.#state = { kind: 'detecting', tries: 0, atMs: nowMs };
        return this.#detect(nowMs);
      case 'detecting':
        return this.#detect(nowMs);
      case 'setting':
        return this.#set(nowMs);
      case 'up':
        return this.#look(nowMs);
      case 'over':
        return;
      default:
        return state satisfies never;
    }
  }

  stop(): void {
    this.#write(RNODE.leave, Uint8Array.of(0xff));
  }

  get #aliveAtMs(): number {
    const { isTcp } = this.#options;
    return isTcp ? this.#askedAtMs + ALIVE_MS.tcp : Math.max(this.#heardAtMs, this.#askedAtMs) + ALIVE_MS.usb;
  }

  /** While it transmits it neither listens nor answers. */
  get #deadAtMs(): number {
    return this.#heardAtMs + DEAD_MS + 2 * this.#burst.airMs;
  }

  #write(command: number, payload: Uint8Array): void {
    this.effects.push({ kind: 'write', octets: kissFrame(command, payload) });
  }

  #fail(text: string): void {
    this.#state = { kind: 'over' };
    this.effects.push({ kind: 'failed', text });
  }

  #noteOnce(level: 'info' | 'warn', text: string): void {
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.effects.push({ kind: 'note', level, text });
  }

  #detect(nowMs: number): void {
    const state = this.#state;
    if (state.kind !== 'detecting') return;
    if (state.tries++ >= DETECTS_MAX) {
      const { stray } = this.#reader;
      const says = stray === '' ? 'is its firmware RNode, and is it provisioned (rnodeconf)?' : `it says: ${stray}`;
      return this.#fail(`it does not answer as an RNode; ${says}`);
    }
    state.atMs = nowMs + DETECT_MS;
    this.#write(RNODE.detect, Uint8Array.of(0x73));
    for (const command of [RNODE.firmware, RNODE.platform, RNODE.mcu]) this.#write(command, Uint8Array.of(0));
  }

  #set(nowMs: number): void {
    const state = this.#state;
    if (state.kind !== 'setting') return;
    const step = this.#steps[state.step] as Step;
    if (state.tries++ >= STEP_TRIES_MAX) return this.#fail(`${step.name}: the modem does not confirm it`);
    state.atMs = nowMs + STEP_MS;
    this.#write(step.command, step.payload);
  }

  /** Set, and the same as wanted or near enough; then the next. */
  #confirmed(value: Uint8Array, nowMs: number): void {
    const state = this.#state;
    if (state.kind !== 'setting') return;
    const step = this.#steps[state.step] as Step;
    const verdict = step.check(value);
    if (verdict?.isFatal) {
      // An octet may have been lost on the way: three times the same is no accident.
      return state.tries < STEP_TRIES_MAX ? this.#set(nowMs) : this.#fail(verdict.text);
    }
    if (verdict !== undefined) this.#noteOnce('warn', verdict.text);
    if (state.step + 1 < this.#steps.length) {
      this.#state = { kind: 'setting', step: state.step + 1, tries: 0, atMs: nowMs };
      return this.#set(nowMs);
    }
    this.#state = { kind: 'up' };
    this.#burst.clear(true);
    this.#askedAtMs = nowMs;
    this.effects.push({ kind: 'up', facts: this.#facts() }, { kind: 'writable' });
  }

  #facts(): ModemFacts {
    const about = `RNode ${firmwareText(this.#firmware ?? 0)}, ${loraText(this.#options.lora)}`;
    const mtu = this.#options.mtu ?? (this.#air.sharesAccess ? MTU.sharing : MTU.single);
    return { carrierClass: 'R', mtu, air: this.#air, about };
  }

  #frame(frame: Uint8Array, nowMs: number): void {
    const command = frame[0] as number;
    const value = frame.subarray(1);
    const state = this.#state;
    switch (command) {
      case DATA:
        return this.#heard(value);
      case RNODE.rssi:
        this.#rssi = (value[0] ?? 0) - 157;
        return;
      case RNODE.snr:
        this.#snr = (((value[0] ?? 0) << 24) >> 24) / 4;
        return;
      case RNODE.channel:
        return this.#channel(value, nowMs);
      case RNODE.physical:
        return this.#physical(value);
      case RNODE.detect:
        return this.#detected(value, nowMs);
      case RNODE.firmware:
        return this.#version(value);
      case RNODE.ready:
        if (state.kind === 'up' && value[0] === 1 && this.#burst.answered()) this.#sent(false);
        return;
      case RNODE.reset:
        return this.#reset(nowMs);
      case RNODE.error:
        return this.#error(value[0] ?? 0);
      default:
        if (state.kind === 'setting' && command === this.#steps[state.step]?.command) this.#confirmed(value, nowMs);
    }
  }

  #heard(value: Uint8Array): void {
    const signal = {
      ...(this.#rssi === undefined ? {} : { rssi: this.#rssi }),
      ...(this.#snr === undefined ? {} : { snr: this.#snr }),
    };
    this.#rssi = undefined;
    this.#snr = undefined;
    if (this.#state.kind !== 'up' || value.length === 0) return;
    // What it hears it cannot have sent meanwhile.
    this.#burst.postpone(this.#tools.airMs(this.#air, value.length));
    this.effects.push({ kind: 'frame', octets: value.slice(), signal });
  }

  /** Shares of 15 s and of an hour in units of 1/10 000, then levels. */
  #channel(value: Uint8Array, nowMs: number): void {
    if (value.length < 10) return;
    const share = (at: number): number => (((value[at] as number) << 8) | (value[at + 1] as number)) / 10_000;
    const floor = value[9] as number;
    const report = { usedShort: share(0), usedLong: share(2), channelLoad: share(4) };
    this.effects.push({ kind: 'report', report: floor === 0xff ? report : { ...report, noiseFloor: floor - 157 } });
    if (this.#burst.counted(report.usedShort * 15_000, nowMs)) this.#sent(true);
  }

  #physical(value: Uint8Array): void {
    const symbols = ((value[4] ?? 0) << 8) | (value[5] ?? 0);
    const { modulation } = this.#air;
    if (value.length < 12 || symbols === 0 || modulation.kind !== 'lora') return;
    this.#air = { ...this.#air, modulation: { ...modulation, preambleSymbols: symbols } };
  }

  #detected(value: Uint8Array, nowMs: number): void {
    if (this.#state.kind !== 'detecting' || value[0] !== 0x46) return;
    this.#state = { kind: 'setting', step: 0, tries: 0, atMs: nowMs };
    this.#set(nowMs);
  }

  #version(value: Uint8Array): void {
    if (value.length !== 2 || this.#state.kind === 'over') return;
    this.#firmware = ((value[0] as number) << 8) | (value[1] as number);
    if (this.#firmware >= OLDEST_FIRMWARE) return;
    this.#fail(
      `its firmware ${firmwareText(this.#firmware)} is too old: ${firmwareText(OLDEST_FIRMWARE)} or newer is needed`,
    );
  }

  /** It has booted, by itself or since the port was opened. */
  #reset(nowMs: number): void {
    if (this.#state.kind === 'over') return;
    if (this.#state.kind === 'up') this.effects.push({ kind: 'note', level: 'warn', text: 'the modem began anew' });
    this.#state = { kind: 'detecting', tries: 0, atMs: nowMs };
    this.#detect(nowMs);
  }

  #error(code: number): void {
    const known = ERRORS[code];
    if (known?.isFatal) return this.#fail(known.text);
    this.#noteOnce('warn', known?.text ?? `the modem reports error ${code}`);
  }

  #look(nowMs: number): void {
    if (nowMs >= this.#deadAtMs) return this.#fail('the modem does not answer any more');
    if (nowMs >= this.#aliveAtMs) {
      this.#askedAtMs = nowMs;
      this.#write(RNODE.detect, Uint8Array.of(0x73));
    }
    const act = this.#burst.look(nowMs);
    if (act === 'ask') this.#write(RNODE.ready, Uint8Array.of(0));
    else if (act === 'over') this.#sent(false);
  }

  #sent(isSeen: boolean): void {
    this.#burst.clear(isSeen);
    this.effects.push({ kind: 'writable' });
  }
}
