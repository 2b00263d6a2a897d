/**
 * KISS: how modems frame what they say to their host. FEND, type, payload, FEND; inside, FEND and FESC are escaped. There
 * is no checksum: what is carried needs its own.
 */
export const KISS = { fend: 0xc0, fesc: 0xdb, tfend: 0xdc, tfesc: 0xdd } as const;

/** What a payload of `length` octets becomes at most. */
export function kissSize(length: number): number {
  return 2 * (length + 1) + 2;
}

/** One frame of any type. */
export function kissFrame(type: number, payload: Uint8Array): Uint8Array {
  const target = new Uint8Array(kissSize(payload.length));
  let at = 0;
  target[at++] = KISS.fend;
  for (let i = -1; i < payload.length; i++) {
    const octet = i < 0 ? type : (payload[i] as number);
    if (octet !== KISS.fend && octet !== KISS.fesc) target[at++] = octet;
    else {
      target[at++] = KISS.fesc;
      target[at++] = octet === KISS.fend ? KISS.tfend : KISS.tfesc;
    }
  }
  target[at++] = KISS.fend;
  return target.subarray(0, at);
}

/** Kept of what is no frame: boards print their complaints as text. */
const STRAY_MAX = 240;

/**
 * Takes octets as they come and finds the frames in them, whole and unescaped. What comes before the first FEND is none, nor is
 * what holds an escape of something else; both end at the next FEND. Holds one frame.
 */
export class KissReader {
  /** Frames with a wrong escape, too long, or broken off. */
  damaged = 0;
  /** A frame is `buffer[0]`, its type, and the payload behind. Valid during `frame`. */
  readonly buffer: Uint8Array;
  readonly #silenceMs: number;
  readonly #stray: number[] = [];
  #length = 0;
  #isEscaped = false;
  #isLost = true;
  #lastMs = 0;

  /**
   * @param frameMax octets of a frame with its type
   * @param silenceMs a frame that is broken off for so long is dropped
   */
  constructor(frameMax: number, silenceMs: number) {
    this.buffer = new Uint8Array(frameMax);
    this.#silenceMs = silenceMs;
  }

  /** What came outside of frames lately, as text in one line: '' if nothing that can be read. */
  get stray(): string {
    return String.fromCharCode(...this.#stray)
      .replace(/[^ -~]+/g, ' ')
      .trim();
  }

  /** Whatever came before is over: the modem begins anew. */
  reset(): void {
    this.#begin();
    this.#isLost = true;
    this.#stray.length = 0;
  }

  push(octets: Uint8Array, nowMs: number, frame: (length: number) => void): void {
    if (nowMs - this.#lastMs > this.#silenceMs && this.#length > 0) {
      this.damaged++;
      this.#begin();
      this.#isLost = true;
    }
    this.#lastMs = nowMs;
    for (let i = 0; i < octets.length; i++) this.#take(octets[i] as number, frame);
  }

  #take(octet: number, frame: (length: number) => void): void {
    if (octet === KISS.fend) {
      const length = this.#length;
      const isBroken = this.#isEscaped;
      this.#begin();
      if (isBroken) this.damaged++;
      else if (length > 0) frame(length);
    } else if (this.#isLost) {
      if (this.#stray.length === STRAY_MAX) this.#stray.shift();
      this.#stray.push(octet);
    } else if (this.#isEscaped) {
      this.#isEscaped = false;
      if (octet === KISS.tfend) this.#put(KISS.fend);
      else if (octet === KISS.tfesc) this.#put(KISS.fesc);
      else this.#lose();
    } else if (octet === KISS.fesc) this.#isEscaped = true;
    else this.#put(octet);
  }

  #put(octet: number): void {
    if (this.#length === this.buffer.length) this.#lose();
    else this.buffer[this.#length++] = octet;
  }

  #lose(): void {
    this.damaged++;
    this.#begin();
    this.#isLost = true;
  }

  #begin(): void {
    this.#length = 0;
    this.#isEscaped = false;
    this.#isLost = false;
  }
}
