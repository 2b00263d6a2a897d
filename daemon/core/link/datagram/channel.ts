/**
 * Everything inside the encryption of one datagram link: frames of the mesh go in and plaintext of packets comes out,
 * and the reverse (link document, sections 6, 7, 9 to 13, 15, 16). Keys, records and sockets are its owner's.
 *
 *     waiting ──first authentic packet──▶ open ──CLOSE, silence, our own wish──▶ closed
 */
import { Writer } from '../../../wire/cursor.ts';
import { FRAME } from '../../../wire/frame.ts';
import { asksForAnswer, LINK_FRAME, LinkFrames, writeClose } from '../../../wire/link-frames.ts';
import { isControlFrame } from '../../../wire/thin.ts';
import type { Context } from '../../context.ts';
import { FRAMES_PER_PACKET, LINK_YOUNG_MS } from '../../limits.ts';
import type { CloseReason, LinkFacts, LinkId, PublicKey } from '../../port.ts';
import type { QueueFacts } from '../../queue.ts';
import type { PipeUser } from '../pipe.ts';
import { uriAt } from './addresses.ts';
import { closeCode, closeDetail, closeText } from './closing.ts';
import { Composer } from './composer.ts';
import type { Ended, LinkChannel } from './link-channel.ts';
import { type ChannelOptions, newParts, type Parts } from './parts.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class Channel implements LinkChannel {
  readonly id: LinkId;
  readonly facts: LinkFacts;
  readonly key: PublicKey;
  readonly priority: number;
  readonly isThin: boolean;
  upSinceMs: number;
  /** Its handshake has proven the key; whether the other side answers, liveness finds out. */
  readonly proofTimeoutMs = Number.POSITIVE_INFINITY;
  bytesReceived = 0;
  bytesSent = 0;
  /** The other side is proven to be there, and the router knows the link. */
  isOpen = false;
  ended: Ended | undefined;
  readonly #context: Context;
  readonly #user: PipeUser;
  readonly #mark: (channel: Channel) => void;
  readonly #window: ChannelOptions['window'];
  readonly #parts: Parts;
  readonly #composer: Composer;
  readonly #frames = new LinkFrames();
  readonly #timed: readonly { readonly deadlineMs: number }[];
  #isCloseDue = false;
  /** The earliest deadline of all parts. */
  #wakeAtMs = NEVER;

  constructor(context: Context, options: ChannelOptions) {
    this.id = options.id;
    this.facts = options.facts;
    this.key = options.key;
    this.priority = options.priority;
    this.isThin = options.isThin;
    this.upSinceMs = context.nowMs;
    this.#context = context;
    this.#user = options.user;
    this.#mark = options.mark;
    this.#window = options.window;
    this.#parts = newParts(context, options, this.#takeControl);
    this.#composer = new Composer(this.#parts);
    const { liveness, controlOut, reassembly, traffic, mtu, roaming } = this.#parts;
    this.#timed = [liveness, controlOut, reassembly, traffic.fragments, mtu, roaming];
  }

  get uri(): string {
    return this.facts.isInbound ? uriAt(this.facts.uri, this.address) : this.facts.uri;
  }

  get target(): Uint8Array {
    return this.#parts.traffic.target;
  }

  get targetAt(): number {
    return this.#parts.traffic.targetAt;
  }

  get queuedBytes(): number {
    return this.#parts.traffic.queuedBytes + this.#parts.controlOut.queuedBytes;
  }

  queueFacts(): QueueFacts {
    return this.#parts.traffic.queueFacts();
  }

  get lossShare(): number {
    return this.#window().missingShare;
  }

  get controlBytes(): number {
    return this.#parts.controlOut.queuedBytes;
  }

  get isDoubtful(): boolean {
    return this.#parts.liveness.isDoubtful;
  }

  get lagMs(): number {
    const ms = this.#parts.roundTrip.smoothedMs ?? this.#parts.constants.rtoMs.initial;
    return this.#context.nowMs < this.upSinceMs + LINK_YOUNG_MS ? 2 * ms : ms;
  }

  /** After `next`: where the plaintext lies until the node has been drained; `target` or another buffer. */
  get plain(): Uint8Array {
    return this.#composer.plain;
  }

  get plainAt(): number {
    return this.#composer.plainAt;
  }

  /** After `next`: the row of the address that the packet goes to, for copying. */
  get destination(): Uint8Array {
    return this.#composer.destination;
  }

  /** Where the other side is. */
  get address(): Uint8Array {
    return this.#parts.roaming.address;
  }

  /** The largest packet that passes, as far as is known. */
  get mtu(): number {
    return this.#parts.mtu.current;
  }

  // From the router

  sendControl(type: number, frame: Uint8Array): void {
    if (!this.isOpen || this.ended !== undefined || type < FRAME.sigReq) return;
    if (this.#parts.controlOut.push(type, frame)) this.#mark(this);
    else this.close('peer too slow', 'control frames pile up');
  }

  reserve(size: number, dest: number, source: number, isUrgent = false): void {
    this.#parts.traffic.reserve(size, dest, source, isUrgent, this.#composer.room);
    this.#mark(this);
  }

  /** The other side is told, if that is of use; then `next` gives that one packet. */
  close(reason: CloseReason, detail: string): void {
    this.#end({ reason, detail, code: undefined });
    this.#isCloseDue = this.isOpen && closeCode(reason) !== undefined;
  }

  // From the owner

  probe(): void {
    if (this.ended !== undefined) return;
    this.#composer.isPingDue = true;
    if (this.isOpen) this.#parts.liveness.doubt(this.#context.nowMs);
    this.#mark(this);
  }

  tooBig(size: number): void {
    this.#parts.mtu.lowerCeiling(size);
  }

  receive(buffer: Uint8Array, at: number, end: number, from: Uint8Array, isNewest: boolean): void {
    if (this.ended !== undefined) return;
    const { nowMs, stats } = this.#context;
    const size = end - at + this.#parts.overhead;
    this.bytesReceived += size;
    if (!this.isOpen && !this.#opens(nowMs)) return;
    if (this.#parts.roaming.received(from, size, isNewest, nowMs)) this.#mark(this);
    const frames = this.#frames;
    frames.open(buffer, at, end);
    let asks = false;
    let others = 0;
    while (frames.next()) {
      if (asksForAnswer(frames.type)) asks = true;
      if (!isMessage(frames.type) && ++others > FRAMES_PER_PACKET) {
        stats.drop('link frames too many');
        break;
      }
      this.#frame(frames, from, size, nowMs);
      if (this.ended !== undefined) return;
    }
    if (frames.fault === 'malformed') stats.drop('link frame malformed');
    else if (frames.fault === 'unknown') stats.drop('link frame unknown');
    if (this.#parts.liveness.received(asks, nowMs)) this.#wake(this.#parts.liveness.deadlineMs);
  }

  rekeyed(): void {}

  timer(nowMs: number): void {
    if (this.ended !== undefined || !this.isOpen) return;
    if (nowMs < this.#wakeAtMs) return this.#context.timers.arm(this.#wakeAtMs);
    this.#wakeAtMs = NEVER;
    const due = this.#parts.liveness.due(nowMs);
    if (due === 'dead') return this.close('peer silent', 'nothing came back in time');
    if (due === 'ping') this.#composer.isPingDue = true;
    if (due === 'answer') this.#composer.isAnswerDue = true;
    if (!this.#parts.controlOut.timer(nowMs)) return this.close('peer silent', 'control frames are not acknowledged');
    this.#parts.reassembly.expire(nowMs);
    this.#countAbandoned();
    this.#parts.traffic.fragments.expire(nowMs);
    this.#parts.roaming.timer(nowMs);
    if (this.#composer.hasOutput(nowMs)) this.#mark(this);
    this.#arm(nowMs);
  }

  /**
   * Writes the plaintext of the next packet at `target[at..]`, for which there are `room` octets, or lets `plain` and
   * `plainAt` say where it lies already. Returns its size; -1: there is nothing to send.
   */
  next(target: Uint8Array, at: number, room: number): number {
    const { nowMs } = this.#context;
    const { roaming, traffic, liveness, overhead } = this.#parts;
    const composer = this.#composer;
    if (this.ended !== undefined) return this.#writeClose(target, at);
    const size = composer.next(target, at, room, this.isOpen, nowMs);
    if (size < 0) {
      this.#arm(nowMs);
      return size;
    }
    const whole = size + overhead;
    this.bytesSent += whole;
    traffic.sent.add(whole, nowMs);
    roaming.sentTo(composer.destination, whole);
    liveness.sent(composer.asks, nowMs);
    return size;
  }

  dispose(): void {
    this.#parts.traffic.clear();
    this.#parts.reassembly.clear();
  }

  // Receiving

  #opens(nowMs: number): boolean {
    this.isOpen = true;
    this.upSinceMs = nowMs;
    this.#composer.isPingDue = true;
    this.#mark(this);
    const refusal = this.#user.opened(this);
    if (refusal === undefined) return true;
    this.ended = { reason: refusal, detail: 'no room for this link', code: undefined };
    this.#isCloseDue = true;
    return false;
  }

  #frame(frames: LinkFrames, from: Uint8Array, size: number, nowMs: number): void {
    const { buffer, start, end } = frames;
    switch (frames.type) {
      case LINK_FRAME.msg:
      case LINK_FRAME.msgl:
        return this.#message(buffer, start, end);
      case LINK_FRAME.frag:
        return this.#fragment(frames, nowMs);
      case LINK_FRAME.ctrl:
        return this.#control(frames, nowMs);
      case LINK_FRAME.cack:
        if (!this.#parts.controlOut.acknowledged(frames.offset, frames.ranges, frames.rangeCount, nowMs)) {
          this.#context.stats.drop('link frame malformed');
        }
        return this.#mark(this);
      case LINK_FRAME.fnack: {
        const refused = this.#parts.traffic.fragments.missing(frames.id, frames.last, buffer, start, nowMs);
        for (let i = 0; i < refused; i++) this.#context.stats.drop('link repair refused');
        return this.#mark(this);
      }
      case LINK_FRAME.ping:
        this.#parts.answers.owePong(frames.id);
        return this.#mark(this);
      case LINK_FRAME.pong: {
        this.#parts.mtu.ponged(frames.id);
        const rttMs = this.#parts.answers.ponged(frames.id, nowMs);
        return rttMs === undefined ? undefined : this.#parts.roundTrip.sample(rttMs);
      }
      case LINK_FRAME.probe:
        // Only what arrived as a whole may be said to have arrived.
        if (frames.size === size) this.#parts.answers.oweProbed(frames.id, size);
        return this.#mark(this);
      case LINK_FRAME.probed:
        this.#parts.mtu.probed(frames.id, frames.size, nowMs);
        return this.#mark(this);
      case LINK_FRAME.pchal:
        this.#parts.answers.oweReturn(buffer, start, from);
        return this.#mark(this);
      case LINK_FRAME.presp:
        return this.#answered(from, buffer, start, nowMs);
      case LINK_FRAME.close:
        return this.#end({
          reason: 'closed by peer',
          detail: closeDetail(frames.reason, buffer.subarray(start, end)),
          code: frames.reason,
        });
      default:
        return undefined;
    }
  }

  #message(buffer: Uint8Array, start: number, end: number): void {
    const type = buffer[start] as number;
    if (type < FRAME.pathLookup || type > FRAME.traffic)
      return this.close('frame type unknown', `message of type ${type}`);
    this.#user.frame(this, type, buffer, start + 1, end);
  }

  #fragment({ id, index, last, buffer, start, end }: LinkFrames, nowMs: number): void {
    const { pool } = this.#context;
    const reassembly = this.#parts.reassembly;
    const isComplete = reassembly.add(id, index, last, buffer, start, end, nowMs);
    this.#countAbandoned();
    if (reassembly.isNackDue(nowMs)) this.#mark(this);
    if (!isComplete) return this.#wake(reassembly.deadlineMs);
    const { message, messageSize } = reassembly;
    if (message === undefined) return;
    reassembly.message = undefined;
    this.#message(message.octets, 0, messageSize);
    pool.give(message);
  }

  #control({ offset, buffer, start, end }: LinkFrames, nowMs: number): void {
    const received = this.#parts.controlIn.received(offset, buffer, start, end);
    if (this.ended !== undefined) return;
    if (received === 'changed') return this.close('frame malformed', 'control octets came twice and differ');
    if (received === 'malformed') return this.close('frame malformed', 'the length of a control frame is not valid');
    this.#composer.cackAtMs =
      received === 'odd' ? nowMs : Math.min(this.#composer.cackAtMs, nowMs + this.#parts.constants.ackDelayCtrlMs);
    if (this.#composer.cackAtMs <= nowMs) this.#mark(this);
    else this.#wake(this.#composer.cackAtMs);
  }

  readonly #takeControl = (buffer: Uint8Array, bodyAt: number, end: number): boolean => {
    const type = buffer[bodyAt] as number;
    if (!isControlFrame(type, this.isThin)) this.close('frame type unknown', `control frame of type ${type}`);
    else this.#user.frame(this, type, buffer, bodyAt + 1, end);
    return this.ended === undefined;
  };

  #answered(from: Uint8Array, buffer: Uint8Array, at: number, nowMs: number): void {
    if (this.#parts.roaming.answered(from, buffer, at, nowMs) === undefined) return;
    this.#parts.mtu.reset(nowMs);
    this.#parts.roundTrip.reset();
    this.#composer.isPingDue = true;
    this.#mark(this);
  }

  // Sending

  #writeClose(target: Uint8Array, at: number): number {
    const { ended } = this;
    const code = ended === undefined ? undefined : closeCode(ended.reason);
    if (!this.#isCloseDue || ended === undefined || code === undefined) return -1;
    this.#isCloseDue = false;
    this.#composer.aim(target, at);
    const writer = new Writer(target, at);
    writeClose(writer, code, closeText(ended.detail));
    return writer.pos - at;
  }

  /** What is due already waits for `next`, not for a moment. */
  #arm(nowMs: number): void {
    if (!this.isOpen || this.ended !== undefined) return;
    for (const part of this.#timed) if (part.deadlineMs > nowMs) this.#wake(part.deadlineMs);
    if (this.#composer.cackAtMs > nowMs) this.#wake(this.#composer.cackAtMs);
  }

  #wake(atMs: number): void {
    if (atMs < this.#wakeAtMs) this.#wakeAtMs = atMs;
    this.#context.timers.arm(atMs);
  }

  #countAbandoned(): void {
    for (; this.#parts.reassembly.abandoned > 0; this.#parts.reassembly.abandoned--) {
      this.#context.stats.drop('link message incomplete');
    }
  }

  #end(ended: Ended): void {
    if (this.ended !== undefined) return;
    if (this.isOpen) this.#user.gone(this);
    this.ended = ended;
    this.#mark(this);
  }
}

function isMessage(type: number): boolean {
  return type === LINK_FRAME.msg || type === LINK_FRAME.msgl;
}
