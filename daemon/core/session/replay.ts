/** Which nonces of one key pair have been seen: a window that slides with the highest (section 5.5). */
import { REPLAY_WINDOW } from '../limits.ts';

const TWO_32 = 0x1_0000_0000;
const MASK = REPLAY_WINDOW - 1;

/** Nonces are 64-bit, as unsigned halves; zero is never valid. */
export class ReplayWindow {
  #high = 0;
  #low = 0;
  readonly #bits = new Uint32Array(REPLAY_WINDOW / 32);

  /** Neither seen nor too old. */
  isNew(high: number, low: number): boolean {
    const behind = this.#behind(high, low);
    if (behind < 0) return true;
    if (behind >= REPLAY_WINDOW || (high === 0 && low === 0)) return false;
    return ((this.#bits[(low & MASK) >> 5] as number) & (1 << (low & 31))) === 0;
  }

  /** Remembers a nonce that `isNew` and whose packet was authentic. */
  accept(high: number, low: number): void {
    const ahead = -this.#behind(high, low);
    if (ahead >= REPLAY_WINDOW) this.#bits.fill(0);
    else for (let i = 1; i <= ahead; i++) this.#clear(this.#low + i);
    if (ahead > 0) {
      this.#high = high;
      this.#low = low;
    }
    this.#bits[(low & MASK) >> 5] = (this.#bits[(low & MASK) >> 5] as number) | (1 << (low & 31));
  }

  /** How far below the highest; exact wherever it is near, since then the high halves differ by one at most. */
  #behind(high: number, low: number): number {
    return (this.#high - high) * TWO_32 + (this.#low - low);
  }

  #clear(low: number): void {
    this.#bits[(low & MASK) >> 5] = (this.#bits[(low & MASK) >> 5] as number) & ~(1 << (low & 31));
  }
}
