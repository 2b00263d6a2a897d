/** The ledgers of a node by their names; what earlier lives have told of them waits until their transmitters are there. */
import type { CoreEvent } from '../port.ts';
import type { AirFacts, AirMemory, AirRecord } from './facts.ts';
import { Ledger } from './ledger.ts';
import { Transmitter } from './transmitter.ts';

export class Ledgers {
  readonly #memories: readonly AirMemory[];
  /** One for each transmitter that has been there in this life. */
  readonly #ledgers = new Map<string, Ledger>();
  #beganMs: number | undefined;

  constructor(memories: readonly AirMemory[]) {
    this.#memories = memories;
  }

  /** From now on time is counted. */
  begin(nowMs: number): void {
    this.#beganMs ??= nowMs;
  }

  /** There has been no radio in this life. */
  get isEmpty(): boolean {
    return this.#ledgers.size === 0;
  }

  /** @param frameMax octets of the largest frame */
  transmitter(air: AirFacts, frameMax: number, nowMs: number): Transmitter {
    let ledger = this.#ledgers.get(air.ledger);
    if (ledger === undefined) {
      const memory = this.#memories.find(({ record }) => record.ledger === air.ledger);
      const livedMs = nowMs - (this.#beganMs ?? nowMs);
      ledger = new Ledger(air.ledger, nowMs, memory?.record, (memory?.elapsedMs ?? 0) + livedMs);
      this.#ledgers.set(air.ledger, ledger);
    }
    return new Transmitter(air, frameMax, ledger, nowMs);
  }

  /** Says what is to be remembered anew before more is sent. */
  tell({ events, nowMs }: { readonly events: CoreEvent[]; readonly nowMs: number }): void {
    for (const ledger of this.#ledgers.values()) {
      const record = ledger.takeRecord(nowMs);
      if (record !== undefined) events.push({ kind: 'airUsed', record });
    }
  }

  /** What was sent until now, if nothing more will be. */
  records(nowMs: number): AirRecord[] {
    return [...this.#ledgers.values()]
      .filter(({ budgets }) => budgets.length > 0)
      .map((ledger) => ledger.record(nowMs));
  }
}
