/**
 * Questions between nodes (section 6.1). What others ask is answered, so far as limits and configuration allow; what we
 * ask is asked again until the answer comes or its time is over. Answers name no question: each counts for the one that
 * its sender has open.
 */
import { type QueryKind, readQuery, writeQuery } from '../wire/query.ts';
import type { AnswerBudget } from './answer-budget.ts';
import type { Context } from './context.ts';
import { ANSWER_JSON_MAX, MTU_MAX, NODE_INFO_MAX, QUERIES_RUNNING, QUERY_RESEND_MS } from './limits.ts';
import { equalOctets } from './octetmap.ts';
import { lifeMs, resendMs } from './patience.ts';
import { Bucket } from './policy.ts';
import { PACKET_HEADROOM, type PublicKey, type QueryTopic } from './port.ts';

export type QueryPorts = {
  /** As `Sessions.send`. */
  send(dest: PublicKey, buffer: Uint8Array, at: number, length: number): void;
  /** As `Node.roundTripMs`. */
  roundTripMs(key: PublicKey): number;
  routingEntries(): number;
  /** One a link. */
  peerKeys(): Iterable<Uint8Array>;
  treeKeys(): Iterable<Uint8Array>;
};

type Running = { readonly key: PublicKey; readonly topic: QueryTopic; readonly startedMs: number; resendAtMs: number };

const REQUESTS: Record<QueryTopic, QueryKind> = {
  nodeInfo: 'nodeInfoRequest',
  self: 'selfRequest',
  peers: 'peersRequest',
  tree: 'treeRequest',
};
const RESPONSES: Record<QueryTopic, QueryKind> = {
  nodeInfo: 'nodeInfoResponse',
  self: 'selfResponse',
  peers: 'peersResponse',
  tree: 'treeResponse',
};
const TOPICS = ['nodeInfo', 'self', 'peers', 'tree'] as const;

/** In front of a body: the type, the debug octet, the kind. */
const HEAD_MAX = 3;
const KEY = 32;

export class Queries {
  readonly #context: Context;
  readonly #ports: QueryPorts;
  #running: Running[] = [];
  readonly #budget: AnswerBudget;
  readonly #debugAnswers: Bucket;

  constructor(context: Context, budget: AnswerBudget, ports: QueryPorts) {
    const { nodeInfo, limits } = context.options;
    if (nodeInfo.length > NODE_INFO_MAX) throw new RangeError('NodeInfo is larger than may be sent');
    this.#context = context;
    this.#ports = ports;
    this.#budget = budget;
    const perSecond = limits.debugAnswersPerSecond;
    this.#debugAnswers = new Bucket({ perSecond, burst: 2 * perSecond }, context.nowMs);
  }

