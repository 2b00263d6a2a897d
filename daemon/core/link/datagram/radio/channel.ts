/**
 * Everything inside the encryption of one link over radio (link document, sections 6, 7, 9 to 11, 15, class R): records go in bursts, one
 * RACK answers a burst, and what has not come goes again in other records. When it is its turn the station knows.
 */
import { Writer } from '../../../../wire/cursor.ts';
import { FRAME } from '../../../../wire/frame.ts';
import { asksForAnswer, LINK_FRAME, LinkFrames, PING_SIZE, writeClose } from '../../../../wire/link-frames.ts';
import { dataHeader, PACKET, TAG } from '../../../../wire/link-packets.ts';
import type { Context } from '../../../context.ts';
import { FRAMES_PER_PACKET } from '../../../limits.ts';
import type { CloseReason, LinkFacts, LinkId, PublicKey } from '../../../port.ts';
import type { QueueFacts } from '../../../queue.ts';
import type { AirClass } from '../../../radio/facts.ts';
import type { Transmitter } from '../../../radio/transmitter.ts';
import type { ReplayWindow } from '../../../replay-window.ts';
import type { PipeUser } from '../../pipe.ts';
import type { ClassConstants } from '../classes.ts';
import { closeCode, closeDetail, closeText } from '../closing.ts';
import type { Ended, LinkChannel } from '../link-channel.ts';
import { Liveness } from '../liveness.ts';
import type { ReassemblySpace } from '../reassembly.ts';
import { ShortHeadersOut } from '../short-headers.ts';
import { type Loads, RecordComposer } from './composer.ts';
import { RadioControl } from './control.ts';
import { LinkCost } from './cost.ts';
import { Flight } from './flight.ts';
import { RadioInbox } from './inbox.ts';
import { type Medium, Seat } from './medium.ts';
import { RadioTraffic } from './traffic.ts';

export type RadioChannelOptions = {
  readonly id: LinkId;
  readonly facts: LinkFacts;
  readonly key: PublicKey;
  readonly priority: number;
  readonly isThin: boolean;
  readonly constants: ClassConstants;
  /** Octets of a record at most, for us and for the other side. */
  readonly mtu: number;
  readonly address: Uint8Array;
  readonly user: PipeUser;
  readonly space: ReassemblySpace;
  /** Both sides know short routing headers. */
  readonly hasShortHeaders: boolean;
  readonly medium: Medium;
  readonly transmitter: Transmitter | undefined;
  /** What has come under the key that the link seals with. */
  readonly window: () => ReplayWindow;
  /** There may be something to say. */
  readonly mark: () => void;
};

const NEVER = Number.POSITIVE_INFINITY;
/** Octets of a record around its plaintext. */
export const RADIO_OVERHEAD: number = dataHeader(PACKET.dataRest) + TAG;
/** More than this lost: a second copy of an answer costs less air than the question for one that is lost. */
const LOSSY_SHARE = 1 / 8;
/** Sending again at once costs no more air than so many questions whether it came, each of which has an answer. */
const AGAIN_AT_ONCE = 4;
/** Under way at most when a burst follows one that was not answered: the next answer tells of both. */
const GO_ON_RECORDS = 20;

export class RadioChannel implements LinkChannel {
  readonly id: LinkId;
  readonly facts: LinkFacts;
  readonly key: PublicKey;
  readonly priority: number;
  readonly isThin: boolean;
  readonly isSlow = true;
  readonly address: Uint8Array;
  readonly proofTimeoutMs = NEVER;
  readonly targetAt = 0;
  readonly seat = new Seat();
  /** What waits. */
  readonly loads: Loads;
  upSinceMs: number;
  bytesReceived = 0;
  bytesSent = 0;
  isOpen = false;
  ended: Ended | undefined;
  plain: Uint8Array = new Uint8Array(0);
  plainAt = 0;
  /** The last record asks for an answer. */
  hasAsked = false;
  /** It answers us. */
  hasAnswered = false;
  /** The other side has said that it will be silent until then. */
  silentUntilMs = 0;
  /** The next record tells the other side that we shall be silent for so long. */
  silentSeconds = 0;
  readonly #options: RadioChannelOptions;
  readonly #context: Context;
  readonly #user: PipeUser;
  readonly #liveness: Liveness;
  readonly #inbox: RadioInbox;
  readonly #control: RadioControl;
  readonly #traffic: RadioTraffic;
  readonly #headsOut: ShortHeadersOut | undefined;
  readonly #flight: Flight;
  readonly #composer: RecordComposer;
  readonly #cost: LinkCost;
  readonly #frames = new LinkFrames();
  #isPingDue = false;
  /** A PING is under way. */
  #isAsking = false;
  #isAnswerDue = false;
  #isCloseDue = false;
  /** The last record that was written says RACK, PING. */
  #saidRack = false;
  #saidPing = false;
  /** Of the burst being composed. */
  #index = 0;
  #isQuickOnly = false;
  #first = 0;
  #allows: (airClass: AirClass) => boolean = () => true;

