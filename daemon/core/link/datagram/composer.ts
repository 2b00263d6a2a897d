/**
 * Writes the packets of a channel, one at a time and in the order of their haste (link document, section 16): answers and
 * challenges to one address, probes of the path's MTU, then packets of whatever frames wait.
 */
import { Writer } from '../../../wire/cursor.ts';
import {
  CACK_SIZE_MAX,
  LINK_FRAME,
  PING_SIZE,
  writeCack,
  writeChallenge,
  writePing,
  writeProbe,
} from '../../../wire/link-frames.ts';
import { FNACKS_PER_PACKET, MTU_LOSSES, RTT_REFRESH_MS } from '../../limits.ts';
import type { Parts } from './parts.ts';
import { NO_PING } from './path-mtu.ts';

const NEVER = Number.POSITIVE_INFINITY;
const NOTHING = new Uint8Array(0);

export class Composer {
  /** After `next`: where the plaintext lies, the address it goes to, and whether it asks for an answer. */
  plain: Uint8Array = NOTHING;
  plainAt = 0;
  destination: Uint8Array;
  asks = false;
  /** A PING must go; a packet must go, whatever is in it; by when a CACK must go. */
  isPingDue = false;
  isAnswerDue = false;
  cackAtMs = NEVER;
  readonly #parts: Parts;
  /** The PING that follows one as large as packets may be. */
  #smallPing = NO_PING;
  #writer = new Writer(NOTHING);

  constructor(parts: Parts) {
    this.#parts = parts;
    this.destination = parts.roaming.address;
  }

  /** Octets for the frames of one packet. */
  get room(): number {
    return this.#parts.mtu.current - this.#parts.overhead;
  }

  /** See `Channel`. While the link is not open only PINGs go. */
  next(target: Uint8Array, at: number, room: number, isOpen: boolean, nowMs: number): number {
    this.aim(target, at);
    const toOne = this.#writePath(target, at);
    if (toOne >= 0) return toOne;
    const probe = isOpen ? this.#writeMtu(target, at, room, nowMs) : -1;
    return probe >= 0 ? probe : this.#writePacket(target, at, room, isOpen, nowMs);
  }

  /** The next packet goes where the other side is, and lies here. */
  aim(target: Uint8Array, at: number): void {
    this.plain = target;
    this.plainAt = at;
    this.destination = this.#parts.roaming.address;
    this.asks = false;
  }

  /** Something is due. What only goes along with other frames, and traffic, do not count. */
  hasOutput(nowMs: number): boolean {
    return (
      this.isPingDue ||
      this.isAnswerDue ||
      nowMs >= this.cackAtMs ||
      nowMs >= this.#parts.mtu.deadlineMs ||
      this.#parts.roaming.isNewDue ||
      this.#parts.roaming.isOldDue ||
      this.#parts.controlOut.hasOutput(nowMs) ||
      this.#parts.reassembly.isNackDue(nowMs)
    );
  }

  /** Packets to one address and no other. */
  #writePath(target: Uint8Array, at: number): number {
    const roaming = this.#parts.roaming;
    const isNew = roaming.isNewDue;
    const challenge = isNew || roaming.isOldDue ? roaming.challengeOf(isNew) : undefined;
    if (challenge === undefined && !this.#parts.answers.hasReturns) return -1;
    const writer = this.#writerAt(target, at);
    const address = this.#parts.answers.writeReturns(writer);
    if (address !== undefined) {
      this.destination = address;
    } else if (challenge !== undefined) {
      writeChallenge(writer, LINK_FRAME.pchal, challenge);
      this.destination = (isNew ? roaming.candidate : undefined) ?? roaming.address;
      if (isNew) roaming.isNewDue = false;
      else roaming.isOldDue = false;
      this.asks = true;
    }
    return writer.pos - at;
  }

