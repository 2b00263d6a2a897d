/** Frames of the control stream that wait for the window, as one run of octets (link document, section 9). */
import { FRAME } from '../../../wire/frame.ts';
import { CONTROL_BACKLOG_BYTES } from '../../limits.ts';

export class ControlBacklog {
  bytes = 0;
  /** Of the first one `#headAt` octets have been taken. */
  readonly #frames: { octets: Uint8Array; isFilter: boolean }[] = [];
  #headAt = 0;

  /** A whole frame with its length before it. False when the backlog is full: the peer is too slow. */
  push(type: number, frame: Uint8Array): boolean {
    const isFilter = type === FRAME.bloomFilter;
    if (isFilter) this.#forgetFilter();
    if (this.bytes + frame.length > CONTROL_BACKLOG_BYTES) return false;
    this.#frames.push({ octets: frame, isFilter });
    this.bytes += frame.length;
    return true;
  }

  /** The next `length` octets of the stream; so many there are. */
  take(length: number): Uint8Array {
    const octets = new Uint8Array(length);
    let have = 0;
    let used = 0;
    while (have < length) {
      const frame = (this.#frames[used] as { octets: Uint8Array }).octets;
      const part = frame.subarray(this.#headAt, this.#headAt + length - have);
      octets.set(part, have);
      have += part.length;
      this.#headAt += part.length;
      if (this.#headAt < frame.length) break;
      this.#headAt = 0;
      used++;
    }
    this.#frames.splice(0, used);
    this.bytes -= length;
    return octets;
  }

  /** A filter that has not been sent at all is of no use once there is a newer one. */
  #forgetFilter(): void {
    const index = this.#frames.findIndex(({ isFilter }, i) => isFilter && (i > 0 || this.#headAt === 0));
    if (index < 0) return;
    const [old] = this.#frames.splice(index, 1);
    this.bytes -= old?.octets.length ?? 0;
  }
}
