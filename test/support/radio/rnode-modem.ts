/**
 * An RNode in octets: KISS with its own commands (radio reference, section 2.2), answered as firmware 1.86 on an ESP32 with an SX1262
 * answers them. Behaviour copied, with the function of the firmware that has it:
 *
 * - commands act as soon as their octets are there, only data waits for its closing FEND, which opens no next frame
 *   (`serial_callback`); values are echoed as they are in force, capped, not refused (`kiss_indicate_*`);
 * - the radio starts only when frequency, bandwidth, power and spreading factor are set, and says its state twice (`startRadio`);
 * - while it transmits nothing else runs: octets wait in the UART's buffer, polls go unanswered (`flush_queue`);
 * - signal strength comes before each packet, channel reports once a second and after each transmission (`update_airtime`);
 * - a full queue discards octets without a word (`serial_callback`); READY is answered only when asked.
 */
import type { Random } from '../../sim/random.ts';
import type { Channel, Quality } from './channel.ts';
import { rnodeModulation } from './frame-modem.ts';
import { kissFrame, u16, u32 } from './kiss-octets.ts';
import type { Modem } from './modem.ts';
import { difsMs, slotMs, windowOf } from './rnode-access.ts';
import { RnodeRadio } from './rnode-radio.ts';

const [FEND, FESC, TFEND, TFESC] = [0xc0, 0xdb, 0xdc, 0xdd];

const COMMAND = {
  data: 0x00,
  frequency: 0x01,
  bandwidth: 0x02,
  txPower: 0x03,
  spreadingFactor: 0x04,
  codingRate: 0x05,
  radioState: 0x06,
  radioLock: 0x07,
  detect: 0x08,
  leave: 0x0a,
  shortLimit: 0x0b,
  longLimit: 0x0c,
  promiscuous: 0x0e,
  ready: 0x0f,
  statReceived: 0x21,
  statSent: 0x22,
  statRssi: 0x23,
  statSnr: 0x24,
  statChannel: 0x25,
  statPhysical: 0x26,
  statBattery: 0x27,
  statCsma: 0x28,
  statTemperature: 0x29,
  random: 0x40,
  board: 0x47,
  platform: 0x48,
  mcu: 0x49,
  firmware: 0x50,
  reset: 0x55,
  error: 0x90,
};

const DETECT = { asked: 0x73, answer: 0x46 };
const RESET = 0xf8;
const QUERY = 0xff;
const NONE = 0xff;
const RSSI_OFFSET = 157;
const CHIP_HZ = 32e6 / 2 ** 25;
const BANDWIDTHS = [7_810, 10_420, 15_630, 20_830, 31_250, 41_670, 62_500, 125_000, 250_000, 500_000];

/** Octets that the UART keeps while nobody reads. */
const UART_OCTETS = 6_144;
const REPORT_MS = 1_000;

export type RnodeFacts = {
  /** 0x01 0x56: 1.86. */
  readonly firmware: readonly [number, number];
  /** Printed at 115 200 Bd by the ROM, before the first frame. */
  readonly bootText: string;
  /** From reset until it listens. */
  readonly bootMs: number;
  /** Opening the port toggles DTR and RTS, which resets many ESP32 boards. */
  readonly resetsOnOpen: boolean;
  /** Undefined: it is ready. Otherwise it prints this instead of speaking KISS and never starts its radio. */
  readonly refusal: string | undefined;
  readonly mostDbm: number;
  /** It is there, but READY is never answered. */
  readonly isSilentOnReady: boolean;
  /** AVR boards have none. */
  readonly hasChannelReports: boolean;
  readonly mendsWindow: boolean;
};

const ESP32: RnodeFacts = {
  firmware: [1, 0x56],
  bootText: 'ESP-ROM:esp32s3-20210327\r\nBuild:Mar 27 2021\r\nrst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\n',
  bootMs: 1_200,
  resetsOnOpen: true,
  refusal: undefined,
  mostDbm: 22,
  isSilentOnReady: false,
  hasChannelReports: true,
  mendsWindow: false,
};

type Parameters = {
  frequency: number;
  bandwidth: number;
  txPower: number;
  spreadingFactor: number;
  codingRate: number;
};

export class RnodeModem implements Modem {
  output: (octets: Uint8Array) => void = () => {};
  readonly radio: RnodeRadio;
  facts: RnodeFacts;
  readonly parameters: Parameters = { frequency: 0, bandwidth: 0, txPower: NONE, spreadingFactor: 0, codingRate: 5 };
  readonly #channel: Channel;
  readonly #random: Random;
  #isListening = true;
  /** Voids what was planned before a reset. */
  #life = 0;
  #waiting: number[] = [];
  #isInFrame = false;
  #isEscaped = false;
  #command = NONE;
  #octets: number[] = [];
  #band = 1;
  #last: Quality = { rssi: -RSSI_OFFSET, snr: 0 };
  #load = 0;

