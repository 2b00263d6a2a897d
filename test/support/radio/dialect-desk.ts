/** A dialect at an emulated modem, in virtual time: what the shell around it does, seen by the test. */
import { frameAirMs } from '../../../daemon/core/radio/air-time.ts';
import type { AirReport } from '../../../daemon/core/radio/facts.ts';
import type { Dialect, DialectTools, ModemFacts } from '../../../daemon/links/dialect.ts';
import { Random } from '../../sim/random.ts';
import type { Clock } from './clock.ts';
import type { Modem } from './modem.ts';
import type { LineFacts } from './octet-line.ts';
import { Cable } from './ports.ts';

const random = new Random(4);

export const DIALECT_TOOLS: DialectTools = {
  airMs: (air, octets) => frameAirMs({ ...air, limits: [], share: 1, ledger: '' }, octets),
  randomOctet: () => random.below(256),
};

export class DialectDesk {
  readonly dialect: Dialect;
  readonly cable: Cable;
  readonly ups: ModemFacts[] = [];
  readonly frames: { octets: Uint8Array; signal: AirReport | undefined; atMs: number }[] = [];
  readonly reports: AirReport[] = [];
  readonly notes: string[] = [];
  readonly writableAtMs: number[] = [];
  /** All that was written. */
  readonly written: Uint8Array[] = [];
  failure: string | undefined;
  readonly #clock: Clock;
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, modem: Modem, dialect: Dialect, facts: Partial<LineFacts> = {}, seed = 1) {
    this.#clock = clock;
    this.dialect = dialect;
    this.cable = new Cable(
      clock,
      modem,
      (octets) => this.#run(() => dialect.receive(octets, clock.nowMs)),
      facts,
      seed,
    );
    modem.opened();
    this.#run(() => dialect.start(clock.nowMs));
  }

  /** True: it was taken. */
  send(frame: Uint8Array): boolean {
    let isTaken = false;
    this.#run(() => {
      isTaken = this.dialect.send(frame, this.#clock.nowMs);
    });
    return isTaken;
  }

  stop(): void {
    this.#run(() => this.dialect.stop());
  }

  #run(act: () => void): void {
    act();
    const { nowMs } = this.#clock;
    for (const effect of this.dialect.effects.splice(0)) {
      if (effect.kind === 'write') {
        this.written.push(effect.octets);
        this.cable.toModem.write(effect.octets);
      } else if (effect.kind === 'up') this.ups.push(effect.facts);
      else if (effect.kind === 'frame') this.frames.push({ octets: effect.octets, signal: effect.signal, atMs: nowMs });
      else if (effect.kind === 'writable') this.writableAtMs.push(nowMs);
      else if (effect.kind === 'report') this.reports.push(effect.report);
      else if (effect.kind === 'note') this.notes.push(effect.text);
      else this.failure = effect.text;
    }
    this.#arm();
  }

  #arm(): void {
    const atMs = this.dialect.deadline();
    if (atMs >= this.#wakeAtMs || atMs === Number.POSITIVE_INFINITY) return;
    this.#wakeAtMs = atMs;
    this.#clock.at(atMs, () => {
      if (this.#wakeAtMs !== atMs) return;
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#run(() => this.dialect.timer(this.#clock.nowMs));
    });
  }
}
