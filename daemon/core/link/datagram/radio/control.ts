/** The sending half of the control stream on radio: RACK tells what has come, so there are no timers (link document, sections 9, 10). */
import { ControlBacklog } from '../control-backlog.ts';
import { type Cargo, controlHead } from './cargo.ts';

/** The stream is not cut for less room than this. */
const CUT_LEAST = 48;

type Piece = { readonly offset: number; readonly end: number; hasArrived: boolean };

export class RadioControl {
  readonly #window: number;
  readonly #backlog = new ControlBacklog();
  /** Under way or waiting to be sent again; the first one has not arrived. */
  #pieces: Piece[] = [];
  #sent = 0;

  /** @param window octets beyond the first that is missing */
  constructor(window: number) {
    this.#window = window;
  }

  get queuedBytes(): number {
    return this.#backlog.bytes + this.#sent - this.#acknowledged;
  }

  /** There is something that has not been sent yet, and may be. */
  get hasNew(): boolean {
    return this.#backlog.bytes > 0 && this.#windowLeft > 0;
  }

  push(type: number, frame: Uint8Array): boolean {
    return this.#backlog.push(type, frame);
  }

  /** The next piece, whose frame has at most `room` octets. */
  take(room: number): Cargo | undefined {
    const wanted = Math.min(this.#backlog.bytes, this.#windowLeft);
    const length = Math.min(wanted, room - controlHead(this.#sent, room));
    if (length <= 0 || length < Math.min(wanted, CUT_LEAST)) return undefined;
    const offset = this.#sent;
    this.#sent += length;
    this.#pieces.push({ offset, end: this.#sent, hasArrived: false });
    return { kind: 'control', octets: this.#backlog.take(length), offset, sendings: 0 };
  }

  arrived(offset: number): void {
    const piece = this.#pieces.find((each) => each.offset === offset);
    if (piece !== undefined) piece.hasArrived = true;
    const first = this.#pieces.findIndex(({ hasArrived }) => !hasArrived);
    this.#pieces = first < 0 ? [] : this.#pieces.slice(first);
  }

  get #acknowledged(): number {
    return this.#pieces[0]?.offset ?? this.#sent;
  }

  get #windowLeft(): number {
    return this.#acknowledged + this.#window - this.#sent;
  }
}
