/**
 * One stream link: greeting, then frames (sections 2.3, 4.1, 4.9).
 *
 *     greeting ──valid meta──▶ open ──▶ closed
 *         └──anything else, 6 s──────────▲
 */
import { encodeFrame, FRAME } from '../../wire/frame.ts';
import {
  GREETING_HEADER,
  GREETING_MAX,
  greetingSize,
  readGreeting,
  VERSION_MAJOR,
  VERSION_MINOR,
  writeGreeting,
} from '../../wire/greeting.ts';
import type { Context } from '../context.ts';
import {
  FRAME_TIMEOUT_MS,
  GREETING_TIMEOUT_MS,
  KEEPALIVE_DELAY_MS,
  SILENCE_DOUBT_MS,
  SILENCE_TIMEOUT_MS,
} from '../limits.ts';
import { equalOctets } from '../octetmap.ts';
import { type CloseReason, type LinkFacts, type LinkId, type PublicKey, publicKey, type Sink } from '../port.ts';
import { type QueueFacts, queueFacts } from '../queue.ts';
import { Assembler } from './assembler.ts';
import { Egress } from './egress.ts';
import type { Pipe, PipeUser } from './pipe.ts';

type State =
  | { kind: 'greeting'; received: Uint8Array; have: number; untilMs: number }
  | { kind: 'open'; key: PublicKey; priority: number }
  | { kind: 'closed'; reason: CloseReason; detail: string };

const KEEP_ALIVE = encodeFrame(FRAME.keepAlive, () => {});
const NEVER = Number.POSITIVE_INFINITY;

export class StreamLink implements Pipe {
  readonly id: LinkId;
  readonly facts: LinkFacts;
  readonly lagMs = undefined;
  upSinceMs: number;
  bytesReceived = 0;
  readonly egress: Egress;
  isDoubtful = false;
  #state: State;
  /** Set by the owner: true while the link waits to be drained. */
  isMarked = false;
  readonly #context: Context;
  readonly #user: PipeUser;
  readonly #mark: (link: StreamLink) => void;
  readonly #assembler = new Assembler();
  /** Close unless any frame arrives by then. */
  #silentAtMs = NEVER;
  /** Doubtful unless any frame arrives by then. */
  #doubtAtMs = NEVER;
  /** Until then only a signature answers a probe: other frames may answer what was sent before it. */
  #probedUntilMs = 0;
  /** Send a KeepAlive unless any frame was sent by then. */
  #keepAliveAtMs = NEVER;
  /** Close unless the frame that has begun is whole by then. */
  #frameAtMs = NEVER;

  constructor(id: LinkId, facts: LinkFacts, context: Context, user: PipeUser, mark: (link: StreamLink) => void) {
    this.id = id;
    this.facts = facts;
    this.#context = context;
    this.#user = user;
    this.#mark = mark;
    this.upSinceMs = context.nowMs;
    this.egress = new Egress(context.options.limits.trafficQueueBytes, context.pool, context.stats.trafficLost);
    const untilMs = context.nowMs + GREETING_TIMEOUT_MS;
    this.#state = { kind: 'greeting', received: new Uint8Array(256), have: 0, untilMs };
    context.timers.arm(untilMs);
    const hash = context.crypto.blake2b512(facts.password, context.key);
    this.#push(writeGreeting(context.key, facts.priority, context.signer.sign(hash)));
  }

  get uri(): string {
    return this.facts.uri;
  }

  get isOpen(): boolean {
    return this.#state.kind === 'open';
  }

  get closed(): { reason: CloseReason; detail: string } | undefined {
    return this.#state.kind === 'closed' ? this.#state : undefined;
  }

