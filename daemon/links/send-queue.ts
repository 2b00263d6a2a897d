/**
 * Keeps what the system holds unsent of a TCP connection short: what waits there can no longer be passed by, nor dropped. A
 * few milliseconds' worth at the pace of the connection, which is measured while it takes less than it is given.
 */
import type { Socket } from 'node:net';
import { loadAddon } from '../../native-bindings/addon.ts';

/** Octets: a burst that the system can take over without us. Less than the lower bound would cost turns, not time. */
const UNSENT_MAX = 128 * 1024;
const UNSENT_MIN = 16 * 1024;
/** How long the system can do without us. */
const UNSENT_MS = 4;
const MEASURE_MS = 20;
const IDLE_MS = 500;

const addon = loadAddon();

export class SendQueue {
  readonly #descriptor: number;
  #unsentBytes = Number.POSITIVE_INFINITY;
  /** Octets written since `#sinceMs`, when a write was last held. */
  #bytes = 0;
  #sinceMs = 0;

  /** `socket` is connected. One that is no TCP connection is left as it is. */
  constructor(socket: Socket) {
    // Node shows the descriptor there, and nowhere else; of TLS, that of the connection below it.
    const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null };
    this.#descriptor = handle?.fd ?? -1;
    this.#limit(UNSENT_MAX);
  }

  /** So many octets were written, and not all of them were taken at once. */
  held(octets: number): void {
    const nowMs = performance.now();
    const passedMs = nowMs - this.#sinceMs;
    this.#bytes += octets;
    if (passedMs < MEASURE_MS) return;
    // It was idle in between, or this is the first.
    const isMeasured = this.#sinceMs !== 0 && passedMs < IDLE_MS;
    if (isMeasured) this.#limit(Math.max(UNSENT_MIN, Math.min(UNSENT_MAX, (this.#bytes / passedMs) * UNSENT_MS)));
    this.#bytes = 0;
    this.#sinceMs = nowMs;
  }

  /** All of them were. */
  taken(octets: number): void {
    this.#bytes += octets;
  }

  #limit(octets: number): void {
    const isAlike = octets < 1.5 * this.#unsentBytes && this.#unsentBytes < 1.5 * octets;
    if (this.#descriptor < 0 || isAlike) return;
    addon?.limitUnsent(this.#descriptor, Math.round(octets));
    this.#unsentBytes = octets;
  }
}
