/**
 * What leaves through one radio (link document, section 16; radio reference, sections 6.4 to 6.6): answers when it is our turn, then
 * handshakes, then the links, of which that is next which has had the least time on the air. One burst at a time.
 */
import { INIT_SIZE, PACKET, REST_AT, REST_MAX } from '../../../../wire/link-packets.ts';
import type { Context } from '../../../context.ts';
import type { Sink } from '../../../port.ts';
import type { AirClass } from '../../../radio/facts.ts';
import type { DatagramLink } from '../datagram-link.ts';
import type { Note } from '../departures.ts';
import type { KeyTable } from '../key-table.ts';
import type { LinkKey } from '../link-key.ts';
import type { DatagramSocket } from '../socket.ts';
import type { AirBudget } from './budget.ts';
import { RADIO_OVERHEAD, type RadioChannel } from './channel.ts';
import { airOf, Medium, Seat } from './medium.ts';

/** Of one burst: as many records as modems hold. */
const BURST = { records: 20, airMs: 8_000 };
/** Someone waits for an answer: what else goes in the same burst, and in the bursts of the next while, whichever is longer. */
const BURST_URGENT = 2;
const BURST_TALKATIVE = { records: 5, airMs: 3_800 };
const TALKATIVE_MS = 15_000;
/** A link that may not send for so long says so. */
const SILENCE_TOLD_MS = 10_000;
const SILENT_SECONDS_MAX = 0xffff;

/** That a link begins with; answers come when it is their turn. */
const CLASSES: readonly AirClass[] = ['control', 'interactive', 'normal'];

const NOBODY = { hasAsked: false, hasAnswered: false, isAwaiting: false };

const NEVER = Number.POSITIVE_INFINITY;

/** A link over this radio. */
type Member = { readonly link: DatagramLink; readonly channel: RadioChannel };

export type StationPorts = {
  /** There is something to send: `drain` is to be called. */
  wake(socket: DatagramSocket): void;
  /** A closed channel has said its last. */
  removed(link: DatagramLink): void;
  /** It has something to say and no key to say it under. */
  mute(link: DatagramLink): void;
};

export class Station {
  readonly medium: Medium;
  readonly #context: Context;
  readonly #socket: DatagramSocket;
  readonly #keys: KeyTable;
  readonly #budget: AirBudget;
  readonly #ports: StationPorts;
  readonly #members = new Map<DatagramLink, Member>();
  /** Whoever a handshake is with. */
  readonly #stranger = new Seat();
  /** Something comes back to what the modem holds. */
  #isAsking = false;

  constructor(context: Context, socket: DatagramSocket, keys: KeyTable, budget: AirBudget, ports: StationPorts) {
    const chance = (): number => (context.randomOctets(1)[0] as number) / 256;
    this.#context = context;
    this.#socket = socket;
    this.#keys = keys;
    this.#budget = budget;
    this.#ports = ports;
    this.medium = new Medium(airOf(socket.facts), socket.facts.mtu, chance);
  }

  join(link: DatagramLink, channel: RadioChannel): void {
    this.#members.set(link, { link, channel });
  }

  /** Adds up what waits for this radio, in octets. */
  countQueued(sums: Record<AirClass, number>): void {
    for (const { channel } of this.#members.values()) {
      sums.control += channel.loads.control.queuedBytes;
      channel.loads.traffic.countQueued(sums);
    }
  }

  leave(link: DatagramLink): void {
    this.#members.delete(link);
  }

  /** Somebody may have something to say. */
  marked(): void {
    this.#look(true);
  }

  /** An authentic record of a link has been read; `rest` is what its header tells. */
  heard(link: DatagramLink, octets: number, rest: number): void {
    const member = this.#members.get(link);
    if (member === undefined) return;
    const { nowMs } = this.#context;
    const { channel } = member;
    this.medium.heard(channel.seat, octets, rest * this.medium.unitMs, channel, nowMs);
    this.#look(true);
  }