  /** One event answers each question; whoever asks what is asked already shares its answer. */
  ask(key: PublicKey, topic: QueryTopic): void {
    const { nowMs, events } = this.#context;
    if (equalOctets(key, this.#context.key)) {
      events.push({ kind: 'queryAnswered', key, topic, body: this.#answerTo(topic) });
      return;
    }
    if (this.#find(key, topic) >= 0) return;
    if (this.#running.length >= QUERIES_RUNNING) {
      events.push({ kind: 'queryFailed', key, topic, reason: 'too many' });
      return;
    }
    const running = { key, topic, startedMs: nowMs, resendAtMs: 0 };
    this.#running.push(running);
    this.#request(running);
  }

  /** `packet` lies in a buffer that will be used again. */
  received(from: PublicKey, packet: Uint8Array): void {
    const query = readQuery(packet);
    if (query === undefined) return this.#context.stats.drop('query unknown');
    const { kind, body } = query;
    const asked = TOPICS.find((topic) => REQUESTS[topic] === kind);
    if (asked !== undefined) return this.#answer(from, asked);
    const answered = TOPICS.find((topic) => RESPONSES[topic] === kind);
    if (answered !== undefined) this.#answered(from, answered, body);
  }

  timer(nowMs: number): void {
    const over = this.#running.filter((running) => this.#untilMs(running) <= nowMs);
    this.#running = this.#running.filter((running) => !over.includes(running));
    for (const { key, topic } of over) {
      this.#context.events.push({ kind: 'queryFailed', key, topic, reason: 'no answer' });
    }
    for (const running of this.#running) {
      if (running.resendAtMs <= nowMs) this.#request(running);
      this.#context.timers.arm(Math.min(running.resendAtMs, this.#untilMs(running)));
    }
  }

  /** A session that comes about meanwhile may tell that the way is a long one. */
  #untilMs({ startedMs, key }: Running): number {
    return startedMs + lifeMs(this.#ports.roundTripMs(key));
  }

  #request(running: Running): void {
    running.resendAtMs = this.#context.nowMs + resendMs(QUERY_RESEND_MS, this.#ports.roundTripMs(running.key));
    this.#context.timers.arm(running.resendAtMs);
    this.#send(running.key, REQUESTS[running.topic], NOTHING);
  }

  #answer(from: PublicKey, topic: QueryTopic): void {
    if (this.#mayAnswer(from, topic)) this.#send(from, RESPONSES[topic], this.#answerTo(topic));
  }

  #mayAnswer(from: PublicKey, topic: QueryTopic): boolean {
    const isDebug = topic !== 'nodeInfo';
    if (!isDebug || this.#context.options.limits.debugAnswersPerSecond > 0) {
      return this.#budget.take(from, isDebug ? this.#debugAnswers : undefined);
    }
    this.#context.stats.drop('query not answered');
    return false;
  }

  #answerTo(topic: QueryTopic): Uint8Array {
    switch (topic) {
      case 'nodeInfo':
        return this.#context.nodeInfo;
      case 'self':
        return selfJson(this.#context.key, this.#ports.routingEntries());
      case 'peers':
        return this.#list(this.#ports.peerKeys());
      case 'tree':
        return this.#list(this.#ports.treeKeys());
      default:
        return topic satisfies never;
    }
  }

  /** As many keys as a packet of our MTU holds. */
  #list(keys: Iterable<Uint8Array>): Uint8Array {
    const most = Math.floor((this.#context.options.mtu - HEAD_MAX) / KEY);
    const body = new Uint8Array(most * KEY);
    let at = 0;
    for (const key of keys) {
      if (at === body.length) break;
      body.set(key, at);
      at += KEY;
    }
    return body.subarray(0, at);
  }

  #answered(from: PublicKey, topic: QueryTopic, body: Uint8Array): void {
    const { stats, events } = this.#context;
    const index = this.#find(from, topic);
    if (index < 0) return stats.drop('query answer unasked');
    const isJson = topic === 'nodeInfo' || topic === 'self';
    if (body.length > (isJson ? ANSWER_JSON_MAX : MTU_MAX)) return stats.drop('query answer too large');
    this.#running.splice(index, 1);
    events.push({ kind: 'queryAnswered', key: from, topic, body: body.slice() });
  }

  #find(key: PublicKey, topic: QueryTopic): number {
    return this.#running.findIndex((running) => running.topic === topic && equalOctets(running.key, key));
  }

  #send(dest: PublicKey, kind: QueryKind, body: Uint8Array): void {
    const packet = writeQuery({ kind, body });
    const roomy = new Uint8Array(PACKET_HEADROOM + packet.length);
    roomy.set(packet, PACKET_HEADROOM);
    this.#ports.send(dest, roomy, PACKET_HEADROOM, packet.length);
  }
}

const NOTHING = new Uint8Array(0);

/** The number is text, as the reference writes it. */
function selfJson(key: Uint8Array, routingEntries: number): Uint8Array {
  const hex = Array.from(key, (octet) => octet.toString(16).padStart(2, '0')).join('');
  const text = JSON.stringify({ key: hex, routing_entries: String(routingEntries) });
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
