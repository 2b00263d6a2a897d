import type { CloseReason, LinkFacts, LinkId, PublicKey } from '../port.ts';
import type { QueueFacts } from '../queue.ts';

/** What the router needs of an open link, of whatever family. */
export interface Pipe {
  readonly id: LinkId;
  readonly facts: LinkFacts;
  /** As operators know it. Of a datagram link that came in: where the other side is now. */
  readonly uri: string;
  /** The other side's key, as greeted. */
  readonly key: PublicKey;
  /** The higher of both sides' options. */
  readonly priority: number;
  readonly upSinceMs: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly queuedBytes: number;
  /** Share of the latest records that were lost: of ours on radio, otherwise of the other side's; undefined: it cannot tell. */
  readonly lossShare?: number;
  /** Within which the other side must sign our first request; undefined: the usual time. */
  readonly proofTimeoutMs?: number;
  /** Smoothed round trip as the link itself measures it; undefined where only the router's requests can tell. */
  readonly lagMs: number | undefined;
  /** The other side speaks thin gossip as well (`wire/README.md`). */
  readonly isThin?: boolean;
  /** A radio: every octet costs air. */
  readonly isSlow?: boolean;
  /** Control frames on slow links, in octets: what waits, and what the other side has not acknowledged. */
  readonly controlBytes?: number;
  /** An answer is overdue, although not for so long that the link ends: another one to the same peer is better. */
  readonly isDoubtful: boolean;
  /** Octets of the largest packet of the carrier that passes, as far as is known; undefined: a stream. */
  readonly mtu?: number;
  /** The system takes nothing more at present: the other side, or the road to it, is slower than what comes. */
  readonly isBlocked?: boolean;
  /** Where the last `reserve` put its packet. */
  readonly target: Uint8Array;
  readonly targetAt: number;
  /** Queues a whole frame of types 0 to 5, or of thin gossip; these keep their order and are never dropped. */
  sendControl(type: number, frame: Uint8Array): void;
  /**
   * Makes room for a whole frame of types 6 to 9 at `target`, `targetAt`; the caller fills it before the node is
   * drained. Under load it waits in the fair queue and may be dropped there. `dest` and `source` are key hashes.
   * `isUrgent`: it may overtake traffic. `isOrdered`: nothing of the same two keys may overtake it, nor it them.
   */
  reserve(size: number, dest: number, source: number, isUrgent?: boolean, isOrdered?: boolean): void;
  /**
   * Of links whose time on the air is limited: for how many ms a packet of so many octets would wait if it were handed over now,
   * when that is too long; then it is to be dropped. Counts as a refusal.
   */
  refusalMs?(size: number, isOrdered?: boolean): number | undefined;
  /** As `refusalMs`, and counts as nothing. */
  airWaitMs?(size: number): number | undefined;
  /** What waits here, and what was lost here. */
  queueFacts(): QueueFacts;
  close(reason: CloseReason, detail: string): void;
}

/** Who is told what happens on links. */
export interface PipeUser {
  opened(pipe: Pipe): CloseReason | undefined;
  /** The body of a frame is `buffer[start..end)`; it may be overwritten, and lives until the next drain returns. */
  frame(pipe: Pipe, type: number, buffer: Uint8Array, start: number, end: number): void;
  /** Bodies handed over so far must have been used up: their buffers are about to be filled again. */
  settle(): void;
  gone(pipe: Pipe): void;
}
