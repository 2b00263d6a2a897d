/** A cable that carries datagrams: it loses, delays, reorders and repeats them, and swallows what is too large. */
import type { AirFacts } from '../../daemon/core/port.ts';
import { airMs } from '../../daemon/core/radio/air-time.ts';
import type { Host } from './host.ts';
import type { Random } from './random.ts';
import type { Schedule } from './schedule.ts';

export type DatagramWeather = {
  /** Shares of the datagrams. */
  readonly loss: number;
  readonly repeat: number;
  /** Added to the latency of each datagram by chance: what it is larger than the gap to the next one, they overtake. */
  readonly jitterMs: number;
  /** Of the datagrams; larger ones vanish. */
  readonly mtu: number;
  /** A radio: one datagram at a time, whoever sends it, and each takes its time on the air. */
  readonly air?: AirFacts;
};

export class DatagramCable {
  readonly dialler: Host;
  readonly acceptor: Host;
  /** Its ends know each other by it. */
  readonly number: number;
  readonly #latencyMs: number;
  readonly #weather: DatagramWeather;
  readonly #schedule: Schedule;
  readonly #random: Random;
  /** Datagrams sent so far, and their octets. */
  datagrams = 0;
  octets = 0;
  #isDown = false;
  #isFreeAtMs = 0;

  constructor(
    ends: { dialler: Host; acceptor: Host; number: number; latencyMs: number },
    weather: DatagramWeather,
    schedule: Schedule,
    random: Random,
  ) {
    this.dialler = ends.dialler;
    this.acceptor = ends.acceptor;
    this.number = ends.number;
    this.#latencyMs = ends.latencyMs;
    this.#weather = weather;
    this.#schedule = schedule;
    this.#random = random;
  }

  get weather(): DatagramWeather {
    return this.#weather;
  }

  get isUsable(): boolean {
    return !this.#isDown && this.dialler.isUp && this.acceptor.isUp;
  }

  /** Nobody is ever told. */
  cut(_isNoticed?: boolean): void {
    this.#isDown = true;
  }

  restore(): void {
    this.#isDown = false;
  }

  hostStopped(): void {}

  hostStarted(host: Host): void {
    if (host === this.dialler) host.datagrams.dial(this);
  }

  send(from: Host, octets: Uint8Array): void {
    const { loss, repeat, jitterMs, mtu } = this.#weather;
    const to = from === this.dialler ? this.acceptor : this.dialler;
    if (octets.length > mtu) return;
    this.datagrams++;
    this.octets += octets.length;
    const onAirMs = this.#onAirMs(octets.length);
    for (let copies = this.#random.chance(repeat) ? 2 : 1; copies > 0; copies--) {
      if (this.#random.chance(loss)) continue;
      this.#schedule.after(onAirMs + this.#latencyMs + this.#random.between(0, jitterMs), () => {
        if (!this.#isDown && to.isUp) to.datagrams.arrived(this, octets.slice());
      });
    }
  }

  /** Until it is through: what is on the air before it, access, itself. */
  #onAirMs(size: number): number {
    const { air } = this.#weather;
    if (air === undefined) return 0;
    const { nowMs } = this.#schedule;
    const { modulation, frameOverhead, accessMs } = air;
    const startMs = this.#isFreeAtMs > nowMs && air.sharesAccess ? this.#isFreeAtMs : nowMs + accessMs;
    this.#isFreeAtMs = Math.max(startMs, this.#isFreeAtMs) + airMs(modulation, size + frameOverhead);
    return this.#isFreeAtMs - nowMs;
  }
}
