import type { AirReport, DatagramBatch, SocketFacts } from '../core/port.ts';

/** An open carrier of datagrams, of whatever kind, for many links at once. Silent until `start`. */
export interface DatagramCarrier {
  readonly facts: SocketFacts;
  /** Begins to receive. Events come only after this call, never from within it. */
  start(events: DatagramEvents): void;
  /**
   * How many datagrams are done with, in order: sent, or lost as on any way. If that is less than all, `writable` comes
   * when the others may be tried again. The buffers are the caller's again.
   */
  send(batch: DatagramBatch): number;
  /** False: the system holds enough, what it gets now would only wait there; `writable` comes when it does not. Missing: always. */
  hasRoom?(): boolean;
  /** Ends the carrier; what `send` took still leaves. No event follows. Idempotent. */
  close(): void;
}

export type DatagramEvents = {
  /** The batch and its octets are the carrier's again when the receiver returns; until then it may overwrite them. */
  datagrams(batch: DatagramBatch): void;
  writable(): void;
  /** What a modem tells; of a frame, before the frame. */
  report?(report: AirReport): void;
  /** Once, when the system ended it. `reason` is one line for operators. */
  closed(reason: string): void;
};
