/**
 * One radio channel: who transmits when, and what others hear of it. Air time is Semtech's (radio reference, section 3); a station
 * that transmits hears nothing; frames that overlap spoil each other unless one is 6 dB stronger (section 3, capture).
 */
import { airMs, symbolMs } from '../../../daemon/core/radio/air-time.ts';
import type { Modulation } from '../../../daemon/core/radio/facts.ts';
import { Random } from '../../sim/random.ts';
import type { Clock } from './clock.ts';
import { Losses, type LossFacts, NO_LOSS } from './loss.ts';

/** A frame so much stronger survives another (section 3). */
const CAPTURE_DB = 6;

/** Energy that an RNode takes for somebody's transmission: so much above the noise (section 2.2). */
const ENERGY_DB = 11;

/** A receiver needs these last symbols of a preamble (Bor et al., Do LoRa low-power wide-area networks scale?, 2016). */
const PREAMBLE_NEEDED_SYMBOLS = 5;

/** Until energy is noticed: the modem looks every 3 ms (RNode firmware, status interval). */
const ENERGY_DELAY_MS = 3;

/** Thermal noise of 1 Hz at room temperature, and what a receiver adds. */
const NOISE_DBM_PER_HZ = -174;
const NOISE_FIGURE_DB = 6;

/** Receivers report no more, dB. */
const SNR_MOST = 12;

/** dB at which frames are still demodulated, by spreading factor from 5 up (section 3). */
const SNR_LIMITS = [-2.5, -5, -7.5, -10, -12.5, -15, -17.5, -20];

export type Tuning = { readonly frequencyHz: number; readonly modulation: Modulation };

/** How well something was heard: dBm and dB. */
export type Quality = { readonly rssi: number; readonly snr: number };

export interface Listener {
  /** A frame has come. */
  heard(octets: Uint8Array, quality: Quality): void;
  /** `isBusy` may have changed. */
  sensed(): void;
}

/** What one station hears of another. */
export type PathFacts = {
  /** dBm; −Infinity: nothing at all, not even a carrier. */
  readonly rssi: number;
  readonly loss: LossFacts;
};

const CLOSE: PathFacts = { rssi: -80, loss: NO_LOSS };

export type Station = {
  readonly number: number;
  readonly listener: Listener;
  /** Undefined: off. */
  tuning: Tuning | undefined;
  /** After its own transmission, until it hears again. */
  readonly deafMs: number;
  /** All it has sent: begin and end, in order. */
  readonly sent: { readonly fromMs: number; readonly toMs: number }[];
};

type Transmission = {
  readonly from: Station;
  readonly tuning: Tuning;
  readonly octets: Uint8Array;
  readonly fromMs: number;
  readonly toMs: number;
  /** From here on it must be heard undisturbed. */
  readonly neededFromMs: number;
};

type Path = { readonly rssi: number; readonly losses: Losses };

export type ChannelCounts = { sent: number; heard: number; collided: number; deaf: number; weak: number; lost: number };

export class Channel {
  readonly clock: Clock;
  readonly stations: Station[] = [];
  /** Of receptions, but for `sent`. */
  readonly counts: ChannelCounts = { sent: 0, heard: 0, collided: 0, deaf: 0, weak: 0, lost: 0 };
  /** Sees each frame as it begins; for traces. */
  watch: (from: Station, octets: Uint8Array, toMs: number) => void = () => {};
  readonly #random: Random;
  readonly #paths = new Map<number, Path>();
  #default = CLOSE;
  /** In the air, or so lately that they may have overlapped with what is. */
  #recent: Transmission[] = [];

  constructor(clock: Clock, seed = 1) {
    this.clock = clock;
    this.#random = new Random(seed);
  }

  join(listener: Listener, tuning?: Tuning, deafMs = 1): Station {
    const station = { number: this.stations.length, listener, tuning, deafMs, sent: [] };
    this.stations.push(station);
    return station;
  }

  /** Of all paths that nothing else is said of, from now on. */
  setPaths(facts: Partial<PathFacts>): void {
    this.#default = { ...this.#default, ...facts };
    this.#paths.clear();
  }

