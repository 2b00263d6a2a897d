/** What a link over radio costs the router: the expected time of transmission (radio reference, section 6.10). */
import type { Medium } from './medium.ts';

const FRAME_OCTETS = 255;
/** Told anew when it is so much away from what was told. */
const HYSTERESIS = 0.25;
const SHARE_MIN = 0.05;
/** A link in its first moments counts double. */
const YOUNG_FRAMES = 8;

export class LinkCost {
  readonly #medium: Medium;
  #toldMs = 0;

  constructor(medium: Medium) {
    this.#medium = medium;
  }

  /** @param deliveredShare of the records, smoothed */
  ms(deliveredShare: number, nowMs: number, upSinceMs: number): number {
    const { air } = this.#medium;
    const frameMs = this.#medium.frameMs(Math.min(FRAME_OCTETS, this.#medium.frameMax)) + air.accessMs;
    const exactMs = frameMs / Math.max(deliveredShare, SHARE_MIN) / this.#medium.freeShare;
    if (Math.abs(exactMs - this.#toldMs) > HYSTERESIS * this.#toldMs) this.#toldMs = exactMs;
    return nowMs < upSinceMs + YOUNG_FRAMES * frameMs ? 2 * this.#toldMs : this.#toldMs;
  }
}
