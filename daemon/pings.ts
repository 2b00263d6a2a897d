/** Echo requests under way, and who waits for their answers. */
import type { CoreEvent } from './core/port.ts';
import type { Driver } from './driver.ts';
import type { Commands, PingResult } from './host/commands.ts';

/** The core tells answers apart by 256 sequence numbers; more cannot be under way. */
const SEQUENCES = 256;

type Waiting = { readonly sequence: number; readonly settle: (result: PingResult) => void };

const SILENCE: PingResult = { isAnswered: false, rttMs: 0 };

export class Pings {
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  /** One request; the sequence number on the wire is our own, so that several callers do not mix. */
  ping(driver: Driver, { address, size, timeoutMs }: Commands['ping']['args']): Promise<PingResult> {
    const sequence = this.#next++ & 0xffff;
    const slot = sequence % SEQUENCES;
    // Whoever waited here has lost its place in the core, too.
    this.#waiting.get(slot)?.settle(SILENCE);
    return new Promise((resolve) => {
      const settle = (result: PingResult): void => {
        clearTimeout(timer);
        this.#waiting.delete(slot);
        resolve(result);
      };
      const timer = setTimeout(() => settle(SILENCE), timeoutMs);
      this.#waiting.set(slot, { sequence, settle });
      driver.feed({ kind: 'echo', target: address, sequence, size });
    });
  }

  /** An answer that comes after its time must not pass for that of another request with the same place. */
  heard(event: CoreEvent): void {
    if (event.kind !== 'echoReply' && event.kind !== 'echoTooBig') return;
    const waiting = this.#waiting.get(event.sequence % SEQUENCES);
    if (waiting?.sequence !== event.sequence) return;
    if (event.kind === 'echoTooBig') waiting.settle({ ...SILENCE, mtu: event.mtu });
    else waiting.settle({ isAnswered: true, rttMs: event.rttMs });
  }
}