  /** What `to` hears of `from`. */
  setPath(from: Station, to: Station, facts: Partial<PathFacts>): void {
    this.#paths.set(pathKey(from, to), this.#newPath({ ...this.#default, ...facts }));
  }

  /** Both ways. */
  setBetween(a: Station, b: Station, facts: Partial<PathFacts>): void {
    this.setPath(a, b, facts);
    this.setPath(b, a, facts);
  }

  /** These two do not hear each other, not even as a carrier. */
  hide(a: Station, b: Station): void {
    this.setBetween(a, b, { rssi: Number.NEGATIVE_INFINITY });
  }

  /** Sends one frame as it is, whoever else does; `done` at its end. */
  transmit(from: Station, octets: Uint8Array, done: () => void): void {
    const { tuning } = from;
    if (tuning === undefined) throw new Error(`station ${from.number} transmits while it is off`);
    const fromMs = this.clock.nowMs;
    const toMs = fromMs + airMs(tuning.modulation, octets.length);
    const last = from.sent.at(-1);
    if (last !== undefined && last.toMs > fromMs) throw new Error(`station ${from.number} transmits twice at once`);
    const neededFromMs = fromMs + spareMs(tuning.modulation);
    const transmission = { from, tuning, octets: octets.slice(), fromMs, toMs, neededFromMs };
    this.#forget(fromMs);
    this.#recent.push(transmission);
    from.sent.push({ fromMs, toMs });
    this.counts.sent++;
    this.watch(from, octets, toMs);
    this.#tell(from, tuning, ENERGY_DELAY_MS);
    this.#tell(from, tuning, carrierDelayMs(tuning.modulation));
    this.clock.at(toMs, () => {
      this.#arrive(transmission);
      for (const station of this.stations) station.listener.sensed();
      done();
    });
  }

  /** What a modem's carrier sense says: it is transmitting itself, or notices somebody. */
  isBusy(station: Station): boolean {
    return this.#recent.some((transmission) => this.#isNoticed(station, transmission));
  }

  /** dBm at a station now: the strongest signal, or the noise. */
  level(station: Station): number {
    const { nowMs } = this.clock;
    let level = this.noiseFloor(station);
    for (const { from, fromMs, toMs } of this.#recent) {
      if (from !== station && fromMs <= nowMs && nowMs < toMs) level = Math.max(level, this.#path(from, station).rssi);
    }
    return level;
  }

  noiseFloor(station: Station): number {
    return station.tuning === undefined ? NOISE_DBM_PER_HZ : noiseDbm(station.tuning.modulation);
  }

  #isNoticed(station: Station, { from, tuning, fromMs, toMs }: Transmission): boolean {
    const { nowMs } = this.clock;
    if (nowMs < fromMs || nowMs >= toMs) return false;
    if (from === station) return true;
    if (station.tuning?.frequencyHz !== tuning.frequencyHz) return false;
    const { rssi } = this.#path(from, station);
    const noise = this.noiseFloor(station);
    const ageMs = nowMs - fromMs;
    if (rssi > noise + ENERGY_DB) return ageMs >= ENERGY_DELAY_MS;
    return (
      isSame(tuning, station.tuning) &&
      rssi - noise >= snrLimit(tuning.modulation) &&
      ageMs >= carrierDelayMs(tuning.modulation)
    );
  }

