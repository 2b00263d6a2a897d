/** What the owner of a datagram link needs of the channel inside its encryption, whatever the carrier. */
import type { CloseReason, PublicKey } from '../../port.ts';
import type { Pipe } from '../pipe.ts';
import type { RecordSource } from './socket-outbox.ts';

/** Why a channel has ended. `code` is that of the other side's CLOSE, if it came from there. */
export type Ended = { readonly reason: CloseReason; readonly detail: string; readonly code: number | undefined };

export interface LinkChannel extends Pipe, RecordSource {
  readonly key: PublicKey;
  readonly ended: Ended | undefined;
  /** The other side is proven to be there, and the router knows the link. */
  readonly isOpen: boolean;
  /** Where the other side is. */
  readonly address: Uint8Array;
  /** Asks at once whether the other side is there. */
  probe(): void;
  /** The system says that packets above `size` do not pass. */
  tooBig(size: number): void;
  /**
   * The plaintext of one authentic packet, `buffer[at..end)`; it may be overwritten, and is needed until the node has
   * been drained. `from` is the row of the address it came from; `isNewest`: it came under the key that we seal with, and its
   * counter is the highest so far; on radio only the first is asked.
   */
  receive(buffer: Uint8Array, at: number, end: number, from: Uint8Array, isNewest: boolean): void;
  /** Records are sealed under another key from now on. */
  rekeyed(): void;
  timer(nowMs: number): void;
  /** Gives back what it holds. The owner has forgotten it. */
  dispose(): void;
}
