/**
 * The radio half of an RNode: packets from the host in a queue, split over LoRa frames, through the channel access; frames heard put
 * together again (firmware 1.85: `flush_queue`, `pop_queue`, `transmit`, `receive_callback`, `add_airtime`).
 */
import { airMs, LORA_OCTETS_MAX } from '../../../daemon/core/radio/air-time.ts';
import type { Random } from '../../sim/random.ts';
import type { Channel, Quality, Station, Tuning } from './channel.ts';
import { bandOf, flushesQueue, RnodeAccess } from './rnode-access.ts';

/** Octets and packets that wait at most (ESP32, nRF52). */
export const RNODE_QUEUE = { octets: 6_144, packets: 200 };

/** The largest packet of a host: two LoRa frames. */
export const RNODE_MTU = 508;

/** The first octet of each LoRa frame: a random upper half that names the packet, and this bit for one of two. */
const HEADER = 1;
const SPLIT = 0x01;

/** Own air time is counted in bins so long, an hour of them. */
const BIN_MS = 7_500;
const BINS = 480;

export type RnodeEvents = {
  received(packet: Uint8Array, quality: Quality): void;
  /** What the access allowed has been sent. */
  sent(): void;
};

export class RnodeRadio {
  readonly station: Station;
  /** Shares of air time at which it stops to send: 15 s and an hour; 0: never. */
  readonly airtimeLimits = { short: 0, long: 0 };
  readonly counts = { sent: 0, received: 0 };
  isSending = false;
  readonly #channel: Channel;
  readonly #random: Random;
  readonly #events: RnodeEvents;
  readonly #access: RnodeAccess;
  readonly #queue: Uint8Array[] = [];
  readonly #bins = new Float64Array(BINS);
  #bin = 0;
  #queuedOctets = 0;
  #part: { readonly header: number; readonly octets: Uint8Array } | undefined;

  constructor(channel: Channel, random: Random, events: RnodeEvents, mendsWindow = false) {
    this.#channel = channel;
    this.#random = random;
    this.#events = events;
    this.station = channel.join({
      heard: (octets, quality) => this.#heard(octets, quality),
      sensed: () => this.#access.sensed(),
    });
    const access = {
      isBusy: () => channel.isBusy(this.station) || this.#isLocked(),
      airtime: () => this.airtime().short,
    };
    this.#access = new RnodeAccess(channel.clock, random, { ...access, granted: () => this.#granted() }, mendsWindow);
  }

  get isOn(): boolean {
    return this.station.tuning !== undefined;
  }

  /** Whether a READY poll is told that there is no room. */
  get isFull(): boolean {
    return this.#queue.length >= RNODE_QUEUE.packets || this.#queuedOctets >= RNODE_QUEUE.octets;
  }

  /** Of the contention window: 1 to 4. */
  get band(): number {
    return bandOf(this.airtime().short);
  }

  get queued(): { readonly packets: number; readonly octets: number } {
    return { packets: this.#queue.length, octets: this.#queuedOctets };
  }

  on(tuning: Tuning): void {
    this.station.tuning = tuning;
    this.#access.tune(tuning.modulation);
    this.#part = undefined;
    this.#bins.fill(0);
    if (this.#queue.length > 0) this.#access.want();
  }

  /** The queue stays; the frame that is in the air ends as it began. */
  off(): void {
    this.station.tuning = undefined;
    this.#access.stop();
    this.isSending = false;
  }

  /** As after a power cycle. */
  reset(): void {
    this.off();
    this.#queue.length = 0;
    this.#queuedOctets = 0;
    this.airtimeLimits.short = 0;
    this.airtimeLimits.long = 0;
    this.counts.sent = 0;
    this.counts.received = 0;
  }

  /** What does not fit any more is not taken, to the octet: half a packet goes on the air, as in the firmware. */
  push(packet: Uint8Array): void {
    if (this.#queue.length >= RNODE_QUEUE.packets) return;
    const room = RNODE_QUEUE.octets - this.#queuedOctets;
    if (room <= 0 || packet.length === 0) return;
    const taken = packet.slice(0, room);
    this.#queuedOctets += taken.length;
    this.#queue.push(taken);
    if (this.isOn && !this.isSending) this.#access.want();
  }

  /** Own air time, shares of about 15 s and of an hour. */
  airtime(): { readonly short: number; readonly long: number } {
    this.#turnBins();
    const now = this.#bins[this.#bin % BINS] as number;
    const before = this.#bins[(this.#bin + BINS - 1) % BINS] as number;
    const sum = this.#bins.reduce((total, ms) => total + ms, 0);
    return { short: (now + before) / (2 * BIN_MS), long: sum / (BINS * BIN_MS) };
  }

  /** Once a second or so: a limit may have ended. */
  look(): void {
    this.#access.sensed();
  }

  #isLocked(): boolean {
    const { short, long } = this.airtimeLimits;
    if (short === 0 && long === 0) return false;
    const used = this.airtime();
    return (short !== 0 && used.short >= short) || (long !== 0 && used.long >= long);
  }

  #granted(): void {
    const { tuning } = this.station;
    if (tuning === undefined) return;
    const all = flushesQueue(tuning.modulation) ? this.#queue.splice(0) : this.#queue.splice(0, 1);
    const frames = all.filter(({ length }) => length <= RNODE_MTU).flatMap((packet) => this.#split(packet));
    this.#queuedOctets -= all.reduce((sum, { length }) => sum + length, 0);
    this.counts.sent += all.length;
    this.isSending = true;
    this.#next(frames);
  }

  #next(frames: Uint8Array[]): void {
    const frame = frames.shift();
    const { tuning } = this.station;
    if (frame === undefined || tuning === undefined) return this.#over();
    this.#turnBins();
    const bin = this.#bin % BINS;
    this.#bins[bin] = (this.#bins[bin] as number) + airMs(tuning.modulation, frame.length);
    this.#channel.transmit(this.station, frame, () => {
      if (this.isSending) this.#next(frames);
    });
  }

  #over(): void {
    this.isSending = false;
    this.#access.over();
    this.#events.sent();
    if (this.#queue.length > 0) this.#access.want();
  }

  #split(packet: Uint8Array): Uint8Array[] {
    const room = LORA_OCTETS_MAX - HEADER;
    const isSplit = packet.length > room;
    const header = (this.#random.u32() & 0xf0) | (isSplit ? SPLIT : 0);
    const frames: Uint8Array[] = [];
    // Two full halves are followed by an empty third frame: each full one ends with the next begun.
    const end = isSplit && packet.length % room === 0 ? packet.length + 1 : packet.length;
    for (let at = 0; at < end; at += room) frames.push(Uint8Array.of(header, ...packet.subarray(at, at + room)));
    return frames;
  }

  #heard(octets: Uint8Array, quality: Quality): void {
    const header = octets[0] as number;
    const content = octets.slice(HEADER);
    const part = this.#part;
    this.#part = undefined;
    if ((header & SPLIT) === 0) this.#received(content, quality);
    else if (part?.header === header) this.#received(Uint8Array.of(...part.octets, ...content), quality);
    else this.#part = { header, octets: content };
  }

  #received(packet: Uint8Array, quality: Quality): void {
    this.counts.received++;
    this.#events.received(packet.slice(0, RNODE_MTU), quality);
  }

  #turnBins(): void {
    const bin = Math.floor(this.#channel.clock.nowMs / BIN_MS);
    if (bin - this.#bin >= BINS) this.#bins.fill(0);
    else for (let i = this.#bin + 1; i <= bin; i++) this.#bins[i % BINS] = 0;
    this.#bin = bin;
  }
}