  /** A handshake packet, which we answer or do not. */
  met(octets: number): void {
    const { outbox, notes } = this.#socket;
    const { nowMs } = this.#context;
    if (outbox.hasAnswers || notes.length > 0) this.medium.heard(this.#stranger, octets, 0, NOBODY, nowMs);
    else this.medium.overheard(octets, 0, nowMs);
    this.#look(true);
  }

  /** A frame of others, or nobody's that we know. */
  overheard(octets: number, rest: number): void {
    this.medium.overheard(octets, rest * this.medium.unitMs, this.#context.nowMs);
    this.#look(true);
  }

  /** The modem has sent what it had. */
  writable(): void {
    if (this.#socket.outbox.batch.count > 0) return this.#ports.wake(this.#socket);
    this.#written();
    this.#look(true);
  }

  timer(nowMs: number): void {
    if (this.medium.isSending && nowMs >= this.medium.deadlineMs) {
      this.#socket.outbox.taken(this.#socket.outbox.batch.count);
      this.#written();
    }
    const late = this.medium.missed(nowMs);
    if (late !== undefined)
      for (const { channel } of this.#members.values()) if (channel.seat === late) channel.missed();
    this.#look(true);
  }

  drain(sink: Sink): void {
    const { outbox, id } = this.#socket;
    this.#bury();
    if (outbox.batch.count === 0 && !this.medium.isSending) this.#compose();
    const hasOutput = outbox.batch.count > 0;
    if (hasOutput) outbox.taken(sink.send(id, outbox.batch));
    outbox.isBlocked = false;
    this.#look(hasOutput);
  }

  #written(): void {
    this.#budget.settled(this.#context.nowMs);
    this.medium.written(this.#context.nowMs, this.#isAsking);
  }

  /** Wakes up when something can go; not at once after an attempt that found nothing. */
  #look(mayBeNow: boolean): void {
    const { nowMs, timers } = this.#context;
    const atMs = this.#nextMs(nowMs);
    if (atMs <= nowMs && mayBeNow) this.#ports.wake(this.#socket);
    else if (atMs < NEVER) timers.arm(Math.max(atMs, nowMs + 1));
    timers.arm(this.medium.deadlineMs);
  }

  /** When the next burst may begin; infinity: there is nothing to say, or somebody must speak first. */
  #nextMs(nowMs: number): number {
    const { outbox, notes } = this.#socket;
    const { medium } = this;
    let atMs = NEVER;
    for (const { channel } of this.#members.values()) {
      if (channel.ended !== undefined && !channel.hasOutput) return nowMs;
      if (medium.isSending) continue;
      const { answerAtMs } = channel.seat;
      if (answerAtMs < NEVER) atMs = Math.min(atMs, Math.max(answerAtMs, medium.busyUntilMs));
      if (channel.hasOutput)
        atMs = Math.min(atMs, Math.max(medium.beginAtMs, beginAtMs(channel), this.#paidAtMs(channel)));
    }
    if (outbox.hasAnswers || notes.length > 0) {
      const paidMs = this.#budget.nextAtMs('answer', medium.frameMs(INIT_SIZE), nowMs);
      atMs = Math.min(atMs, Math.max(medium.beginAtMs, paidMs));
    }
    return atMs;
  }

  /** When there is air for any of what a link has to say. */
  #paidAtMs(channel: RadioChannel): number {
    let atMs = NEVER;
    for (const airClass of CLASSES)
      if (channel.has(airClass)) atMs = Math.min(atMs, this.#allowedAtMs(channel, airClass));
    return atMs;
  }

  /** A long message waits until there is air for all of it, and then goes on: half of it would be of no use much later. */
  #allowedAtMs({ loads, mtu }: RadioChannel, airClass: AirClass): number {
    const { nowMs } = this.#context;
    const frameMs = this.medium.frameMs(this.#socket.facts.mtu);
    if (airClass !== 'normal') return this.#budget.nextAtMs(airClass, frameMs, nowMs);
    const isBegun = loads.traffic.isCutting || loads.flight.has('fragment');
    const frames = isBegun ? 1 : Math.ceil(loads.traffic.nextLongSize / (mtu - RADIO_OVERHEAD));
    return this.#budget.nextAtMs(airClass, Math.max(frames, 1) * frameMs, nowMs, isBegun);
  }

  /** Links that have ended and have nothing left to say leave at once. */
  #bury(): void {
    for (const { link, channel } of [...this.#members.values()]) {
      if (channel.ended !== undefined && !channel.hasOutput) this.#ports.removed(link);
    }
  }

  #compose(): void {
    const { nowMs } = this.#context;
    const { outbox, notes } = this.#socket;
    for (const member of this.#members.values()) {
      if (this.medium.mayAnswer(member.channel.seat, nowMs) && this.#composeBurst(member)) return;
    }
    if (!this.medium.mayBegin(nowMs)) return;
    const mayShake = this.#budget.roomMs('answer', nowMs) >= this.medium.frameMs(INIT_SIZE);
    if (outbox.hasAnswers && mayShake) {
      outbox.addAnswers(1);
      const type = outbox.batch.buffers[0]?.[outbox.batch.offsets[0] as number];
      this.#depart(undefined, type === PACKET.init || type === PACKET.resp);
    } else if (notes.length > 0 && mayShake) this.#composeNote(notes.shift() as Note);
    else {
      const next = this.#next(nowMs);
      if (next !== undefined) this.#composeBurst(next);
    }
  }

  #composeNote(note: Note): void {
    const { outbox, constants, facts } = this.#socket;
    if (!note.key.maySeal(this.#context.nowMs, constants)) return;
    outbox.addRecord(note.key, facts.mtu, note);
    this.#context.stats.count('recordsSealed', outbox.seal());
    if (note.isLast) this.#keys.eraseKey(note.key);
    this.#depart(undefined, !note.isLast);
  }

  /** Of those that have something to say, the one that has had the least air. */
  #next(nowMs: number): Member | undefined {
    let next: Member | undefined;
    for (const member of this.#members.values()) {
      const { channel } = member;
      const isLess = channel.seat.airMs < (next?.channel.seat.airMs ?? NEVER);
      if (isLess && channel.hasOutput && nowMs >= beginAtMs(channel) && nowMs >= this.#paidAtMs(channel)) next = member;
    }
    return next;
  }

  /** False: there is nothing to be said, or no key to say it under. */
  #composeBurst(member: Member): boolean {
    const { link, channel } = member;
    const { outbox, facts } = this.#socket;
    const { batch } = outbox;
    const { nowMs } = this.#context;
    const key = link.sealingKey;
    const isAnswer = channel.seat.answerAtMs < NEVER;
    channel.seat.answerAtMs = NEVER;
    if (key === undefined) {
      if (channel.ended !== undefined) channel.hush();
      else this.#ports.mute(link);
      return false;
    }
    const stepMs = this.medium.stepMs(facts.mtu);
    const frameMs = this.medium.frameMs(facts.mtu);
    channel.begin((airClass) => this.#allowedAtMs(channel, airClass) <= nowMs);
    let airMs = 0;
    const talkativeMs = Math.max(BURST_TALKATIVE.airMs, BURST_TALKATIVE.records * stepMs);
    let mostMs = BURST.airMs;
    for (let most = BURST.records; batch.count < most; ) {
      if (!this.#mayPass(frameMs) || (batch.count > 0 && airMs + stepMs > mostMs)) break;
      channel.silentSeconds = batch.count === 0 ? this.#silentSeconds(frameMs) : 0;
      if (!outbox.addRecord(key, facts.mtu, channel)) break;
      channel.sealed(key.sealed - 1);
      link.sealed();
      const size = batch.lengths[batch.count - 1] as number;
      this.#budget.sent(channel.recordClass, this.medium.frameMs(size), nowMs);
      airMs += this.medium.stepMs(size);
      if (channel.isTalkative(TALKATIVE_MS)) mostMs = Math.min(mostMs, talkativeMs);
      if (batch.count === 1 && channel.isUrgent) most = Math.min(most, BURST_URGENT);
    }
    if (batch.count === 0) return false;
    if (batch.count === 1 && channel.isLossy && this.#mayPass(frameMs)) airMs += this.#repeat(member, key);
    this.#tellRests();
    this.#context.stats.count('recordsSealed', outbox.seal());
    this.#share(channel.seat, airMs);
    this.#depart(member, channel.isAwaiting, isAnswer);
    return true;
  }

  /** Whatever a record holds, the law lets it pass. */
  #mayPass(frameMs: number): boolean {
    return this.#budget.roomMs('answer', this.#context.nowMs) >= frameMs;
  }

  /** The one record of a burst asks or answers: that is said again. Returns its time on the air. */
  #repeat({ link, channel }: Member, key: LinkKey): number {
    const { outbox, facts } = this.#socket;
    const { batch } = outbox;
    channel.again();
    if (!outbox.addRecord(key, facts.mtu, channel)) return 0;
    channel.sealed(key.sealed - 1);
    link.sealed();
    const size = batch.lengths[batch.count - 1] as number;
    this.#budget.sent(channel.recordClass, this.medium.frameMs(size), this.#context.nowMs);
    return this.medium.stepMs(size);
  }

  /** For how long nothing short could follow the frame that is being composed; 0: not worth to be told. */
  #silentSeconds(frameMs: number): number {
    const { nowMs } = this.#context;
    const silentMs = this.#budget.nextAtMs('interactive', 2 * frameMs, nowMs) - nowMs;
    return silentMs < SILENCE_TOLD_MS ? 0 : Math.min(Math.ceil(silentMs / 1_000), SILENT_SECONDS_MAX);
  }

  /** Each record says how long those behind it take. */
  #tellRests(): void {
    const { batch } = this.#socket.outbox;
    let restMs = 0;
    for (let i = batch.count - 1; i >= 0; i--) {
      const buffer = batch.buffers[i] as Uint8Array;
      buffer[(batch.offsets[i] as number) + REST_AT] = Math.min(Math.ceil(restMs / this.medium.unitMs), REST_MAX);
      restMs += this.medium.stepMs(batch.lengths[i] as number);
    }
  }

  /** Who was silent for a while has no more claim than those who were not. */
  #share(seat: Seat, airMs: number): void {
    let leastMs = NEVER;
    for (const { channel } of this.#members.values()) {
      if (channel.seat !== seat && channel.hasOutput) leastMs = Math.min(leastMs, channel.seat.airMs);
    }
    if (leastMs < NEVER) seat.airMs = Math.max(seat.airMs, leastMs - BURST.airMs);
    seat.airMs += airMs;
  }

  /** What has been composed goes to the modem. */
  #depart(member: Member | undefined, isAsking: boolean, isAnswer = false): void {
    const { batch } = this.#socket.outbox;
    let burstMs = 0;
    for (let i = 0; i < batch.count; i++) {
      const size = batch.lengths[i] as number;
      burstMs += this.medium.stepMs(size);
      // Handshakes may overdraw, as answers may.
      if (member === undefined) this.#budget.sent('answer', this.medium.frameMs(size), this.#context.nowMs);
    }
    this.#isAsking = isAsking;
    const answerer = isAsking ? (member?.channel.seat ?? this.#stranger) : undefined;
    this.medium.sent(burstMs, answerer, isAnswer, this.#context.nowMs);
  }
}

/** Not before its back-off is over, nor while the other side is silent. */
function beginAtMs(channel: RadioChannel): number {
  return Math.max(channel.seat.notBeforeMs, channel.silentUntilMs);
}
