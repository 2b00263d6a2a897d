/** Nodes on a channel with endpoints above them, and what is measured of them. */

import type { AirFacts, E2eMode, Modulation } from '../../daemon/core/port.ts';
import { bitRate, frameAirMs } from '../../daemon/core/radio/air-time.ts';
import { identities } from '../../test/support/core.ts';
import { violations } from '../../test/support/radio/air-check.ts';
import { RNODE_FRAME, rnodeAirFacts, rnodeModulation } from '../../test/support/radio/frame-modem.ts';
import { independent, type LossFacts } from '../../test/support/radio/loss.ts';
import type { HostChanges } from '../../test/support/radio/radio-host.ts';
import { RadioWorld } from '../../test/support/radio/radio-world.ts';
import { percentile } from '../net/statistics.ts';
import { Endpoint } from './endpoint.ts';
import type { TcpSocket } from './tcp.ts';
import type { Figures } from './trial.ts';

export type SceneFacts = {
  readonly seed: number;
  readonly modulation: Modulation;
  /** Share of frames lost, independently, or how. */
  readonly loss: number | LossFacts;
  readonly air: Partial<AirFacts>;
  readonly mendsWindow: boolean;
  /** Off: sessions as plain nodes have them. */
  readonly e2e: E2eMode;
};

const PLAIN: Omit<SceneFacts, 'seed'> = {
  modulation: rnodeModulation(7),
  loss: 0,
  air: {},
  mendsWindow: false,
  e2e: 'prefer',
};

/** Longest wait for a link, a session, a transfer: a trial that needs more has failed. */
const PATIENCE_MS = 3_600_000;
const ASK_FRAMES = 8;

export class Scene {
  readonly world: RadioWorld;
  readonly ends: Endpoint[] = [];
  readonly facts: SceneFacts;
  readonly #owners;
  #airFromMs = 0;
  #measuredFromMs = 0;
  #classesFromMs: Readonly<Record<string, number>> = {};

  constructor(changes: Partial<SceneFacts> & { readonly seed: number }, stations: number) {
    this.facts = { ...PLAIN, ...changes };
    const { loss, e2e: _e2e, ...facts } = this.facts;
    this.world = new RadioWorld(facts);
    this.world.channel.setPaths({ loss: typeof loss === 'number' ? independent(loss) : loss });
    this.#owners = identities(stations);
  }

  /** @param hasRadio its socket opens at once */
  end(hasRadio = true, changes: HostChanges = {}): Endpoint {
    const owner = this.#owners[this.ends.length];
    if (owner === undefined) throw new Error('the scene was made for fewer stations');
    const options = { e2e: this.facts.e2e, ...changes.options };
    const end = new Endpoint(this.world.host(owner, { ...changes, options }));
    this.ends.push(end);
    if (hasRadio) end.host.open();
    return end;
  }

  /** Until they can speak: the link is up and the session warm. Returns how long it took, in ms. */
  join(from: Endpoint, to: Endpoint): number {
    const sinceMs = this.world.nowMs;
    let isAnswered = false;
    // Who asks faster than answers can come asks in vain.
    const everyMs = Math.max(ASK_FRAMES * frameAirMs(rnodeAirFacts(this.facts.modulation), RNODE_FRAME), 5_000);
    const answered = (): void => {
      isAnswered = true;
    };
    while (!isAnswered && this.world.nowMs - sinceMs < PATIENCE_MS) {
      from.ping(to, 8, answered);
      this.world.runUntil(() => isAnswered, everyMs);
    }
    if (!isAnswered) throw new Error('no echo was answered within an hour');
    return this.world.nowMs - sinceMs;
  }

  /** From here on air time counts. */
  measure(): void {
    this.#airFromMs = this.airMs;
    this.#measuredFromMs = this.world.nowMs;
    this.#classesFromMs = this.#classes();
  }

  get measuredMs(): number {
    return this.world.nowMs - this.#measuredFromMs;
  }

  /** Of all stations. */
  get airMs(): number {
    return this.ends.reduce((sum, { host }) => sum + host.airMs, 0);
  }

  get airUsedMs(): number {
    return this.airMs - this.#airFromMs;
  }