  #tell(from: Station, tuning: Tuning, delayMs: number): void {
    this.clock.after(delayMs, () => {
      for (const station of this.stations) {
        if (station !== from && station.tuning?.frequencyHz === tuning.frequencyHz) station.listener.sensed();
      }
    });
  }

  #arrive(transmission: Transmission): void {
    for (const station of this.stations) {
      if (station === transmission.from || station.tuning === undefined) continue;
      if (!isSame(transmission.tuning, station.tuning)) continue;
      const outcome = this.#fate(transmission, station);
      if (outcome === undefined) continue;
      this.counts[outcome]++;
      if (outcome !== 'heard') continue;
      const { rssi } = this.#path(transmission.from, station);
      station.listener.heard(transmission.octets, { rssi, snr: Math.min(rssi - this.noiseFloor(station), SNR_MOST) });
    }
  }

  /** Undefined: so far away that it does not count. */
  #fate(transmission: Transmission, station: Station): Exclude<keyof ChannelCounts, 'sent'> | undefined {
    const path = this.#path(transmission.from, station);
    if (path.rssi === Number.NEGATIVE_INFINITY) return undefined;
    // Drawn for every frame, so that what befalls one path does not shift the losses of the next.
    const isLost = path.losses.takes();
    if (path.rssi - this.noiseFloor(station) < snrLimit(transmission.tuning.modulation)) return 'weak';
    if (this.#wasDeaf(transmission, station)) return 'deaf';
    const isSpoilt = this.#recent.some(
      (other) =>
        other !== transmission &&
        other.from !== station &&
        isSame(other.tuning, transmission.tuning) &&
        other.toMs > transmission.neededFromMs &&
        other.fromMs < transmission.toMs &&
        this.#path(other.from, station).rssi > path.rssi - CAPTURE_DB,
    );
    if (isSpoilt) return 'collided';
    return isLost ? 'lost' : 'heard';
  }

  #wasDeaf({ neededFromMs, toMs }: Transmission, { sent, deafMs }: Station): boolean {
    for (let i = sent.length - 1; i >= 0; i--) {
      const own = sent[i] as { fromMs: number; toMs: number };
      if (own.toMs + deafMs <= neededFromMs) return false;
      if (own.fromMs < toMs) return true;
    }
    return false;
  }

  #path(from: Station, to: Station): Path {
    const key = pathKey(from, to);
    let path = this.#paths.get(key);
    if (path === undefined) {
      path = this.#newPath(this.#default);
      this.#paths.set(key, path);
    }
    return path;
  }

  #newPath({ rssi, loss }: PathFacts): Path {
    return { rssi, losses: new Losses(loss, this.#random.fork()) };
  }

  /** What ended before everything that is in the air began can spoil nothing more. */
  #forget(nowMs: number): void {
    const begins = this.#recent.filter(({ toMs }) => toMs > nowMs).map(({ fromMs }) => fromMs);
    const sinceMs = Math.min(nowMs, ...begins);
    this.#recent = this.#recent.filter(({ toMs }) => toMs >= sinceMs);
  }
}

export function noiseDbm(modulation: Modulation): number {
  const bandwidthHz = modulation.kind === 'lora' ? modulation.bandwidthHz : 2 * modulation.bitsPerSecond;
  return NOISE_DBM_PER_HZ + NOISE_FIGURE_DB + 10 * Math.log10(bandwidthHz);
}

/** The least signal that is demodulated, dB above the noise. */
export function snrLimit(modulation: Modulation): number {
  return modulation.kind === 'lora' ? (SNR_LIMITS[modulation.spreadingFactor - 5] as number) : 0;
}

/** Of a preamble, what need not be heard. */
function spareMs(modulation: Modulation): number {
  if (modulation.kind === 'rate') return 0;
  return Math.max(modulation.preambleSymbols - PREAMBLE_NEEDED_SYMBOLS, 0) * symbolMs(modulation);
}

/** Until a carrier too weak for its energy is noticed by its preamble. */
function carrierDelayMs(modulation: Modulation): number {
  if (modulation.kind === 'rate') return ENERGY_DELAY_MS;
  return Math.max(PREAMBLE_NEEDED_SYMBOLS * symbolMs(modulation), ENERGY_DELAY_MS);
}

function isSame(a: Tuning, b: Tuning): boolean {
  const [x, y] = [a.modulation, b.modulation];
  if (a.frequencyHz !== b.frequencyHz) return false;
  if (x.kind === 'lora' && y.kind === 'lora') {
    return x.spreadingFactor === y.spreadingFactor && x.bandwidthHz === y.bandwidthHz;
  }
  return x.kind === 'rate' && y.kind === 'rate' && x.bitsPerSecond === y.bitsPerSecond;
}

function pathKey(from: Station, to: Station): number {
  return from.number * 0x1_0000 + to.number;
}