  constructor(channel: Channel, random: Random, changes: Partial<RnodeFacts> = {}) {
    this.facts = { ...ESP32, ...changes };
    this.#channel = channel;
    this.#random = random;
    const events = {
      received: (packet: Uint8Array, quality: Quality) => this.#received(packet, quality),
      sent: () => this.#sent(),
    };
    this.radio = new RnodeRadio(channel, random.fork(), events, this.facts.mendsWindow);
  }

  opened(): void {
    if (this.facts.resetsOnOpen) this.reset();
  }

  reset(): void {
    this.radio.reset();
    Object.assign(this.parameters, { frequency: 0, bandwidth: 0, txPower: NONE, spreadingFactor: 0, codingRate: 5 });
    this.#waiting = [];
    this.#isInFrame = false;
    this.#isListening = false;
    this.output(new TextEncoder().encode(this.facts.bootText));
    const life = ++this.#life;
    this.#channel.clock.after(this.facts.bootMs, () => {
      if (life !== this.#life) return;
      this.#isListening = true;
      if (this.facts.refusal !== undefined) this.output(new TextEncoder().encode(`${this.facts.refusal}\r\n`));
      this.#say(COMMAND.reset, [RESET]);
    });
  }

  input(octets: Uint8Array): void {
    if (!this.#isListening) return;
    if (this.radio.isSending) {
      this.#waiting.push(...octets.subarray(0, UART_OCTETS - this.#waiting.length));
      return;
    }
    for (const octet of octets) this.#take(octet);
  }

  /** As the firmware says what went wrong. */
  fail(code: number): void {
    this.#say(COMMAND.error, [code]);
  }

  #take(octet: number): void {
    if (octet === FEND && this.#isInFrame && this.#command === COMMAND.data) {
      this.#isInFrame = false;
      this.radio.push(Uint8Array.from(this.#octets));
    } else if (octet === FEND) {
      this.#isInFrame = true;
      this.#isEscaped = false;
      this.#command = NONE;
      this.#octets = [];
    } else if (this.#isInFrame) {
      if (this.#command === NONE) this.#command = octet;
      else if (octet === FESC) this.#isEscaped = true;
      else {
        this.#octets.push(
          this.#isEscaped && octet === TFEND ? FEND : this.#isEscaped && octet === TFESC ? FESC : octet,
        );
        this.#isEscaped = false;
        if (this.#command !== COMMAND.data) this.#act();
      }
    }
  }

  /** Another octet of a command has come. */
  #act(): void {
    const [value = 0] = this.#octets.slice(-1);
    const isFirst = this.#octets.length === 1;
    switch (this.#command) {
      case COMMAND.frequency:
        return this.#setWide('frequency', (hz) => Math.round(Math.round(hz / CHIP_HZ) * CHIP_HZ));
      case COMMAND.bandwidth:
        return this.#setWide('bandwidth', (hz) => (this.radio.isOn ? nearestBandwidth(hz) : hz));
      case COMMAND.txPower:
        return this.#setNarrow('txPower', Math.min(value, this.facts.mostDbm), value);
      case COMMAND.spreadingFactor:
        return this.#setNarrow('spreadingFactor', Math.min(Math.max(value, 5), 12), value);
      case COMMAND.codingRate:
        return this.#setNarrow('codingRate', Math.min(Math.max(value, 5), 8), value);
      case COMMAND.radioState:
        return this.#setState(value);
      case COMMAND.shortLimit:
      case COMMAND.longLimit:
        return this.#setLimit(this.#command === COMMAND.shortLimit ? 'short' : 'long');
      case COMMAND.detect:
        return value === DETECT.asked ? this.#say(COMMAND.detect, [DETECT.answer]) : undefined;
      case COMMAND.ready:
        return this.facts.isSilentOnReady ? undefined : this.#say(COMMAND.ready, [this.radio.isFull ? 0 : 1]);
      case COMMAND.reset:
        return value === RESET && isFirst ? this.reset() : undefined;
      default:
        return this.#tell(this.#command);
    }
  }

  /** Answers to questions, whatever they come with. */
  #tell(command: number): void {
    const { counts } = this.radio;
    const answers: Readonly<Record<number, readonly number[]>> = {
      [COMMAND.radioLock]: [this.#isLocked ? 1 : 0],
      [COMMAND.promiscuous]: [0],
      [COMMAND.statReceived]: u32(counts.received),
      [COMMAND.statSent]: u32(counts.sent),
      [COMMAND.statRssi]: [rssiOctet(this.#last.rssi)],
      [COMMAND.statBattery]: [3, 100],
      [COMMAND.statTemperature]: [120 + 31],
      [COMMAND.random]: [this.#random.below(256)],
      [COMMAND.board]: [0x3a],
      [COMMAND.platform]: [0x80],
      [COMMAND.mcu]: [0x81],
      [COMMAND.firmware]: this.facts.firmware,
    };
    const answer = answers[command];
    if (answer !== undefined) this.#say(command, answer);
  }

  get #isLocked(): boolean {
    const { frequency, bandwidth, txPower, spreadingFactor } = this.parameters;
    return frequency === 0 || bandwidth === 0 || txPower === NONE || spreadingFactor === 0;
  }

  #setWide(name: 'frequency' | 'bandwidth', inForce: (value: number) => number): void {
    if (this.#octets.length !== 4) return;
    const value = this.#octets.reduce((sum, octet) => sum * 256 + octet, 0);
    if (value !== 0) this.parameters[name] = inForce(value);
    this.#retune();
    this.#say(this.#command, u32(this.parameters[name]));
  }

  #setNarrow(name: 'txPower' | 'spreadingFactor' | 'codingRate', inForce: number, asked: number): void {
    if (asked !== QUERY) this.parameters[name] = inForce;
    this.#retune();
    this.#say(this.#command, [this.parameters[name]]);
  }

  #setLimit(which: 'short' | 'long'): void {
    if (this.#octets.length !== 2) return;
    const [high = 0, low = 0] = this.#octets;
    const share = (high * 256 + low) / 10_000;
    this.radio.airtimeLimits[which] = share >= 1 ? 0 : share;
    this.#say(this.#command, u16(Math.round(this.radio.airtimeLimits[which] * 10_000)));
  }

  #setState(value: number): void {
    const mayStart = !this.#isLocked && this.facts.refusal === undefined;
    if (value === 1) {
      if (mayStart && !this.radio.isOn) this.#start();
      this.#sayState();
    } else if (value === 0) this.radio.off();
    else if (value !== QUERY) return;
    this.#sayState();
  }

  #sayState(): void {
    this.#say(COMMAND.radioState, [this.radio.isOn ? 1 : 0]);
  }

  #start(): void {
    this.parameters.bandwidth = nearestBandwidth(this.parameters.bandwidth);
    this.radio.on(this.#tuning());
    this.#sayPhysical();
    const life = ++this.#life;
    if (this.facts.hasChannelReports) this.#channel.clock.after(REPORT_MS, () => this.#tick(life));
  }

  #retune(): void {
    if (!this.radio.isOn) return;
    this.radio.on(this.#tuning());
    this.#sayPhysical();
  }

  #tuning(): { frequencyHz: number; modulation: ReturnType<typeof rnodeModulation> } {
    const { frequency, bandwidth, spreadingFactor, codingRate } = this.parameters;
    return { frequencyHz: frequency, modulation: rnodeModulation(spreadingFactor, bandwidth, codingRate) };
  }

  #sayPhysical(): void {
    const { modulation } = this.#tuning();
    if (modulation.kind !== 'lora') return;
    const symbolMs = (2 ** modulation.spreadingFactor * 1_000) / modulation.bandwidthHz;
    const preambleMs = modulation.preambleSymbols * symbolMs;
    const values = [
      symbolMs * 1_000,
      1_000 / symbolMs,
      modulation.preambleSymbols,
      preambleMs,
      slotMs(modulation),
      difsMs(modulation),
    ];
    this.#say(
      COMMAND.statPhysical,
      values.flatMap((value) => u16(Math.round(value))),
    );
  }

  /** Once a second; nothing else runs while it transmits. */
  #tick(life: number): void {
    if (life !== this.#life || !this.radio.isOn) return;
    if (!this.radio.isSending) {
      this.radio.look();
      const isBusy = this.#channel.isBusy(this.radio.station);
      this.#load += ((isBusy ? 1 : 0) - this.#load) / 8;
      this.#report();
    }
    this.#channel.clock.after(REPORT_MS, () => this.#tick(life));
  }

  #report(): void {
    if (!this.facts.hasChannelReports) return;
    const { short, long } = this.radio.airtime();
    const load = Math.min(this.#load + short, 1);
    const shares = [short, long, load, load].flatMap((share) => u16(Math.round(share * 10_000)));
    const { station } = this.radio;
    const levels = [this.#channel.level(station), this.#channel.noiseFloor(station)].map(rssiOctet);
    this.#say(COMMAND.statChannel, [...shares, ...levels, NONE]);
    const { band } = this.radio;
    if (band === this.#band) return;
    this.#band = band;
    const { least, most } = windowOf(band);
    this.#say(COMMAND.statCsma, [band, least, most]);
  }

  #received(packet: Uint8Array, quality: Quality): void {
    this.#last = quality;
    this.#say(COMMAND.statRssi, [rssiOctet(quality.rssi)]);
    this.#say(COMMAND.statSnr, [Math.min(Math.max(Math.round(quality.snr * 4), -128), 127) & 0xff]);
    this.#say(COMMAND.data, packet);
  }

  #sent(): void {
    this.#report();
    const waiting = Uint8Array.from(this.#waiting);
    this.#waiting = [];
    this.input(waiting);
  }

  #say(command: number, payload: Uint8Array | readonly number[]): void {
    this.output(kissFrame(command, payload));
  }
}

function rssiOctet(dbm: number): number {
  return Math.min(Math.max(Math.round(dbm) + RSSI_OFFSET, 0), 254);
}

function nearestBandwidth(hz: number): number {
  return BANDWIDTHS.find((bandwidth) => bandwidth >= hz) ?? (BANDWIDTHS.at(-1) as number);
}
