/** Plain counters. Every drop has a name. */
import type { CloseReason, StatsInfo } from './port.ts';
import type { LossWatcher } from './queue.ts';

export const DROP_REASONS = [
  'packet malformed',
  'packet source not ours',
  'packet destination not in the mesh',
  'packet source not of the sender',
  'packet destination not ours',
  'packet too big',
  'super-packet malformed',
  'delivery queue full',
  'address unknown replaced',
  'address buffers full',
  'traffic queue full',
  'traffic queue late',
  'air time used up',
  'tun queue full',
  'tun queue late',
  'link frame malformed',
  'link frame unknown',
  'link frames too many',
  'link message too large',
  'link flow unknown',
  'link message incomplete',
  'link message given up',
  'link repair refused',
  'path too deep',
  'payload too large',
  'link unproven',
  'no next hop',
  'lookup off tree',
  'lookup rate peer',
  'lookup rate source',
  'lookup rate own',
  'notify rate',
  'notify unsolicited',
  'notify stale',
  'notify signature invalid',
  'notify verify budget',
  'rumours full',
  'rumour packet replaced',
  'path broken ignored',
  'announce refused, table full',
  'announce deferred',
  'sig request coalesced',
  'sig response unasked',
  'filter coalesced',
  'thin gossip rate',
  'lookup held',
  'session packet unknown',
  'session handshake malformed',
  'session handshake unreadable',
  'session handshake signature invalid',
  'session handshake early',
  'session handshake stale',
  'session handshake rate',
  'session replay',
  'session unreadable',
  'session rescue rate',
  'session packet replaced',
  'sessions full',
  'session buffers full',
  'e2e off',
  'e2e packet malformed',
  'e2e required',
  'e2e context unknown',
  'e2e malformed',
  'e2e handshake of our own key',
  'e2e handshake rate',
  'e2e handshake repeated',
  'e2e handshake unreadable',
  'e2e handshake stale',
  'e2e handshake crossed',
  'e2e handshake unasked',
  'e2e handshakes full',
  'e2e source not of the session',
  'e2e record unknown',
  'e2e replay',
  'e2e unreadable',
  'query unknown',
  'datagram malformed',
  'record index unknown',
  'record replayed',
  'record unreadable',
  'handshake flood',
  'handshake queue full',
  'handshake mac invalid',
  'handshake without cookie',
  'handshake rate',
  'handshake repeated',
  'handshake unreadable',
  'handshake incompatible',
  'handshake own key',
  'handshake key not allowed',
  'handshake stale',
  'handshake crossed',
  'handshake no room',
  'handshake unasked',
  'handshake answers full',
  // Of serial cables and radios; those of a LAN are the shell's.
  'radio beacon malformed',
  'radio beacon rate',
  'radio beacon mac',
  'radio beacon identities full',
  'radio beacon identity lately',
  'radio beacons pending',
  'query rate',
  'query not answered',
  'query answer unasked',
  'query answer too large',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

export const COUNTERS = [
  'framesReceived',
  'framesForwarded',
  'packetsCompressed',
  'packetsSealed',
  'packetsOpened',
  'tunReads',
  'tunPackets',
  'tunWrites',
  'tunDelivered',
  'datagramReads',
  'datagramsRead',
  'sessionsOpened',
  'e2eHandshakes',
  'e2eDowngradeSuspected',
  'lookupsSent',
  'notifiesSent',
  'brokenSent',
  'rootChanges',
  'parentChanges',
  'rounds',
  'looks',
  'initsSent',
  'initsAnswered',
  'cookiesSent',
  'recordsOpened',
  'recordsSealed',
] as const;

export type Counter = (typeof COUNTERS)[number];

export class Stats {
  readonly drops = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>;
  readonly counters = Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Record<Counter, number>;

  /** Links that we ended, by reason. */
  readonly closes: Partial<Record<CloseReason, number>> = {};

  drop(reason: DropReason, by = 1): void {
    this.drops[reason] += by;
  }

  /** For queues of links. */
  readonly trafficLost: LossWatcher = (why) => this.drop(why === 'late' ? 'traffic queue late' : 'traffic queue full');

  close(reason: CloseReason): void {
    this.closes[reason] = (this.closes[reason] ?? 0) + 1;
  }

  count(name: Counter, by = 1): void {
    this.counters[name] += by;
  }

  snapshot(): StatsInfo {
    return { drops: { ...this.drops }, counters: { ...this.counters }, closes: { ...this.closes } };
  }
}
