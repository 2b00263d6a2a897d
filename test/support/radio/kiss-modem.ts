/**
 * A plain KISS TNC (radio reference, section 2.4): data in and out, p-persistence with the host's parameters, a queue without a word
 * about its end. What is in the frames is the hosts' business.
 */
import type { Modulation } from '../../../daemon/core/radio/facts.ts';
import type { Random } from '../../sim/random.ts';
import type { Channel, Station } from './channel.ts';
import { KissReader, kissFrame } from './kiss-octets.ts';
import type { Modem } from './modem.ts';
import { Persistence } from './persistence.ts';

/** AFSK as most have it. */
export const AFSK_1200: Modulation = { kind: 'rate', bitsPerSecond: 1_200, frameMs: 20 };

/** Frames that wait at most; further ones are lost. */
const QUEUE_FRAMES = 32;

export class KissModem implements Modem {
  output: (octets: Uint8Array) => void = () => {};
  readonly station: Station;
  readonly access: Persistence;
  /** Larger frames are dropped. */
  mtu = 512;
  readonly #channel: Channel;
  readonly #reader = new KissReader((type, payload) => this.#frame(type, payload));
  readonly #queue: Uint8Array[] = [];
  #isBusy = false;

  constructor(channel: Channel, random: Random, modulation: Modulation = AFSK_1200) {
    this.#channel = channel;
    const listener = { heard: (octets: Uint8Array) => this.output(kissFrame(0, octets)), sensed: () => {} };
    this.station = channel.join(listener, { frequencyHz: 144_800_000, modulation });
    this.access = new Persistence(channel.clock, random.fork(), () => channel.isBusy(this.station));
  }

  opened(): void {}

  reset(): void {
    this.access.cancel();
    this.#queue.length = 0;
    this.#isBusy = false;
  }

  input(octets: Uint8Array): void {
    this.#reader.read(octets);
  }

  #frame(type: number, payload: Uint8Array): void {
    if (type >> 4 !== 0) return;
    if (type !== 0) return void this.access.set(type, payload[0] ?? 0);
    if (payload.length === 0 || payload.length > this.mtu || this.#queue.length >= QUEUE_FRAMES) return;
    this.#queue.push(payload);
    this.#next();
  }

  #next(): void {
    if (this.#isBusy || this.#queue.length === 0) return;
    this.#isBusy = true;
    this.access.acquire(() => this.#transmit());
  }

  /** One access sends all that waits, frame after frame. */
  #transmit(): void {
    const frame = this.#queue.shift();
    if (frame === undefined) {
      this.#isBusy = false;
      return;
    }
    this.#channel.transmit(this.station, frame, () => this.#transmit());
  }
}
