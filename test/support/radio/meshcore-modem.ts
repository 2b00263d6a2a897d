/**
 * A MeshCore board with its KISS modem firmware, in octets (radio reference, section 2.3). Behaviour copied: data of more than 255
 * octets is dropped without a word; one packet is pending, a further one is refused with error 7; TxDone follows a transmission, RxMeta
 * follows received data; LoRa frames carry the host's octets and nothing else; after 1.5 times the air time of a full frame it transmits
 * into a busy channel.
 */
import { airMs } from '../../../daemon/core/radio/air-time.ts';
import type { Modulation } from '../../../daemon/core/radio/facts.ts';
import type { Random } from '../../sim/random.ts';
import type { Channel, Quality, Station } from './channel.ts';
import { KissReader, kissFrame } from './kiss-octets.ts';
import type { Modem } from './modem.ts';
import { Persistence } from './persistence.ts';

const SET_HARDWARE = 0x06;
const OCTETS_MAX = 255;
const PATIENCE = 1.5;

const ERROR = { length: 1, parameter: 2, unavailable: 3, unknown: 5, busy: 7 };

type Parameters = { frequency: number; bandwidth: number; spreadingFactor: number; codingRate: number; dbm: number };

export class MeshcoreModem implements Modem {
  output: (octets: Uint8Array) => void = () => {};
  readonly station: Station;
  readonly access: Persistence;
  readonly parameters: Parameters = {
    frequency: 869_525_000,
    bandwidth: 250_000,
    spreadingFactor: 11,
    codingRate: 5,
    dbm: 22,
  };
  /** Highest power of the board. */
  mostDbm = 22;
  /** Packets that were refused as one was pending. */
  refused = 0;
  readonly #channel: Channel;
  readonly #reader = new KissReader((type, payload) => this.#frame(type, payload));
  readonly #counts = { received: 0, sent: 0, errors: 0 };
  #pending: Uint8Array | undefined;
  #reportsSignal = true;

  constructor(channel: Channel, random: Random) {
    this.#channel = channel;
    this.station = channel.join({ heard: (octets, quality) => this.#heard(octets, quality), sensed: () => {} });
    this.access = new Persistence(channel.clock, random.fork(), () => channel.isBusy(this.station));
    this.#tune();
  }

  opened(): void {}

  reset(): void {
    this.access.cancel();
    this.#pending = undefined;
    this.access.set(1, 50);
    this.access.set(2, 63);
    this.access.set(3, 10);
    this.#reportsSignal = true;
  }

  input(octets: Uint8Array): void {
    this.#reader.read(octets);
  }

  get #modulation(): Modulation {
    const { spreadingFactor, bandwidth, codingRate } = this.parameters;
    const preambleSymbols = spreadingFactor <= 8 ? 32 : 16;
    return { kind: 'lora', spreadingFactor, bandwidthHz: bandwidth, codingRate, preambleSymbols };
  }

  #tune(): void {
    this.station.tuning = { frequencyHz: this.parameters.frequency, modulation: this.#modulation };
    this.access.patienceMs = PATIENCE * airMs(this.#modulation, OCTETS_MAX);
  }

  #frame(type: number, payload: Uint8Array): void {
    const command = type & 0x0f;
    if (command === 0) this.#data(payload);
    else if (command === SET_HARDWARE) this.#extension(payload[0], payload.subarray(1));
    else this.access.set(command, payload[0] ?? 0);
  }

  #data(payload: Uint8Array): void {
    if (payload.length === 0 || payload.length > OCTETS_MAX) return;
    if (this.#pending !== undefined) {
      this.refused++;
      return this.#error(ERROR.busy);
    }
    this.#pending = payload;
    this.access.acquire(() => this.#transmit(payload));
  }

  #transmit(payload: Uint8Array): void {
    this.#channel.transmit(this.station, payload, () => {
      this.#pending = undefined;
      this.#counts.sent++;
      this.#say(0xf8, [1]);
    });
  }

  #heard(octets: Uint8Array, { rssi, snr }: Quality): void {
    this.#counts.received++;
    this.output(kissFrame(0, octets));
    if (this.#reportsSignal) this.#say(0xf9, [Math.round(snr * 4) & 0xff, Math.round(rssi) & 0xff]);
  }

  #extension(sub: number | undefined, value: Uint8Array): void {
    switch (sub) {
      case 0x09:
        return this.#setRadio(value);
      case 0x0a:
        return this.#setPower(value);
      case 0x0b: {
        const { frequency, bandwidth, spreadingFactor, codingRate } = this.parameters;
        return this.#say(0x8b, [...little32(frequency), ...little32(bandwidth), spreadingFactor, codingRate]);
      }
      case 0x0d:
        return this.#say(0x8d, [Math.round(this.#channel.level(this.station)) & 0xff]);
      case 0x0e:
        return this.#say(0x8e, [this.#channel.isBusy(this.station) ? 1 : 0]);
      case 0x0f:
        if (value.length !== 1) return this.#error(ERROR.length);
        return this.#say(0x8f, little32(Math.round(airMs(this.#modulation, value[0] as number))));
      case 0x10:
        return this.#say(0x90, little32(Math.round(this.#channel.noiseFloor(this.station))).slice(0, 2));
      case 0x11:
        return this.#say(0x91, [1, 0]);
      case 0x12: {
        const { received, sent, errors } = this.#counts;
        return this.#say(0x92, [received, sent, errors].flatMap(little32));
      }
      case 0x13:
        return this.#say(0x93, little32(4_100).slice(0, 2));
      case 0x17:
        return this.#say(0x97, []);
      case 0x18:
        this.#ok();
        return this.reset();
      case 0x19:
        this.#reportsSignal = value[0] !== 0;
        return this.#say(0x9a, [this.#reportsSignal ? 1 : 0]);
      default:
        return this.#error(ERROR.unknown);
    }
  }

  #setRadio(value: Uint8Array): void {
    if (value.length !== 10) return this.#error(ERROR.length);
    const view = new DataView(value.buffer, value.byteOffset);
    const [frequency, bandwidth] = [view.getUint32(0, true), view.getUint32(4, true)];
    const [spreadingFactor, codingRate] = [view.getUint8(8), view.getUint8(9)];
    const isRight = spreadingFactor >= 5 && spreadingFactor <= 12 && codingRate >= 5 && codingRate <= 8;
    if (!isRight || frequency < 150e6 || frequency > 2_500e6 || bandwidth < 7_000 || bandwidth > 500_000) {
      return this.#error(ERROR.parameter);
    }
    Object.assign(this.parameters, { frequency, bandwidth, spreadingFactor, codingRate });
    this.#tune();
    this.#ok();
  }

  #setPower(value: Uint8Array): void {
    if (value.length !== 1) return this.#error(ERROR.length);
    const dbm = value[0] as number;
    if (dbm > this.mostDbm) return this.#error(ERROR.parameter);
    this.parameters.dbm = dbm;
    this.#ok();
  }

  #ok(): void {
    this.#say(0xf0, []);
  }

  #error(code: number): void {
    this.#counts.errors++;
    this.#say(0xf1, [code]);
  }

  #say(sub: number, payload: readonly number[]): void {
    this.output(kissFrame(SET_HARDWARE, [sub, ...payload]));
  }
}

function little32(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >>> 24) & 0xff];
}
