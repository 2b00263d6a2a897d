/**
 * When to dial which peer: a value machine without timers (section 2.4). The owner dials what `due` names and reports
 * what came of it.
 *
 *     waiting ──due──▶ dialling ──established──▶ up
 *        ▲────failed───────┴─────────lost─────────┘
 */
import { RatatoskError } from '../core/error.ts';
import type { LinkUri } from './link.ts';

/**
 * Nobody listens there, which costs neither side anything: for a short while that is asked often, as the peer may be starting
 * as we are, or be started again. It is no handshake, which some peers count.
 */
const REFUSED_RETRY_MS = 250;
const REFUSED_EAGER_MS = 2_000;
/** Attempts under way at once; more wait for their turn. */
const DIALS_MAX = 64;
const BACKOFF_CAP_MS = 4_096_000;
const EXPONENT_MAX = 32;

export type DialState =
  | { readonly kind: 'waiting'; readonly atMs: number }
  | { readonly kind: 'dialling' }
  | { readonly kind: 'up' }
  /** Never dialled again: it is the node itself. */
  | { readonly kind: 'given up' };

/** One configured peer. The object is its name: it is the same from `add` to `remove`. */
export type DialTask = {
  readonly uri: LinkUri;
  readonly sourceInterface: string;
  state: DialState;
  failures: number;
  /** Since when every attempt was refused. */
  refusedSinceMs: number | undefined;
  lastError: string | undefined;
  lastErrorAtMs: number;
};

export class Dialer {
  readonly #tasks = new Map<string, DialTask>();

  tasks(): IterableIterator<DialTask> {
    return this.#tasks.values();
  }

  /** Adding a peer again is refused with `PEER_EXISTS`, and cuts its wait short. */
  add(uri: LinkUri, sourceInterface: string, nowMs: number): DialTask {
    const name = taskName(uri, sourceInterface);
    const existing = this.#tasks.get(name);
    if (existing !== undefined) {
      this.#retryNow(existing, nowMs);
      throw new RatatoskError('PEER_EXISTS', `Cannot add the peer ${uri.name}: it is configured already`);
    }
    const state: DialState = { kind: 'waiting', atMs: nowMs };
    const task: DialTask = { uri, sourceInterface, state, failures: 0, ...NO_ERROR };
    this.#tasks.set(name, task);
    return task;
  }

  remove(uri: LinkUri, sourceInterface: string): DialTask {
    const name = taskName(uri, sourceInterface);
    const task = this.#tasks.get(name);
    if (task === undefined)
      throw new RatatoskError('PEER_UNKNOWN', `Cannot remove the peer ${uri.name}: it is not configured`);
    this.#tasks.delete(name);
    return task;
  }

  /** What to dial now; each named task counts as dialling from here on. */
  due(nowMs: number): DialTask[] {
    const due = [...this.#tasks.values()]
      .filter((task) => task.state.kind === 'waiting' && task.state.atMs <= nowMs)
      .slice(0, this.#room());
    for (const task of due) task.state = { kind: 'dialling' };
    return due;
  }

  /** When `due` will next name something; infinity also while only the end of an attempt can make room. */
  deadline(): number {
    let atMs = Number.POSITIVE_INFINITY;
    if (this.#room() === 0) return atMs;
    for (const { state } of this.#tasks.values()) if (state.kind === 'waiting') atMs = Math.min(atMs, state.atMs);
    return atMs;
  }

  /** The handshake has succeeded: the next failure waits the shortest time again. */
  established(task: DialTask): void {
    task.state = { kind: 'up' };
    task.failures = 0;
    task.refusedSinceMs = undefined;
  }

  /** A failed attempt or a lost link. `waitMs`: instead of what follows from the number of failures; infinity: never. */
  failed(task: DialTask, error: string, nowMs: number, waitMs?: number): void {
    task.refusedSinceMs = undefined;
    this.#failed(task, error, nowMs, waitMs);
  }

  /** An attempt failed because nobody listens. */
  refused(task: DialTask, error: string, nowMs: number): void {
    task.refusedSinceMs ??= nowMs;
    // Once a link, or an attempt that went further, has failed more than once, the peer is not merely late.
    const isLate = task.failures <= 1 && nowMs - task.refusedSinceMs < REFUSED_EAGER_MS;
    const { failures } = task;
    this.#failed(task, error, nowMs, isLate ? REFUSED_RETRY_MS : undefined);
    if (isLate) task.failures = failures;
  }

  #failed(task: DialTask, error: string, nowMs: number, waitMs: number | undefined): void {
    task.failures = Math.min(EXPONENT_MAX, task.failures + 1);
    task.lastError = error;
    task.lastErrorAtMs = nowMs;
    const cap = task.uri.options.maxBackoffMs ?? BACKOFF_CAP_MS;
    const ownMs = Math.min(2 ** task.failures * 1_000, cap);
    task.state = { kind: 'waiting', atMs: nowMs + (waitMs ?? ownMs) };
  }

  /** An attempt under way has been called off, or none was: it is made now, and the next wait is the shortest again. */
  retry(task: DialTask, nowMs: number): void {
    if (task.state.kind !== 'waiting' && task.state.kind !== 'dialling') return;
    task.failures = 0;
    task.refusedSinceMs = undefined;
    task.state = { kind: 'waiting', atMs: nowMs };
  }

  giveUp(task: DialTask, error: string, nowMs: number): void {
    task.lastError = error;
    task.lastErrorAtMs = nowMs;
    task.state = { kind: 'given up' };
  }

  #room(): number {
    let room = DIALS_MAX;
    for (const { state } of this.#tasks.values()) if (state.kind === 'dialling') room--;
    return room;
  }

  #retryNow(task: DialTask, nowMs: number): void {
    if (task.state.kind === 'waiting') task.state = { kind: 'waiting', atMs: nowMs };
  }
}

const NO_ERROR = { refusedSinceMs: undefined, lastError: undefined, lastErrorAtMs: 0 };

function taskName(uri: LinkUri, sourceInterface: string): string {
  return `${uri.name} ${sourceInterface}`;
}
