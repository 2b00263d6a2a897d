/** One pair of transport keys, its counters, and what its handshake agreed on (link document, sections 4.5 and 5). */
import type { Payload1, Payload2 } from '../../../wire/link-packets.ts';
import { RECORD_WINDOW } from '../../limits.ts';
import type { TransportKeys } from '../../noise.ts';
import { ReplayWindow } from '../../replay-window.ts';
import type { AddressRow } from './addresses.ts';
import { type ClassConstants, REJECT_AFTER_MESSAGES } from './classes.ts';
import type { DatagramLink } from './datagram-link.ts';
import type { Identity } from './identities.ts';
import type { Initiation } from './initiation.ts';
import type { HeldCookie, MacKeys } from './macs.ts';
import type { DatagramSocket, Password } from './socket.ts';

/** What both sides said in the handshake of a key. */
export type Terms = {
  readonly socket: DatagramSocket;
  readonly password: Password;
  readonly identity: Identity;
  readonly address: AddressRow;
  readonly ownInstance: number;
  readonly peerInstance: number;
  readonly theirs: Pick<Payload1 & Payload2, 'features' | 'rxMtu' | 'priority'>;
  /** Of the INIT. */
  readonly timestamp: number;
};

/**
 *     unconfirmed (we answered) ──first packet──▶ used ──▶ gone
 *     unheard (we asked) ────────first packet──▶ used
 */
export class LinkKey {
  /** Ours: what the other side writes into its packets. */
  readonly index: number;
  readonly peerIndex: number;
  readonly isInitiator: boolean;
  readonly terms: Terms;
  readonly createdMs: number;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  readonly window = new ReplayWindow(RECORD_WINDOW);
  /** Counter of the next packet. */
  sealed = 0;
  /** A packet of the other side has come. */
  isHeard = false;
  isGone = false;
  /** When PING is due, while nothing has been heard under a key that we asked for. */
  pingAtMs = Number.POSITIVE_INFINITY;
  /** Once it serves one. */
  link: DatagramLink | undefined;
  /** What asked for it, while it is unheard and serves no link. */
  initiation: Initiation | undefined;
  /** The answer that we gave, for as long as it may be wanted again. */
  resp: StoredResp | undefined;

  constructor(
    keys: TransportKeys,
    indices: { index: number; peerIndex: number },
    isInitiator: boolean,
    terms: Terms,
    nowMs: number,
  ) {
    this.index = indices.index;
    this.peerIndex = indices.peerIndex;
    this.sendKey = keys.send;
    this.receiveKey = keys.receive;
    this.isInitiator = isInitiator;
    this.terms = terms;
    this.createdMs = nowMs;
  }

  maySeal(nowMs: number, { rejectAfterMs }: ClassConstants): boolean {
    return !this.isGone && nowMs - this.createdMs < rejectAfterMs && this.sealed < REJECT_AFTER_MESSAGES;
  }

  /** When it is of no use any more, not even to receive. */
  endsAtMs({ rejectAfterMs, prevKeyHoldMs }: ClassConstants): number {
    return this.createdMs + rejectAfterMs + prevKeyHoldMs;
  }

  wipe(): void {
    this.isGone = true;
    this.sendKey.fill(0);
    this.receiveKey.fill(0);
    this.forgetResp();
  }

  /** The answer is not wanted any more. */
  forgetResp(): void {
    if (this.resp !== undefined) this.resp.isWanted = false;
    this.resp = undefined;
  }
}

export type StoredResp = {
  readonly packet: Uint8Array;
  /** Towards the initiator. */
  readonly macs: MacKeys;
  readonly socket: DatagramSocket;
  sentMs: number;
  cookie: HeldCookie | undefined;
  /** Nobody has used its key. */
  isWanted: boolean;
};