  get key(): PublicKey {
    if (this.#state.kind !== 'open') throw new Error('only an open link has a key');
    return this.#state.key;
  }

  get priority(): number {
    return this.#state.kind === 'open' ? this.#state.priority : this.facts.priority;
  }

  get bytesSent(): number {
    return this.egress.bytesSent;
  }

  get queuedBytes(): number {
    return this.egress.queuedBytes;
  }

  get isBlocked(): boolean {
    return this.egress.isBusy;
  }

  queueFacts(): QueueFacts {
    return queueFacts([this.egress.queue], this.#context.nowMs);
  }

  get target(): Uint8Array {
    return this.egress.target;
  }

  get targetAt(): number {
    return this.egress.targetAt;
  }

  receive(octets: Uint8Array): void {
    // A shell may hand in what looks like a Uint8Array and shares its memory where that copies: a `slice` of it.
    let chunk = new Uint8Array(octets.buffer, octets.byteOffset, octets.length);
    this.bytesReceived += chunk.length;
    if (this.#state.kind === 'greeting') chunk = this.#greet(this.#state, chunk);
    if (this.#state.kind !== 'open' || chunk.length === 0) return;
    const isWellFormed = this.#assembler.push(chunk, this.#take, this.#settle);
    if (!isWellFormed) this.close('frame malformed', 'the length of a frame is not valid');
    if (this.#assembler.pending === 0) this.#frameAtMs = NEVER;
    else if (this.#frameAtMs === NEVER) this.#frameAtMs = this.#arm(FRAME_TIMEOUT_MS);
  }

  sendControl(type: number, frame: Uint8Array): void {
    if (this.#state.kind !== 'open') return;
    this.#push(frame);
    this.#sent(type > FRAME.keepAlive);
  }

  reserve(size: number, dest: number, source: number): void {
    this.egress.reserve(size, dest, source, this.#context.nowMs);
    this.#mark(this);
    this.#sent(true);
  }

  close(reason: CloseReason, detail: string): void {
    if (this.#state.kind === 'closed') return;
    const wasOpen = this.#state.kind === 'open';
    if (wasOpen) this.#user.gone(this);
    this.#state = { kind: 'closed', reason, detail };
    this.#mark(this);
  }

  /**
   * What was awaited before is awaited anew: this machine may have slept, and the answer lie unread. The next doubt comes
   * early, since the question that follows is answered at once.
   */
  probed(): void {
    if (this.#state.kind !== 'open') return;
    this.#silentAtMs = this.#arm(SILENCE_TIMEOUT_MS);
    this.#doubtAtMs = this.#arm(SILENCE_DOUBT_MS.probed);
    this.#probedUntilMs = this.#context.nowMs + SILENCE_DOUBT_MS.usual;
    if (this.#frameAtMs !== NEVER) this.#frameAtMs = this.#arm(FRAME_TIMEOUT_MS);
  }

  timer(nowMs: number): void {
    if (this.#state.kind === 'closed') return;
    if (this.#state.kind === 'greeting') {
      if (nowMs >= this.#state.untilMs) this.close('greeting timeout', 'no valid greeting came in time');
      else this.#context.timers.arm(this.#state.untilMs);
      return;
    }
    if (nowMs >= this.#silentAtMs) return this.close('peer silent', 'nothing came back in time');
    if (nowMs >= this.#frameAtMs) return this.close('frame timeout', 'a frame was begun and not ended');
    if (nowMs >= this.#keepAliveAtMs) this.sendControl(FRAME.keepAlive, KEEP_ALIVE);
    if (nowMs >= this.#doubtAtMs) {
      this.isDoubtful = true;
      this.#doubtAtMs = NEVER;
    }
    const atMs = Math.min(this.#silentAtMs, this.#doubtAtMs, this.#frameAtMs, this.#keepAliveAtMs);
    this.#context.timers.arm(atMs);
  }

  drain(sink: Sink): void {
    this.egress.drain(this.id, sink, this.#context.nowMs);
  }

  /** Collects the greeting; returns what came behind it. */
  #greet(state: Extract<State, { kind: 'greeting' }>, chunk: Uint8Array): Uint8Array {
    let at = 0;
    let size = (state.have >= GREETING_HEADER ? greetingSize(state.received) : undefined) ?? GREETING_HEADER;
    for (;;) {
      const count = Math.min(size - state.have, chunk.length - at);
      if (state.have + count > state.received.length) {
        const grown = new Uint8Array(GREETING_MAX);
        grown.set(state.received);
        state.received = grown;
      }
      state.received.set(chunk.subarray(at, at + count), state.have);
      state.have += count;
      at += count;
      if (state.have < size) return chunk.subarray(at);
      if (size > GREETING_HEADER) break;
      const whole = greetingSize(state.received);
      if (whole === undefined) this.close('greeting malformed', 'the other side does not speak this protocol');
      else if (whole > GREETING_MAX) this.close('greeting too large', `${whole} octets`);
      if (whole === undefined || whole > GREETING_MAX) return chunk.subarray(at);
      size = whole;
    }
    this.#judge(state.received.subarray(0, size));
    return chunk.subarray(at);
  }

  #judge(message: Uint8Array): void {
    const { crypto, key: ownKey, nowMs } = this.#context;
    const greeting = readGreeting(message);
    if (greeting === undefined) return this.close('greeting malformed', 'its fields do not parse');
    if (greeting.major !== VERSION_MAJOR || greeting.minor !== VERSION_MINOR) {
      const found = greeting.major < 0 ? 'none' : `${greeting.major}.${greeting.minor}`;
      return this.close('version mismatch', `the other side speaks version ${found}, we speak 0.5`);
    }
    if (greeting.key === undefined) return this.close('greeting malformed', 'it carries no key');
    const hash = crypto.blake2b512(this.facts.password, greeting.key);
    if (!crypto.ed25519Verify(greeting.key, greeting.signature, hash)) {
      return this.close('signature invalid', 'the passwords differ, or the greeting was altered');
    }
    if (equalOctets(greeting.key, ownKey)) return this.close('own key', 'this is the node itself');
    const key = publicKey(greeting.key.slice());
    const { boundKey } = this.facts;
    if (boundKey !== undefined && !equalOctets(boundKey, key)) {
      return this.close('key not bound', 'the certificate is that of another key');
    }
    const isPinned = this.facts.pinnedKeys.length === 0 || this.facts.pinnedKeys.some((pin) => equalOctets(pin, key));
    if (!isPinned) return this.close('key not pinned', 'the key is none of those in the URI');
    if (this.facts.isInbound && !this.facts.isExemptFromAllowList && !this.#context.isAllowed(key)) {
      return this.close('key not allowed', 'the key is not in AllowedPublicKeys');
    }
    this.#state = { kind: 'open', key, priority: Math.max(this.facts.priority, greeting.priority) };
    this.upSinceMs = nowMs;
    const refusal = this.#user.opened(this);
    if (refusal !== undefined) this.#state = { kind: 'closed', reason: refusal, detail: 'no room for this link' };
    if (refusal !== undefined) this.#mark(this);
  }

  readonly #take = (buffer: Uint8Array, bodyAt: number, end: number): boolean => {
    const type = buffer[bodyAt] as number;
    if (this.#context.nowMs >= this.#probedUntilMs || type === FRAME.sigRes) this.#answered();
    this.#frameAtMs = NEVER;
    if (type > FRAME.keepAlive && this.#keepAliveAtMs === NEVER) this.#keepAliveAtMs = this.#arm(KEEPALIVE_DELAY_MS);
    if (type > FRAME.traffic) this.close('frame type unknown', `type ${type}`);
    else if (type > FRAME.keepAlive) this.#user.frame(this, type, buffer, bodyAt + 1, end);
    return this.#state.kind === 'open';
  };

  readonly #settle = (): void => this.#user.settle();

  #answered(): void {
    this.#silentAtMs = NEVER;
    this.#doubtAtMs = NEVER;
    this.#probedUntilMs = 0;
    this.isDoubtful = false;
  }

  /** A frame goes out; `callsForAnswer` for types of 2 and above. */
  #sent(callsForAnswer: boolean): void {
    this.#keepAliveAtMs = NEVER;
    if (!callsForAnswer || this.#silentAtMs !== NEVER) return;
    this.#silentAtMs = this.#arm(SILENCE_TIMEOUT_MS);
    this.#doubtAtMs = this.#arm(SILENCE_DOUBT_MS.usual);
  }

  #arm(delayMs: number): number {
    const atMs = this.#context.nowMs + delayMs;
    this.#context.timers.arm(atMs);
    return atMs;
  }

  #push(frame: Uint8Array): void {
    if (this.egress.pushControl(frame)) this.#mark(this);
    else this.close('peer too slow', 'control frames pile up');
  }
}
