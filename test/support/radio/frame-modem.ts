/**
 * A modem without a dialect, for cores in virtual time: frames in, frames out, on an RNode's radio, with the time that its serial cable
 * takes. As drivers do it holds one burst: it takes frames while it waits for the channel, none while it transmits, and says
 * `writable` when all of them are sent.
 */
import { rnodePreambleSymbols } from '../../../daemon/core/radio/air-time.ts';
import type { AirFacts, Modulation } from '../../../daemon/core/radio/facts.ts';
import type { Random } from '../../sim/random.ts';
import type { Channel, Quality } from './channel.ts';
import { flushesQueue, meanAccessMs } from './rnode-access.ts';
import { RNODE_QUEUE, RnodeRadio } from './rnode-radio.ts';

/** 8N1 at 115 200 Bd, and what USB adds. */
export const SERIAL = { octetsPerMs: 11.52, delayMs: 1 };

/** A frame that is one LoRa frame, header and all. */
export const RNODE_FRAME = 254;

/** One that is two of them: for where each frame waits for its own access. */
const RNODE_DOUBLE_FRAME = 507;

/** Octets of the largest frame that drivers send by default. */
export function rnodeFrame(modulation: Modulation): number {
  return flushesQueue(modulation) ? RNODE_FRAME : RNODE_DOUBLE_FRAME;
}

export type FrameEvents = {
  frame(octets: Uint8Array, quality: Quality): void;
  writable(): void;
};

export class FrameModem {
  readonly radio: RnodeRadio;
  /** Frames of a burst at most. */
  burstFrames = 64;
  /** The cable between modem and host is out. */
  isCut = false;
  readonly #channel: Channel;
  readonly #events: FrameEvents;
  #held = 0;
  #heldOctets = 0;
  /** When the cable is free again, to the modem and from it. */
  #toModemMs = 0;
  #toHostMs = 0;

  constructor(channel: Channel, modulation: Modulation, random: Random, events: FrameEvents, mendsWindow = false) {
    this.#channel = channel;
    this.#events = events;
    const received = (packet: Uint8Array, quality: Quality): void => this.#received(packet, quality);
    this.radio = new RnodeRadio(channel, random, { received, sent: () => this.#sent() }, mendsWindow);
    this.radio.on({ frequencyHz: 869_525_000, modulation });
  }

  /** False: the burst is full, or being sent; `writable` follows. */
  send(frame: Uint8Array): boolean {
    if (this.isCut) return true;
    if (this.radio.isSending || this.#held >= this.burstFrames) return false;
    if (this.#heldOctets + frame.length > RNODE_QUEUE.octets) return false;
    this.#held++;
    this.#heldOctets += frame.length;
    const octets = frame.slice();
    const { clock } = this.#channel;
    this.#toModemMs = Math.max(this.#toModemMs, clock.nowMs) + octets.length / SERIAL.octetsPerMs;
    clock.at(this.#toModemMs + SERIAL.delayMs, () => this.radio.push(octets));
    return true;
  }

  #sent(): void {
    // Frames that were still on the cable when the channel was granted wait for the next access.
    if (this.#channel.clock.nowMs < this.#toModemMs + SERIAL.delayMs || this.radio.queued.packets > 0) return;
    this.#held = 0;
    this.#heldOctets = 0;
    this.#channel.clock.after(SERIAL.delayMs, () => this.#events.writable());
  }

  #received(packet: Uint8Array, quality: Quality): void {
    const { clock } = this.#channel;
    this.#toHostMs = Math.max(this.#toHostMs, clock.nowMs) + packet.length / SERIAL.octetsPerMs;
    clock.at(this.#toHostMs + SERIAL.delayMs, () => {
      if (!this.isCut) this.#events.frame(packet, quality);
    });
  }
}

/** LoRa as an RNode sends it. */
export function rnodeModulation(spreadingFactor: number, bandwidthHz = 125_000, codingRate = 5): Modulation {
  const preambleSymbols = rnodePreambleSymbols(spreadingFactor, bandwidthHz, codingRate);
  return { kind: 'lora', spreadingFactor, bandwidthHz, codingRate, preambleSymbols };
}

/** What a host is told of such a modem. */
export function rnodeAirFacts(modulation: Modulation, changes: Partial<AirFacts> = {}): AirFacts {
  return {
    modulation,
    frameOverhead: 1,
    accessMs: meanAccessMs(modulation),
    sharesAccess: flushesQueue(modulation),
    turnaroundMs: 20,
    limits: [],
    share: 1,
    ledger: 'lab',
    ...changes,
  };
}
