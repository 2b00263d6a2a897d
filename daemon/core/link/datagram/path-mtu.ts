/**
 * How large packets may be on a path over IP: searched for from below, and found out when they vanish (link document,
 * section 12). Sizes are those of whole packets, in octets.
 *
 *     search: probing a size ──answered──▶ probing the next one
 *                └──3 lost, or nothing larger──▶ resting, 600 s; 60 s after a black hole
 *     check:  resting ──large packet sent, 5 s──▶ round ──small one answered, large one not, 3 times──▶ black hole
 *                ▲───────────── large one answered ───┘
 */
import {
  MTU_CHECK_MS,
  MTU_LOSSES,
  MTU_PROBE,
  MTU_SEARCH_AFTER_BLACK_HOLE_MS,
  MTU_SEARCH_AGAIN_MS,
} from '../../limits.ts';

const NEVER = Number.POSITIVE_INFINITY;
/**
 * Above every id of a PING. Not −1: to the engine ids are floating-point numbers, and a field that has held small integers
 * alone makes it discard all compiled code that knows the object when another number comes: here that of the sending path.
 */
export const NO_PING = 2 ** 32;
/** Common ones first: tunnels, PPPoE, Ethernet; then those of jumbo frames and of this machine. */
const STEPS: readonly number[] = [1_280, 1_352, 1_400, 1_420, 1_452, 1_472, 2_048, 4_096, 8_192, 8_952, 16_384, 32_768];

export class PathMtu {
  current: number;
  readonly #base: number;
  #ceiling: number;
  /** The size being probed, 0 while none is; its id; how often sent. */
  #probing = 0;
  #probeId = 0;
  #probeTries = 0;
  #probeAtMs = NEVER;
  #searchAtMs = NEVER;
  /** The ids of the round under way, and what is known of it. */
  #largePing = NO_PING;
  #smallPing = NO_PING;
  #isSmallAnswered = false;
  #lostRounds = 0;
  #checkAtMs = NEVER;

  /** With `ceiling` = `base` nothing is searched for. */
  constructor(base: number, ceiling: number, nowMs: number) {
    this.current = base;
    this.#base = base;
    this.#ceiling = ceiling;
    if (ceiling > base) this.#searchAtMs = nowMs;
  }

  /** The size of the probe to be sent now; 0: none. The caller sends it, and says so. */
  probeDue(nowMs: number): number {
    if (nowMs >= this.#searchAtMs) {
      this.#searchAtMs = NEVER;
      this.#probe(nowMs);
    }
    if (nowMs < this.#probeAtMs) return 0;
    if (this.#probeTries < MTU_PROBE.tries) return this.#probing;
    this.#rest(nowMs + MTU_SEARCH_AGAIN_MS);
    return 0;
  }

  /** All sendings of one size carry the first one's id. */
  get probeId(): number {
    return this.#probeId;
  }

  probeSent(nowMs: number): void {
    this.#probeTries++;
    this.#probeAtMs = nowMs + MTU_PROBE.everyMs;
  }

  probed(id: number, size: number, nowMs: number): void {
    if (this.#probing === 0 || id !== this.#probeId || size !== this.#probing) return;
    this.current = size;
    this.#probe(nowMs);
  }

  /** A packet of this size was sent. Returns true if that is above the base size. */
  sent(size: number, nowMs: number): boolean {
    if (size <= this.#base) return false;
    if (this.#checkAtMs === NEVER) this.#checkAtMs = nowMs + MTU_CHECK_MS;
    return true;
  }

  /** A round is due: a PING padded to `current`, and a small one beside it. */
  isCheckDue(nowMs: number): boolean {
    if (nowMs < this.#checkAtMs || this.current === this.#base) return false;
    if (this.#largePing === NO_PING || !this.#isSmallAnswered) return true;
    if (++this.#lostRounds < MTU_LOSSES) return true;
    this.blackHole(nowMs);
    return false;
  }

  checkSent(largeId: number, smallId: number, nowMs: number): void {
    this.#largePing = largeId;
    this.#smallPing = smallId;
    this.#isSmallAnswered = false;
    this.#checkAtMs = nowMs + MTU_PROBE.everyMs;
  }

  ponged(id: number): void {
    if (id === this.#smallPing) this.#isSmallAnswered = true;
    else if (id === this.#largePing) this.#endCheck();
  }

  /** Packets above the base size vanish. */
  blackHole(nowMs: number): void {
    this.current = this.#base;
    this.#endCheck();
    this.#rest(nowMs + MTU_SEARCH_AFTER_BLACK_HOLE_MS);
  }

  /** The path is another one now. */
  reset(nowMs: number): void {
    this.current = this.#base;
    this.#endCheck();
    this.#rest(nowMs);
  }

  /** The system says that packets above `size` do not pass; it is believed as a bound for the search only. */
  lowerCeiling(size: number): void {
    this.#ceiling = Math.max(this.#base, Math.min(this.#ceiling, size));
  }

  get deadlineMs(): number {
    return Math.min(this.#searchAtMs, this.#probeAtMs, this.#checkAtMs);
  }

  #probe(nowMs: number): void {
    const next = STEPS.find((step) => step > this.current && step < this.#ceiling) ?? this.#ceiling;
    if (next <= this.current) return this.#rest(nowMs + MTU_SEARCH_AGAIN_MS);
    this.#probing = next;
    this.#probeId = (this.#probeId + 1) % 0x1_0000_0000;
    this.#probeTries = 0;
    this.#probeAtMs = nowMs;
  }

  #rest(untilMs: number): void {
    this.#probing = 0;
    this.#probeAtMs = NEVER;
    this.#searchAtMs = this.#ceiling > this.#base ? untilMs : NEVER;
  }

  #endCheck(): void {
    this.#largePing = NO_PING;
    this.#smallPing = NO_PING;
    this.#lostRounds = 0;
    this.#checkAtMs = NEVER;
  }
}
