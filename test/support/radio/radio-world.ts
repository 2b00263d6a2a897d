/** Nodes joined by radio, and by cables where that is wanted, in virtual time. Everything follows from one seed. */
import type { AirFacts, Modulation } from '../../../daemon/core/radio/facts.ts';
import { Random } from '../../sim/random.ts';
import { Schedule } from '../../sim/schedule.ts';
import type { Identity } from '../core.ts';
import { Channel } from './channel.ts';
import { rnodeModulation } from './frame-modem.ts';
import { type HostChanges, RadioHost } from './radio-host.ts';

export type WorldFacts = {
  readonly seed: number;
  readonly modulation: Modulation;
  /** Of every host's radio, but for what is changed for one. */
  readonly air: Partial<AirFacts>;
  /** RNodes whose contention window counts as it was meant to (`rnode-access.ts`). */
  readonly mendsWindow: boolean;
};

export class RadioWorld {
  readonly schedule = new Schedule();
  readonly random: Random;
  readonly channel: Channel;
  readonly hosts: RadioHost[] = [];
  readonly facts: WorldFacts;

  constructor(changes: Partial<WorldFacts> = {}) {
    this.facts = { seed: 1, modulation: rnodeModulation(7), air: {}, mendsWindow: false, ...changes };
    this.random = new Random(this.facts.seed);
    this.schedule.nowMs = 1_000;
    this.channel = new Channel(this.schedule, this.random.u32());
  }

  get nowMs(): number {
    return this.schedule.nowMs;
  }

  host(owner: Identity, changes: HostChanges = {}): RadioHost {
    const host = new RadioHost(this, this.hosts.length, owner, changes);
    this.hosts.push(host);
    return host;
  }

  run(ms: number): void {
    this.schedule.runTo(this.nowMs + ms);
  }

  /** Runs until a condition holds; false: it did not within the time. */
  runUntil(isTrue: () => boolean, ms: number, stepMs = 10): boolean {
    return this.schedule.runUntil(isTrue, ms, stepMs);
  }
}
