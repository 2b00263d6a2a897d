/** The host's half of the conversation with the router thread: questions with a time limit, and notices. */
import { RatatoskError } from '../core/error.ts';
import type { AskRouter, CommandName, Commands, RouterNotice } from './commands.ts';

/** A Worker or a MessagePort. */
export type RouterPort = {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: RouterMessage) => void): unknown;
};

export type RouterMessage =
  | { readonly notice: RouterNotice }
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };

/** A router that does not answer within this time is stuck, or still starting on a very slow machine. */
const ANSWER_TIMEOUT_MS = 10_000;
/** Section 5 of the security rules: peers are told and buffers flushed within this time. */
const STOP_TIMEOUT_MS = 3_000;
/** Questions to other nodes, which may be behind a radio: one; all about one hop. */
const QUERY_TIMEOUT_MS = 50_000;
const HOP_TIMEOUT_MS = 120_000;
/** What a ping may take beyond its own limit. */
const PING_GRACE_MS = 2_000;
/** More questions at once than the admin socket has connections means a fault of ours; stops a pile from growing. */
const PENDING_MAX = 256;

type Pending = {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: RatatoskError) => void;
  readonly timer: NodeJS.Timeout;
};

export class RouterLine {
  readonly #port: RouterPort;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #failure: RatatoskError | undefined;

  constructor(port: RouterPort, onNotice: (notice: RouterNotice) => void) {
    this.#port = port;
    port.on('message', (message) => {
      if ('notice' in message) onNotice(message.notice);
      else this.#settle(message);
    });
  }

  readonly ask: AskRouter = <N extends CommandName>(name: N, args: Commands[N]['args']) =>
    new Promise<Commands[N]['answer']>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      if (this.#pending.size >= PENDING_MAX) {
        return reject(new RatatoskError('ROUTER_BUSY', `${name}: the router thread has ${PENDING_MAX} questions open`));
      }
      const id = this.#nextId++;
      const limitMs = timeLimitMs(name, args);
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new RatatoskError('ROUTER_SILENT', `${name}: the router thread did not answer within ${limitMs} ms`));
      }, limitMs);
      this.#pending.set(id, { resolve: resolve as (answer: unknown) => void, reject, timer });
      this.#port.postMessage({ id, name, args });
    });

  /** The router is gone: every open question and all later ones fail with this. */
  fail(error: RatatoskError): void {
    this.#failure ??= error;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(this.#failure);
    }
    this.#pending.clear();
  }

  #settle(message: Exclude<RouterMessage, { notice: RouterNotice }>): void {
    const pending = this.#pending.get(message.id);
    // Answers to questions that were given up.
    if (pending === undefined) return;
    this.#pending.delete(message.id);
    clearTimeout(pending.timer);
    if ('error' in message) pending.reject(new RatatoskError(message.error.code, message.error.message));
    else pending.resolve(message.answer);
  }
}

function timeLimitMs(name: CommandName, args: Record<string, unknown>): number {
  if (name === 'stop') return STOP_TIMEOUT_MS;
  if (name === 'ping') return Number(args.timeoutMs) + PING_GRACE_MS;
  if (name === 'hop') return HOP_TIMEOUT_MS;
  if (name === 'query') return QUERY_TIMEOUT_MS;
  if (name === 'why') return ANSWER_TIMEOUT_MS + 2 * Number(args.probeMs);
  return ANSWER_TIMEOUT_MS;
}
