/** Two carriers joined inside one process, for tests. What one writes the other reads after `schedule`. */
import type { LinkFacts } from '../core/port.ts';
import type { Carrier, CarrierEvents } from './link.ts';

/** Octets under way in one direction; beyond them a write is held until some have been read. */
const CAPACITY = 256 * 1024;

export type Schedule = (act: () => void) => void;

export function memoryPair(a: LinkFacts, b: LinkFacts, schedule: Schedule = queueMicrotask): [Carrier, Carrier] {
  const first = new MemoryCarrier(a, schedule);
  const second = new MemoryCarrier(b, schedule);
  first.join(second);
  second.join(first);
  return [first, second];
}

class MemoryCarrier implements Carrier {
  readonly remoteHost = '';
  readonly localHost = '';
  readonly facts: LinkFacts;
  readonly #schedule: Schedule;
  #other: MemoryCarrier | undefined;
  #events: CarrierEvents | undefined;
  /** What the other side wrote and this one has not read. */
  #inbox: Uint8Array[] = [];
  #inboxBytes = 0;
  #isScheduled = false;
  #isHeld = false;
  #isClosed = false;
  #isEnded = false;

  constructor(facts: LinkFacts, schedule: Schedule) {
    this.facts = facts;
    this.#schedule = schedule;
  }

  join(other: MemoryCarrier): void {
    this.#other = other;
  }

  start(events: CarrierEvents): void {
    this.#events = events;
    this.#wake();
  }

  write(bytes: Uint8Array): boolean {
    const other = this.#other;
    if (this.#isClosed || other === undefined) return true;
    other.#inbox.push(bytes.slice());
    other.#inboxBytes += bytes.length;
    other.#wake();
    this.#isHeld = other.#inboxBytes > CAPACITY;
    return !this.#isHeld;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const other = this.#other;
    if (other === undefined) return;
    other.#isEnded = true;
    other.#wake();
  }

  /** The other side has read what was written: a held write is done. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#schedule(() => {
      if (!this.#isClosed) this.#events?.writable();
    });
  }

  #wake(): void {
    if (this.#isScheduled || this.#events === undefined) return;
    this.#isScheduled = true;
    this.#schedule(() => this.#read());
  }

  #read(): void {
    this.#isScheduled = false;
    const chunks = this.#inbox;
    this.#inbox = [];
    this.#inboxBytes = 0;
    for (const chunk of chunks) if (!this.#isClosed) this.#events?.bytes(chunk);
    if (chunks.length > 0) this.#other?.release();
    if (!this.#isEnded || this.#isClosed || this.#inbox.length > 0) return;
    this.#isClosed = true;
    this.#events?.closed('the other side closed the connection');
  }
}
