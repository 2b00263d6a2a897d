/** Echo requests under way, and who waits for their answers. */
import type { CoreEvent } from './core/port.ts';
import type { Driver } from './driver.ts';
import type { Commands, PingResult } from './host/commands.ts';

/** The core tells answers apart by 256 sequence numbers; more cannot be under way. */
const SEQUENCES = 256;

export class Pings {
  readonly #waiting = new Map<number, (result: PingResult) => void>();
  #next = 0;

  /** One request; the sequence number on the wire is our own, so that several callers do not mix. */
  ping(driver: Driver, { address, size, timeoutMs }: Commands['ping']['args']): Promise<PingResult> {
    const sequence = this.#next++ & 0xffff;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(sequence, { isAnswered: false, rttMs: 0 }), timeoutMs);
      this.#settle(sequence, { isAnswered: false, rttMs: 0 });
      this.#waiting.set(sequence % SEQUENCES, (result) => {
        clearTimeout(timer);
        resolve(result);
      });
      driver.feed({ kind: 'echo', target: address, sequence, size });
    });
  }

  heard(event: CoreEvent): void {
    if (event.kind === 'echoReply') this.#settle(event.sequence, { isAnswered: true, rttMs: event.rttMs });
  }

  #settle(sequence: number, result: PingResult): void {
    const resolve = this.#waiting.get(sequence % SEQUENCES);
    this.#waiting.delete(sequence % SEQUENCES);
    resolve?.(result);
  }
}
