/**
 * Keeps what the system holds unsent of a link short: what waits there can no longer be passed by, nor dropped. A few
 * milliseconds' worth at the pace of the link, which is measured while the system takes less than it is given.
 */
import type { Socket } from 'node:net';
import { loadAddon } from '../../native-bindings/addon.ts';

/** Less would cost turns, not time. */
const UNSENT_MIN = 16 * 1024;
/** How long the system can do without us. */
const UNSENT_MS = 4;
const MEASURE_MS = 20;
/** After such a pause the pace is measured anew. */
const IDLE_MS = 500;

/** Of a TCP connection: a burst that the system can take over without us. */
const TCP_UNSENT_MAX = 512 * 1024;

const addon = loadAddon();

export class SendQueue {
  readonly #limit: (octets: number) => void;
  readonly #maxBytes: number;
  #unsentBytes: number;
  /** Octets written since `#sinceMs`, when the system last took less than it was given. */
  #bytes = 0;
  #sinceMs = 0;

  /** `limit` tells the system how many octets it may hold: first, and as long as it takes everything, `maxBytes`. */
  constructor(maxBytes: number, limit: (octets: number) => void) {
    this.#limit = limit;
    this.#maxBytes = maxBytes;
    this.#unsentBytes = maxBytes;
    limit(maxBytes);
  }

  /** The system was given so many octets and took them at once. */
  taken(octets: number): void {
    this.#bytes += octets;
  }

  /** It did not take all of it at once; `octets` are those that count as given. */
  held(octets: number, nowMs: number): void {
    this.#bytes += octets;
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs < MEASURE_MS) return;
    if (passedMs < IDLE_MS) this.#adapt((this.#bytes / passedMs) * UNSENT_MS);
    this.#bytes = 0;
    this.#sinceMs = nowMs;
  }

  #adapt(wanted: number): void {
    const octets = Math.round(Math.max(UNSENT_MIN, Math.min(this.#maxBytes, wanted)));
    // A system call for every ripple would be too many.
    if (octets < 1.5 * this.#unsentBytes && this.#unsentBytes < 1.5 * octets) return;
    this.#unsentBytes = octets;
    this.#limit(octets);
  }
}

/** That of a connected socket. One that is no TCP connection is left as it is. */
export function sendQueueOf(socket: Socket): SendQueue {
  // Node shows the descriptor there, and nowhere else; of TLS, that of the connection below it.
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null };
  const descriptor = handle?.fd ?? -1;
  return new SendQueue(TCP_UNSENT_MAX, (octets) => {
    if (descriptor >= 0) addon?.limitUnsent(descriptor, octets);
  });
}
