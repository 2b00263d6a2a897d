/**
 * A transparent module of the EBYTE E22 kind (radio reference, section 2.5): octets of the UART leave as sub-packets, cut where 240 are
 * together or where the UART pauses for three octets; who receives prints them, and the borders are lost. It takes octets
 * while it transmits as far as its buffer reaches, what is more is lost. The stick E22-T22U also has its registers behind a
 * sequence of octets.
 */
import type { Modulation } from '../../../daemon/core/radio/facts.ts';
import type { Random } from '../../sim/random.ts';
import type { Channel, Quality, Station } from './channel.ts';
import type { Modem } from './modem.ts';

const SUB_PACKETS = [240, 128, 64, 32];
const AIR_RATES = [300, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 62_500];
const BAUD_RATES = [1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200];
const BUFFER_OCTETS = 1_000;
const GAP_OCTETS = 3;

/** Until it sends into a busy channel, if it listens at all. */
const LISTEN_MOST_MS = 2_000;
const LISTEN_STEP_MS = 20;

/** Its preamble and header, as ms at each air rate: about 14 octets [D]. */
const PREAMBLE_OCTETS = 14;

const CONFIGURE = [0xc0, 0xc1, 0xc2, 0xc3, 0x02];

/** ADDH ADDL NETID SPED OPTION CHANNEL MODE, then the key. 9 600 Bd, 2.4 kbit/s, 240 octets, 22 dBm, 868.125 MHz, transparent. */
const REGISTERS = [0xff, 0xff, 0x00, 0x62, 0x00, 0x12, 0x00, 0x00, 0x00];

export class PipeModem implements Modem {
  output: (octets: Uint8Array) => void = () => {};
  readonly station: Station;
  readonly registers = Uint8Array.from(REGISTERS);
  /** Octets that found no room. */
  lost = 0;
  /** It has the registers behind octets, as sticks do. */
  hasSoftwareSwitch = false;
  readonly #channel: Channel;
  readonly #random: Random;
  #buffer: number[] = [];
  #isConfiguring = false;
  #isSending = false;
  #listenedMs = 0;
  /** Voids gaps that were waited for. */
  #gap = 0;

  constructor(channel: Channel, random: Random, registers: Readonly<Record<number, number>> = {}) {
    this.#channel = channel;
    this.#random = random.fork();
    this.station = channel.join({ heard: (octets, quality) => this.#heard(octets, quality), sensed: () => {} });
    for (const [register, value] of Object.entries(registers)) this.registers[Number(register)] = value;
    this.#tune();
  }

  get subPacket(): number {
    return SUB_PACKETS[this.#register(4) >> 6] as number;
  }

  get baud(): number {
    return BAUD_RATES[this.#register(3) >> 5] as number;
  }

  get airRate(): number {
    return AIR_RATES[this.#register(3) & 7] as number;
  }

  opened(): void {}

  reset(): void {
    this.#buffer = [];
    this.#isConfiguring = false;
    this.#isSending = false;
    this.#gap++;
  }

  input(octets: Uint8Array): void {
    if (this.hasSoftwareSwitch && octets.length === 6 && CONFIGURE.every((octet, i) => octets[i] === octet)) {
      this.#isConfiguring = octets[5] === 1;
      this.output(octets.slice(1));
    } else if (this.#isConfiguring) this.#configure(octets);
    else this.#collect(octets);
  }

  #collect(octets: Uint8Array): void {
    const room = BUFFER_OCTETS - this.#buffer.length;
    this.lost += Math.max(octets.length - room, 0);
    this.#buffer.push(...octets.subarray(0, Math.max(room, 0)));
    const gap = ++this.#gap;
    if (this.#buffer.length >= this.subPacket) return this.#send();
    this.#channel.clock.after((GAP_OCTETS * 10_000) / this.baud, () => {
      if (gap === this.#gap) this.#send();
    });
  }

  #send(): void {
    if (this.#isSending || this.#buffer.length === 0) return;
    const listens = (this.#register(6) & 0x10) !== 0;
    if (listens && this.#channel.isBusy(this.station) && this.#listenedMs < LISTEN_MOST_MS) {
      const waitMs = LISTEN_STEP_MS + this.#random.between(0, LISTEN_STEP_MS);
      this.#listenedMs += waitMs;
      return this.#channel.clock.after(waitMs, () => this.#send());
    }
    this.#listenedMs = 0;
    this.#isSending = true;
    const packet = Uint8Array.from(this.#buffer.splice(0, this.subPacket));
    this.#channel.transmit(this.station, packet, () => {
      this.#isSending = false;
      this.#send();
    });
  }

  #heard(octets: Uint8Array, { rssi }: Quality): void {
    const hasStrength = (this.#register(6) & 0x80) !== 0;
    this.output(hasStrength ? Uint8Array.of(...octets, (256 + Math.round(rssi)) & 0xff) : octets);
  }

  /** `C0` or `C2`, start, length, values: write; `C1`, start, length: read. */
  #configure(octets: Uint8Array): void {
    const [command, start = 0, length = 0] = octets;
    const isWrite = command === 0xc0 || command === 0xc2;
    const isRight = start + length <= this.registers.length && octets.length === (isWrite ? 3 + length : 3);
    if (!isRight || (!isWrite && command !== 0xc1)) return this.output(Uint8Array.of(0xff, 0xff, 0xff));
    if (isWrite) this.registers.set(octets.subarray(3), start);
    this.#tune();
    this.output(Uint8Array.of(0xc1, start, length, ...this.registers.subarray(start, start + length)));
  }

  #tune(): void {
    const frameMs = (PREAMBLE_OCTETS * 8_000) / this.airRate;
    const modulation: Modulation = { kind: 'rate', bitsPerSecond: this.airRate, frameMs };
    this.station.tuning = { frequencyHz: (850_125 + this.#register(5) * 1_000) * 1_000, modulation };
  }

  #register(number: number): number {
    return this.registers[number] as number;
  }
}