  /** What carrying so many octets in the time since `measure` comes to. */
  goodput(octets: number): Figures {
    const { modulation } = this.facts;
    const bitsPerSecond = (octets * 8_000) / this.measuredMs;
    const frameMs = frameAirMs(rnodeAirFacts(modulation), RNODE_FRAME);
    const physicalBits = (RNODE_FRAME * 8_000) / frameMs;
    const idealMs = (octets / RNODE_FRAME) * frameMs;
    return {
      raw: bitsPerSecond / bitRate(modulation),
      physical: bitsPerSecond / physicalBits,
      airPerKb: this.airUsedMs / octets,
      airRatio: this.airUsedMs / idealMs,
      control: this.controlShare,
    };
  }

  /** Of the air time since `measure`: acknowledgements, handshakes and routing. */
  get controlShare(): number {
    const now = this.#classes();
    const spent = (name: string): number => (now[name] ?? 0) - (this.#classesFromMs[name] ?? 0);
    const all = Object.keys(now).reduce((sum, name) => sum + spent(name), 0);
    return all === 0 ? Number.NaN : (spent('answer') + spent('control')) / all;
  }

  violations(): number {
    return this.ends.reduce((sum, { host }) => {
      const limits = host.airFacts.limits;
      return sum + violations(host.modem.radio.station.sent, limits).length;
    }, 0);
  }

  /** Runs until the other side has it all; how many octets it has in the end. */
  download(from: Endpoint, to: Endpoint, octets: number, patienceMs = PATIENCE_MS): number {
    let server: TcpSocket | undefined;
    to.accepted = (socket) => {
      server = socket;
    };
    from.connect(to, 80).write(octets);
    this.world.runUntil(() => (server?.receivedOctets ?? 0) >= octets, patienceMs);
    return server?.receivedOctets ?? 0;
  }

  #classes(): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const { host } of this.ends) {
      for (const { classes } of host.node.radios()) {
        for (const { airClass, sentMs } of classes) sums[airClass] = (sums[airClass] ?? 0) + sentMs;
      }
    }
    return sums;
  }
}

/** Round trips in s, and how many of those asked for there were. */
export function latencies(rttMs: readonly number[], asked: number): Figures {
  const sorted = [...rttMs].sort((a, b) => a - b);
  return {
    p50: percentile(sorted, 0.5) / 1_000,
    p95: percentile(sorted, 0.95) / 1_000,
    delivered: rttMs.length / asked,
  };
}

/** Pings one after the other, so far apart. */
export function pings(scene: Scene, from: Endpoint, to: Endpoint, count: number, everyMs: number): Figures {
  const answered: number[] = [];
  for (let i = 0; i < count; i++) {
    from.ping(to, 56, (rttMs) => answered.push(rttMs));
    scene.world.run(everyMs);
  }
  scene.world.run(2 * everyMs);
  return latencies(answered, count);
}

/** Key strokes of 36 octets over one TCP connection, each echoed; they go on until `stop`. */
export class Typist {
  readonly rttMs: number[] = [];
  typed = 0;
  readonly #typedAtMs: number[] = [];
  #isTyping = true;

  constructor(scene: Scene, from: Endpoint, to: Endpoint, everyMs: number) {
    const { world } = scene;
    const accepted = to.accepted;
    to.accepted = (socket, port) => {
      if (port !== 22) return accepted(socket, port);
      socket.received = (count) => socket.write(count);
    };
    const socket = from.connect(to, 22);
    let echoed = 0;
    socket.received = (count) => {
      for (echoed += count; echoed >= STROKE && this.#typedAtMs.length > 0; echoed -= STROKE) {
        this.rttMs.push(world.nowMs - (this.#typedAtMs.shift() as number));
      }
    };
    const type = (): void => {
      if (!this.#isTyping) return;
      if (socket.isOpen) {
        this.typed++;
        this.#typedAtMs.push(world.nowMs);
        socket.write(STROKE);
      }
      world.schedule.after(everyMs, type);
    };
    type();
  }

  stop(): Figures {
    this.#isTyping = false;
    return latencies(this.rttMs, this.typed);
  }
}

const STROKE = 36;