  /** PROBEs, and PINGs as large as packets may be with a small one behind each. */
  #writeMtu(target: Uint8Array, at: number, room: number, nowMs: number): number {
    const writer = this.#writerAt(target, at);
    this.asks = true;
    if (this.#smallPing !== NO_PING) {
      writePing(writer, LINK_FRAME.ping, this.#smallPing);
      this.#smallPing = NO_PING;
      return writer.pos - at;
    }
    if (this.#parts.controlOut.largeLosses >= MTU_LOSSES) {
      this.#parts.controlOut.largeLosses = 0;
      this.#parts.mtu.blackHole(nowMs);
    }
    const probe = this.#parts.mtu.probeDue(nowMs);
    const isCheck = probe === 0 && this.#parts.mtu.isCheckDue(nowMs);
    const size = (isCheck ? this.#parts.mtu.current : probe) - this.#parts.overhead;
    if (size <= 0 || size > room) return -1;
    if (isCheck) {
      const large = this.#parts.answers.ping(nowMs);
      this.#smallPing = this.#parts.answers.ping(nowMs);
      writePing(writer, LINK_FRAME.ping, large);
      this.#parts.mtu.checkSent(large, this.#smallPing, nowMs);
    } else {
      this.#parts.mtu.probeSent(nowMs);
      writeProbe(writer, LINK_FRAME.probe, this.#parts.mtu.probeId, probe);
      // That it is not answered says nothing about the other side.
      this.asks = false;
    }
    target.fill(LINK_FRAME.pad, writer.pos, at + size);
    return size;
  }

  #writePacket(target: Uint8Array, at: number, room: number, isOpen: boolean, nowMs: number): number {
    const traffic = this.#parts.traffic;
    this.destination = this.#parts.roaming.destination(this.#parts.mtu.current, nowMs);
    this.asks = false;
    const limit = at + Math.min(room, this.room);
    const controlOrder = this.#parts.controlOut.order;
    let end = at;
    if (this.#hasShort(nowMs)) end = this.#writeShort(target, at, limit, nowMs);
    const size = isOpen ? traffic.write(target, at, end, limit, this.room) : 0;
    if (size > 0) this.asks = true;
    if (traffic.isInPlace && size > 0) {
      this.plain = traffic.buffer;
      this.plainAt = traffic.at;
    }
    end += size;
    if (end === at && !this.isAnswerDue) return -1;
    this.isAnswerDue = false;
    if (this.#parts.mtu.sent(end - at + this.#parts.overhead, nowMs)) this.#parts.controlOut.sentLarge(controlOrder);
    return end - at;
  }

  #hasShort(nowMs: number): boolean {
    return (
      this.isPingDue ||
      this.cackAtMs !== NEVER ||
      !this.#parts.answers.isEmpty ||
      this.#parts.controlOut.hasOutput(nowMs) ||
      nowMs >= this.#parts.answers.pingedMs + RTT_REFRESH_MS ||
      this.#parts.reassembly.isNackDue(nowMs)
    );
  }

  /** In the order of their haste; a CACK that is not due yet only goes along. */
  #writeShort(target: Uint8Array, at: number, limit: number, nowMs: number): number {
    const writer = this.#writerAt(target, at);
    this.#parts.answers.write(writer, limit);
    const hasMore = !this.#parts.traffic.isEmpty || this.#parts.controlOut.hasOutput(nowMs);
    const isRefreshed = hasMore && nowMs >= this.#parts.answers.pingedMs + RTT_REFRESH_MS;
    if ((this.isPingDue || isRefreshed) && writer.pos + PING_SIZE <= limit) {
      writePing(writer, LINK_FRAME.ping, this.#parts.answers.ping(nowMs));
      this.isPingDue = false;
      this.asks = true;
    }
    const isCackDue = nowMs >= this.cackAtMs || (this.cackAtMs !== NEVER && (hasMore || writer.pos > at));
    if (isCackDue && writer.pos + CACK_SIZE_MAX <= limit) {
      writeCack(writer, this.#parts.controlIn.cumulative, this.#parts.controlIn.ranges);
      this.cackAtMs = NEVER;
    }
    const rttMs = this.#parts.roundTrip.smoothedMs ?? this.#parts.constants.rtoMs.initial;
    for (let i = 0; i < FNACKS_PER_PACKET; i++) {
      if (!this.#parts.reassembly.writeNack(writer, limit - writer.pos, nowMs, rttMs)) break;
    }
    while (this.#parts.controlOut.write(writer, limit - writer.pos, this.room, nowMs)) this.asks = true;
    return writer.pos;
  }

  #writerAt(target: Uint8Array, at: number): Writer {
    if (this.#writer.buffer !== target) this.#writer = new Writer(target);
    this.#writer.pos = at;
    return this.#writer;
  }
}
