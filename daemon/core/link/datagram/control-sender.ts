/**
 * The sending half of the control stream (link document, section 9): frames in order, each octet until it is
 * acknowledged.
 */
import { uvarintSize, type Writer } from '../../../wire/cursor.ts';
import { type Range, writeCtrl } from '../../../wire/link-frames.ts';
import { CTRL_RESENDS_PER_RTO, CTRL_RETRIES, CTRL_SEGMENTS_MAX } from '../../limits.ts';
import type { ClassConstants } from './classes.ts';
import { ControlBacklog } from './control-backlog.ts';
import type { RoundTrip } from './round-trip.ts';

/** What one CTRL frame carried. */
type Segment = {
  offset: number;
  octets: Uint8Array;
  sentAtMs: number;
  /** Of the sending, among all. */
  order: number;
  sendings: number;
  /** Timeouts since the other side last acknowledged anything. */
  retries: number;
  /** CACKs that showed later octets received. */
  skips: number;
  state: 'flying' | 'lost' | 'acknowledged';
  /** Sent in a packet above the base size, and how often lost so. */
  isLarge: boolean;
  largeLosses: number;
};

const NEVER = Number.POSITIVE_INFINITY;
const LATER_CACKS = 3;
/** A frame is not cut for less room than this. */
const CUT_LEAST = 64;

export class ControlSender {
  /** How often one frame was lost in packets above the base size, at most: the sign of a black hole. */
  largeLosses = 0;
  readonly #constants: ClassConstants;
  readonly #roundTrip: RoundTrip;
  /** Behind the window. */
  readonly #backlog = new ControlBacklog();
  #segments: Segment[] = [];
  #acknowledged = 0;
  #sent = 0;
  #order = 0;
  #newestAcknowledged = -1;
  #resendsLeft = CTRL_RESENDS_PER_RTO;
  #resendsAgainMs = 0;

  constructor(constants: ClassConstants, roundTrip: RoundTrip) {
    this.#constants = constants;
    this.#roundTrip = roundTrip;
  }

  get queuedBytes(): number {
    return this.#backlog.bytes + this.#sent - this.#acknowledged;
  }

