/**
 * Questions about the next hop (`daemon/wire/README.md`): asked of one node after the other, they follow a packet. They go inside
 * end-to-end sessions alone, so that none ever reaches a node that does not know them; until there is one they wait.
 */
import { type HopAnswer, readHopAnswer, readHopQuestion, writeHopAnswer, writeHopQuestion } from '../wire/hop.ts';
import { hopCount } from '../wire/path.ts';
import type { AnswerBudget } from './answer-budget.ts';
import type { Context } from './context.ts';
import { HOP_RESEND_MS, HOP_SENDINGS, HOP_WAIT_MS, HOPS_MAX, HOPS_RUNNING } from './limits.ts';
import { equalOctets } from './octetmap.ts';
import { lifeMs, resendMs } from './patience.ts';
import { Bucket } from './policy.ts';
import { type Coords, PACKET_HEADROOM, type PublicKey, publicKey } from './port.ts';

/** Where a packet goes on from here. `hop` undefined: nowhere. */
export type Onward = { readonly hop: PublicKey | undefined; readonly distance: number };

export type HopPorts = {
  /** As `Channels.send`, in an end-to-end session; false: there is none that could seal. */
  send(dest: PublicKey, buffer: Uint8Array, at: number, length: number): boolean;
  coordsOf(key: PublicKey): Coords | undefined;
  /** As `Node.roundTripMs`. */
  roundTripMs(key: PublicKey): number;
  onward(dest: Uint8Array, path: Uint8Array, watermark: number): Onward;
};

export type HopRequest = {
  /** Of the asker's choice: the events carry it. */
  readonly id: number;
  /** Who is asked. */
  readonly key: PublicKey;
  readonly dest: PublicKey;
  /** That the packet has when it comes there. */
  readonly watermark: number;
};

/** `distance`: from the node asked to the destination. */
export type HopEvent =
  | {
      kind: 'hopAnswered';
      id: number;
      state: HopAnswer['state'];
      distance: number;
      next: PublicKey | undefined;
      rttMs: number;
    }
  | { kind: 'hopFailed'; id: number; reason: 'no path' | 'no session' | 'no answer' | 'too many' };

type Running = HopRequest & {
  readonly path: Coords;
  /** The first of `HOP_SENDINGS` tokens, one for each sending, so that each has a round trip of its own. */
  readonly token: number;
  readonly sentMs: number[];
  readonly startedMs: number;
  nextAtMs: number;
};

export class Hops {
  readonly #context: Context;
  readonly #ports: HopPorts;
  readonly #budget: AnswerBudget;
  readonly #answers: Bucket;
  #running: Running[] = [];

  constructor(context: Context, budget: AnswerBudget, ports: HopPorts) {
    const { traceAnswersPerSecond: perSecond } = context.options.limits;
    this.#context = context;
    this.#ports = ports;
    this.#budget = budget;
    this.#answers = new Bucket({ perSecond, burst: 2 * perSecond }, context.nowMs);
  }

  /** One event answers each request, in time. */
  ask(request: HopRequest): void {
    const { nowMs, events } = this.#context;
    const path = this.#ports.coordsOf(request.dest);
    const reason = path === undefined ? 'no path' : this.#running.length >= HOPS_RUNNING ? 'too many' : undefined;
    if (path === undefined || reason !== undefined) {
      events.push({ kind: 'hopFailed', id: request.id, reason: reason ?? 'no path' });
      return;
    }
    const token = (new DataView(this.#context.randomOctets(4).buffer).getUint32(0) & ~(HOP_SENDINGS - 1)) >>> 0;
    const running = { ...request, path, token, sentMs: [], startedMs: nowMs, nextAtMs: nowMs };
    this.#running.push(running);
    this.#advance(running);
  }

  /** An application packet that came inside an end-to-end session; it lies in a buffer that will be used again. */
  received(from: PublicKey, packet: Uint8Array): void {
    const answer = readHopAnswer(packet);
    if (answer !== undefined) return this.#answered(from, answer);
    const question = readHopQuestion(packet);
    if (question === undefined) return this.#context.stats.drop('query unknown');
    const { limits } = this.#context.options;
    if (
      limits.traceAnswersPerSecond === 0 ||
      limits.debugAnswersPerSecond === 0 ||
      hopCount(question.path) > HOPS_MAX
    ) {
      return this.#context.stats.drop('query not answered');
    }
    if (!this.#budget.take(from, this.#answers)) return;
    this.#send(from, writeHopAnswer(this.#answerTo(question)));
  }

  timer(nowMs: number): void {
    const over = this.#running.filter((running) => this.#untilMs(running) <= nowMs);
    this.#running = this.#running.filter((running) => !over.includes(running));
    for (const { id, sentMs } of over) {
      const reason = sentMs.length === 0 ? 'no session' : 'no answer';
      this.#context.events.push({ kind: 'hopFailed', id, reason });
    }
    for (const running of this.#running) {
      if (running.nextAtMs <= nowMs) this.#advance(running);
      this.#context.timers.arm(Math.min(running.nextAtMs, this.#untilMs(running)));
    }
  }

  /** A session that comes about meanwhile may tell that the way is a long one. */
  #untilMs({ startedMs, key }: Running): number {
    return startedMs + lifeMs(this.#ports.roundTripMs(key));
  }

  #advance(running: Running): void {
    const { nowMs, timers } = this.#context;
    const { key, sentMs, token, watermark, dest, path } = running;
    const sending = sentMs.length;
    const question = writeHopQuestion({ token: token + sending, watermark, dest, path });
    if (sending === HOP_SENDINGS) running.nextAtMs = this.#untilMs(running);
    else if (this.#send(key, question)) {
      sentMs.push(nowMs);
      running.nextAtMs = nowMs + resendMs(HOP_RESEND_MS, this.#ports.roundTripMs(key));
    } else running.nextAtMs = nowMs + HOP_WAIT_MS;
    timers.arm(running.nextAtMs);
  }

  #answered(from: PublicKey, { token, state, distance, next }: HopAnswer): void {
    const { nowMs, stats, events } = this.#context;
    const index = this.#running.findIndex(({ token: first, sentMs, key }) => {
      return token >= first && token < first + sentMs.length && equalOctets(key, from);
    });
    const running = this.#running[index];
    if (running === undefined) return stats.drop('query answer unasked');
    this.#running.splice(index, 1);
    const rttMs = nowMs - (running.sentMs[token - running.token] as number);
    const hop = next === undefined ? undefined : publicKey(next.slice());
    events.push({ kind: 'hopAnswered', id: running.id, state, distance, next: hop, rttMs });
  }

  #answerTo({
    token,
    dest,
    path,
    watermark,
  }: {
    token: number;
    dest: Uint8Array;
    path: Uint8Array;
    watermark: number;
  }): HopAnswer {
    if (equalOctets(dest, this.#context.key)) return { token, state: 'here', distance: 0, next: undefined };
    const { hop, distance } = this.#ports.onward(dest, path, watermark);
    if (hop === undefined) return { token, state: 'dead end', distance, next: undefined };
    return { token, state: 'next', distance, next: hop };
  }

  #send(dest: PublicKey, packet: Uint8Array): boolean {
    const roomy = new Uint8Array(PACKET_HEADROOM + packet.length);
    roomy.set(packet, PACKET_HEADROOM);
    return this.#ports.send(dest, roomy, PACKET_HEADROOM, packet.length);
  }
}