  constructor(context: Context, options: RadioChannelOptions) {
    const { constants, medium, user, space } = options;
    this.id = options.id;
    this.facts = options.facts;
    this.key = options.key;
    this.priority = options.priority;
    this.isThin = options.isThin;
    this.address = options.address;
    this.upSinceMs = context.nowMs;
    this.#options = options;
    this.#context = context;
    this.#user = user;
    this.#liveness = new Liveness(constants, this.#timeMs);
    this.#inbox = new RadioInbox(context, this, user, constants, space, options.hasShortHeaders);
    this.#control = new RadioControl(constants.ctrlWindow);
    this.#headsOut = options.hasShortHeaders ? new ShortHeadersOut(constants.deadAfterMs) : undefined;
    this.#traffic = new RadioTraffic(context, constants, options.transmitter, this.#headsOut);
    this.#flight = new Flight({
      delivered: (message) => this.#headsOut?.arrived(message),
      arrived: (offset) => this.#control.arrived(offset),
      gaveUp: () => context.stats.drop('link message given up'),
    });
    this.loads = { flight: this.#flight, control: this.#control, traffic: this.#traffic };
    this.#composer = new RecordComposer(this.loads);
    this.#cost = new LinkCost(medium);
  }

  get uri(): string {
    return this.facts.uri;
  }

  get target(): Uint8Array {
    return this.#traffic.target;
  }

  get destination(): Uint8Array {
    return this.address;
  }

  get mtu(): number {
    return this.#options.mtu;
  }

  get queuedBytes(): number {
    return this.#traffic.queuedBytes + this.#control.queuedBytes;
  }

  get lossShare(): number {
    return 1 - this.#flight.deliveredShare;
  }

  get controlBytes(): number {
    return this.#control.queuedBytes;
  }

  get isDoubtful(): boolean {
    return this.#liveness.isDoubtful;
  }

  get lagMs(): number {
    return this.#cost.ms(this.#flight.deliveredShare, this.#context.nowMs, this.upSinceMs);
  }

  /** So much is lost on the way that what is short is better said twice. */
  get isLossy(): boolean {
    return Math.max(1 - this.#flight.deliveredShare, this.#composer.missingShare) > LOSSY_SHARE;
  }

  /** Something of ours is under way, so that we wait for an answer. */
  get isAwaiting(): boolean {
    return this.#isAsking || this.#flight.size > 0;
  }

  /** There is something to say that is not only an answer. */
  get hasOutput(): boolean {
    if (this.ended !== undefined) return this.#isCloseDue;
    if (this.#isPingDue) return true;
    if (!this.isOpen) return false;
    return this.has('control') || this.has('interactive') || this.has('normal');
  }

  /** Whether there is something of this class to say; it is not counted what waits for an answer. */
  has(airClass: AirClass): boolean {
    switch (airClass) {
      case 'control':
        return this.#isPingDue || this.#isCloseDue || this.#control.hasNew || this.#flight.has('control');
      case 'interactive':
        return this.#traffic.hasQuick || this.#flight.has('message');
      case 'normal':
        return !this.isAwaiting && (this.#traffic.hasBulk || this.#flight.has('fragment'));
      default:
        return false;
    }
  }

  /** Of the last record. */
  get recordClass(): AirClass {
    return this.#composer.airClass;
  }

  /** A message was sent that fits into one record, so that someone waits for an answer, while others wait for the channel. */
  get isUrgent(): boolean {
    return (
      this.#composer.cargo.some((cargo) => cargo.kind === 'message' && cargo.message.isTyped) && this.#traffic.hasBulk
    );
  }

  /** Short messages came of late: whoever types should not wait for whole bursts. */
  isTalkative(withinMs: number): boolean {
    return this.#traffic.isTalkative(withinMs);
  }

  // From the router

  sendControl(type: number, frame: Uint8Array): void {
    if (!this.isOpen || this.ended !== undefined || type < FRAME.sigReq) return;
    if (this.#control.push(type, frame)) this.#options.mark();
    else this.close('peer too slow', 'control frames pile up');
  }

  reserve(size: number, dest: number, source: number, isUrgent = false, isOrdered = false): void {
    this.#traffic.reserve(size, dest, source, { isUrgent, isOrdered, room: this.#room });
    this.#options.mark();
  }

  refusalMs(size: number, isOrdered = false): number | undefined {
    return this.#traffic.refusalMs(size, isOrdered, this.#room);
  }

  airWaitMs(size: number): number | undefined {
    return this.#traffic.airWaitMs(size, this.#room);
  }

  queueFacts(): QueueFacts {
    return this.#traffic.queueFacts();
  }

  close(reason: CloseReason, detail: string): void {
    this.#end({ reason, detail, code: undefined });
    this.#isCloseDue = this.isOpen && closeCode(reason) !== undefined;
  }

  // From the owner

  probe(): void {
    if (this.ended !== undefined) return;
    this.#isPingDue = true;
    if (this.isOpen) this.#liveness.doubt(this.#timeMs);
    this.#options.mark();
  }

  tooBig(): void {}

  receive(buffer: Uint8Array, at: number, end: number, _from: Uint8Array, isCurrent: boolean): void {
    this.hasAsked = false;
    this.hasAnswered = false;
    if (this.ended !== undefined) return;
    const { stats } = this.#context;
    this.bytesReceived += end - at + RADIO_OVERHEAD;
    if (!this.isOpen && !this.#opens()) return;
    this.silentUntilMs = 0;
    const frames = this.#frames;
    frames.open(buffer, at, end);
    let others = 0;
    while (frames.next()) {
      if (asksForAnswer(frames.type)) this.hasAsked = true;
      if (!isMessage(frames.type) && ++others > FRAMES_PER_PACKET) {
        stats.drop('link frames too many');
        break;
      }
      this.#frame(frames, isCurrent);
      if (this.ended !== undefined) return;
    }
    if (frames.fault === 'malformed') stats.drop('link frame malformed');
    else if (frames.fault === 'unknown') stats.drop('link frame unknown');
    if (this.hasAsked) this.#isAnswerDue = true;
    this.#liveness.received(false, this.#timeMs);
    this.#options.mark();
  }

  rekeyed(): void {
    this.#composer.rekeyed();
    this.#flight.loseAll();
    this.#isAsking = false;
    this.#options.mark();
  }

  timer(nowMs: number): void {
    if (this.ended !== undefined || !this.isOpen) return;
    if (nowMs >= this.silentUntilMs) {
      const due = this.#liveness.due(this.#timeMs);
      if (due === 'dead') return this.close('peer silent', 'nothing came back in time');
      if (due === 'ping') {
        this.#isPingDue = true;
        this.#options.mark();
      }
    }
    this.#inbox.expire(this.#timeMs);
    this.#arm();
  }

  dispose(): void {
    this.#traffic.clear();
    this.#inbox.clear();
    this.#options.medium.forget(this.seat);
  }

  // From the station

  /** Records of a burst are asked for from now on, with what there is air for. */
  begin(allows: (airClass: AirClass) => boolean): void {
    this.#allows = allows;
    this.#index = 0;
    this.#isQuickOnly = this.isAwaiting && !(this.seat.misses === 1 && this.#flight.size <= GO_ON_RECORDS);
    if (this.isAwaiting) this.#isPingDue = true;
  }

  next(target: Uint8Array, at: number, room: number): number {
    this.plain = target;
    this.plainAt = at;
    if (this.ended !== undefined) return this.#writeClose(target, at);
    const timeMs = this.#timeMs;
    const { constants } = this.#options;
    const size = this.#composer.write(target, at, Math.min(room, this.isOpen ? this.#room : PING_SIZE), {
      index: this.#index,
      isQuickOnly: this.#isQuickOnly,
      isPingDue: this.#isPingDue,
      window: this.#isAnswerDue || this.#isPingDue ? this.#options.window() : undefined,
      silentSeconds: this.silentSeconds,
      heads: this.#inbox.heads,
      allows: this.#allows,
      timeMs,
      quickUntilMs: timeMs + constants.repair.ageMs,
      bulkUntilMs: timeMs + 2 * constants.repair.ageMs,
    });
    if (size === 0) return -1;
    this.#saidRack = this.#composer.hasRack;
    this.#saidPing = this.#composer.hasPing;
    this.#index++;
    this.#isAnswerDue = false;
    this.silentSeconds = 0;
    this.bytesSent += size + RADIO_OVERHEAD;
    return size;
  }

  /** The last record that `next` gave has this counter. */
  sealed(counter: number): void {
    const { cargo, hasPing } = this.#composer;
    if (this.#index === 1) this.#first = counter;
    if (cargo.length > 0) this.#flight.add(counter, this.#first, cargo);
    if (cargo.length === 0 && !hasPing) return;
    this.#isPingDue = false;
    if (hasPing) this.#isAsking = true;
    this.#liveness.sent(true, this.#timeMs);
    this.#arm();
  }

  /** What the last record answers and asks is said again in the next one. */
  again(): void {
    this.#isAnswerDue = this.#saidRack;
    this.#isPingDue = this.#saidPing;
  }

  /** There is no key to say the last word under. */
  hush(): void {
    this.#isCloseDue = false;
  }

  /** No answer came. */
  missed(): void {
    if (this.#flight.size > 0 && this.#isCheap) {
      this.#flight.loseAll();
      this.#isAsking = false;
    } else this.#isPingDue = true;
    this.#options.mark();
  }

  // Receiving

  #opens(): boolean {
    this.isOpen = true;
    this.upSinceMs = this.#context.nowMs;
    const refusal = this.#user.opened(this);
    if (refusal === undefined) return true;
    this.ended = { reason: refusal, detail: 'no room for this link', code: undefined };
    this.#isCloseDue = true;
    this.#options.mark();
    return false;
  }

  #frame(frames: LinkFrames, isCurrent: boolean): void {
    const { buffer, start, end } = frames;
    switch (frames.type) {
      case LINK_FRAME.msg:
      case LINK_FRAME.msgl:
        return this.#inbox.message(buffer, start, end);
      case LINK_FRAME.frag:
        this.#inbox.fragment(frames, this.#timeMs);
        return this.#arm();
      case LINK_FRAME.ctrl:
        return this.#inbox.control(frames);
      case LINK_FRAME.rack:
        return isCurrent ? this.#racked(frames.highest, buffer, start, end) : undefined;
      case LINK_FRAME.ping:
        // It would not ask if it had heard what it has not answered.
        if (this.#isCheap) this.#flight.loseAll();
        return undefined;
      case LINK_FRAME.unknown:
        for (let at = start; at < end; at++) this.#headsOut?.unknown(buffer[at] as number);
        return undefined;
      case LINK_FRAME.silent:
        this.silentUntilMs = this.#context.nowMs + 1_000 * frames.seconds;
        return undefined;
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

  #racked(highest: number, bits: Uint8Array, start: number, end: number): void {
    this.hasAnswered = true;
    this.#isAsking = false;
    this.#isPingDue = false;
    this.#flight.racked(highest, bits, start, end);
    if (this.#flight.isHopeless) this.close('peer silent', 'control frames are not acknowledged');
  }

  // Sending

  /** What is under way costs so little that it is better sent again than asked for. */
  get #isCheap(): boolean {
    const { medium } = this.#options;
    const mostMs = AGAIN_AT_ONCE * medium.frameMs(RADIO_OVERHEAD + PING_SIZE);
    return medium.frameMs(RADIO_OVERHEAD + this.#flight.bytes) <= mostMs;
  }

  /** Octets for the frames of one record. */
  get #room(): number {
    return this.#options.mtu - RADIO_OVERHEAD;
  }

  /** Time as the timers of this class count it: it stands still while a burst is sent or heard. */
  get #timeMs(): number {
    return this.#context.nowMs - this.#options.medium.stoodMs;
  }

  #writeClose(target: Uint8Array, at: number): number {
    const { ended } = this;
    const code = ended === undefined ? undefined : closeCode(ended.reason);
    if (!this.#isCloseDue || ended === undefined || code === undefined) return -1;
    this.#isCloseDue = false;
    const writer = new Writer(target, at);
    writeClose(writer, code, closeText(ended.detail));
    return writer.pos - at;
  }

  /**
   * Early where time has stood still meanwhile: the timer is armed again then. Never for now: the sum of two times may be
   * less by its last bit than what it is compared with, and now would come again for ever.
   */
  #arm(): void {
    if (!this.isOpen || this.ended !== undefined) return;
    const { nowMs, timers } = this.#context;
    const atMs = Math.min(this.#liveness.deadlineMs, this.#inbox.deadlineMs) + this.#options.medium.stoodMs;
    timers.arm(Math.max(atMs, this.silentUntilMs, nowMs + 1));
    timers.arm(Math.max(this.#inbox.orderDeadlineMs, nowMs + 1));
  }

  #end(ended: Ended): void {
    if (this.ended !== undefined) return;
    if (this.isOpen) this.#user.gone(this);
    this.ended = ended;
    this.#options.mark();
  }
}

function isMessage(type: number): boolean {
  return type === LINK_FRAME.msg || type === LINK_FRAME.msgl;
}