  /** `write` would have something to write, given room. */
  hasOutput(nowMs: number): boolean {
    const isWindowOpen = this.#sent - this.#acknowledged < this.#constants.ctrlWindow;
    if (this.#backlog.bytes > 0 && isWindowOpen && this.#segments.length < CTRL_SEGMENTS_MAX) return true;
    const mayResend = this.#resendsLeft > 0 || nowMs >= this.#resendsAgainMs;
    return mayResend && this.#segments.some(({ state }) => state === 'lost');
  }

  /** A whole frame with its length before it. False when the backlog is full: the peer is too slow. */
  push(type: number, frame: Uint8Array): boolean {
    return this.#backlog.push(type, frame);
  }

  /**
   * Writes the next CTRL frame, of at most `room` octets; an empty packet has `packetRoom`. False: none is due, or it
   * does not fit.
   */
  write(writer: Writer, room: number, packetRoom: number, nowMs: number): boolean {
    const index = this.#lostIndex(nowMs);
    const segment = index < 0 ? this.#newSegment(room) : this.#lostSegment(index, room, packetRoom);
    if (segment === undefined) return false;
    writeCtrl(writer, segment.offset, segment.octets);
    segment.state = 'flying';
    segment.sentAtMs = nowMs;
    segment.order = this.#order++;
    segment.sendings++;
    segment.skips = 0;
    segment.isLarge = false;
    return true;
  }

  /** The number of the next sending: what `sentLarge` wants to know from before a packet. */
  get order(): number {
    return this.#order;
  }

  /** What was written since `order` left in a packet above the base size. */
  sentLarge(order: number): void {
    for (const segment of this.#segments) if (segment.order >= order) segment.isLarge = true;
  }

  /** A CACK came. False: it acknowledges what was never sent. */
  acknowledged(cumulative: number, ranges: readonly Range[], rangeCount: number, nowMs: number): boolean {
    const highest = rangeCount > 0 ? (ranges[rangeCount - 1] as Range).to : cumulative;
    if (highest > this.#sent) return false;
    let newest: Segment | undefined;
    let hasProgress = false;
    for (const segment of this.#segments) {
      if (segment.state === 'acknowledged' || !isCovered(segment, cumulative, ranges, rangeCount)) continue;
      segment.state = 'acknowledged';
      hasProgress = true;
      if (newest === undefined || segment.order > newest.order) newest = segment;
    }
    if (newest !== undefined && newest.order > this.#newestAcknowledged) {
      this.#newestAcknowledged = newest.order;
      // Of what was sent twice, or is acknowledged later than its successors, the time says nothing.
      if (newest.sendings === 1) {
        this.#roundTrip.sampleDelayed(nowMs - newest.sentAtMs, this.#constants.ackDelayCtrlMs);
      }
    }
    if (cumulative > this.#acknowledged) {
      this.#acknowledged = cumulative;
      this.#segments = this.#segments.filter(({ offset, octets }) => offset + octets.length > cumulative);
    }
    for (const segment of this.#segments) {
      if (hasProgress) segment.retries = 0;
      const isSkipped = segment.offset < highest && segment.order < this.#newestAcknowledged;
      if (segment.state === 'flying' && isSkipped && ++segment.skips >= LATER_CACKS) this.#lose(segment);
    }
    return true;
  }

  /** False: one frame has been sent too often; the link is dead. */
  timer(nowMs: number): boolean {
    for (const segment of this.#segments) {
      if (segment.state !== 'flying' || nowMs < this.#dueMs(segment)) continue;
      if (++segment.retries > CTRL_RETRIES) return false;
      this.#lose(segment);
    }
    return true;
  }

  get deadlineMs(): number {
    let earliestMs = NEVER;
    for (const segment of this.#segments) {
      if (segment.state === 'flying') earliestMs = Math.min(earliestMs, this.#dueMs(segment));
      else if (segment.state === 'lost' && this.#resendsLeft === 0)
        earliestMs = Math.min(earliestMs, this.#resendsAgainMs);
    }
    return earliestMs;
  }

  /** -1: nothing is lost, or no more may be sent again now. */
  #lostIndex(nowMs: number): number {
    const index = this.#segments.findIndex(({ state }) => state === 'lost');
    if (index < 0) return -1;
    if (nowMs >= this.#resendsAgainMs) {
      this.#resendsLeft = CTRL_RESENDS_PER_RTO;
      this.#resendsAgainMs = nowMs + this.#roundTrip.retransmitMs;
    }
    return this.#resendsLeft > 0 ? index : -1;
  }

  #lostSegment(index: number, room: number, packetRoom: number): Segment | undefined {
    const segment = this.#segments[index] as Segment;
    const overhead = overheadAt(segment.offset);
    if (segment.octets.length > packetRoom - overhead) this.#split(index, packetRoom - overhead);
    if (segment.octets.length > room - overhead) return undefined;
    this.#resendsLeft--;
    return segment;
  }

  /** Packets have become smaller: the rest of the segment becomes one of its own. */
  #split(index: number, length: number): void {
    const segment = this.#segments[index] as Segment;
    const rest = { ...segment, offset: segment.offset + length, octets: segment.octets.subarray(length) };
    segment.octets = segment.octets.subarray(0, length);
    this.#segments.splice(index + 1, 0, rest);
  }

  #newSegment(room: number): Segment | undefined {
    const windowLeft = this.#acknowledged + this.#constants.ctrlWindow - this.#sent;
    const wanted = Math.min(this.#backlog.bytes, windowLeft);
    const length = Math.min(wanted, room - overheadAt(this.#sent));
    if (length <= 0 || length < Math.min(wanted, CUT_LEAST)) return undefined;
    if (this.#segments.length >= CTRL_SEGMENTS_MAX) return undefined;
    const segment: Segment = {
      offset: this.#sent,
      octets: this.#backlog.take(length),
      sentAtMs: 0,
      order: 0,
      sendings: 0,
      retries: 0,
      skips: 0,
      state: 'flying',
      isLarge: false,
      largeLosses: 0,
    };
    this.#sent += length;
    this.#segments.push(segment);
    return segment;
  }

  #lose(segment: Segment): void {
    segment.state = 'lost';
    if (!segment.isLarge) return;
    segment.largeLosses++;
    this.largeLosses = Math.max(this.largeLosses, segment.largeLosses);
  }

  #dueMs(segment: Segment): number {
    const waitMs = this.#roundTrip.retransmitMs * 2 ** segment.retries;
    return segment.sentAtMs + Math.min(waitMs, this.#constants.rtoMs.max);
  }
}

/** Octets of a CTRL frame before its body; the length takes three at most: a packet has less than 65 536. */
function overheadAt(offset: number): number {
  return 1 + uvarintSize(Math.floor(offset / 2 ** 32), offset >>> 0) + 3;
}

function isCovered(segment: Segment, cumulative: number, ranges: readonly Range[], count: number): boolean {
  const end = segment.offset + segment.octets.length;
  if (end <= cumulative) return true;
  for (let i = 0; i < count; i++) {
    const { from, to } = ranges[i] as Range;
    if (from <= segment.offset && end <= to) return true;
  }
  return false;
}
