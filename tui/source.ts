/** The daemon's pushes over its admin socket: connects, asks for what was before, subscribes, and tries again when it ends. */
import { connect, type Socket } from 'node:net';
import { TOPICS } from './model.ts';
import { listOf, membersOf, textOf } from './reading.ts';
import type { Entry } from './recording.ts';

/** For `connect`, and how people call it. */
export type Endpoint = { readonly name: string; readonly to: { path: string } | { host: string; port: number } };

export type SourceOptions = {
  readonly endpoint: Endpoint;
  /** Between two pushes of a topic. */
  readonly intervalMs: number;
  /** Rows of each table. */
  readonly most: number;
  readonly told: (entry: Entry) => void;
};

const EVENTS_BEFORE = 400;
const BACK_OFF_MS = [250, 500, 1_000, 2_000, 5_000] as const;
const SILENT_MS = 5_000;
/** A daemon that never ends a line is none. */
const LINE_MAX_CHARS = 32 * 1024 * 1024;

export class Source {
  readonly #options: SourceOptions;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tries = 0;
  #isEnded = false;

  constructor(options: SourceOptions) {
    this.#options = options;
    this.#begin();
  }

  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #begin(): void {
    const { intervalMs, most, told } = this.#options;
    const args = { topics: TOPICS.join(','), interval: String(intervalMs), most: String(most) };
    let isFirst = true;
    this.#socket = this.#ask('subscribe', args, (response) => {
      const at = Date.now();
      if (isFirst) {
        told({ at, live: true });
        // Asked for after the stream has begun, so that nothing falls between them.
        this.#ask('getEvents', { most: String(EVENTS_BEFORE) }, (answer) => {
          told({ at: Date.now(), recall: listOf(membersOf(answer).events) });
        });
      }
      isFirst = false;
      this.#tries = 0;
      told({ at, push: response });
    });
  }

  #ask(request: string, args: Record<string, string>, told: (response: unknown) => void): Socket {
    const socket = connect(this.#options.endpoint.to);
    const isStream = request === 'subscribe';
    let rest: string[] = [];
    let length = 0;
    let reason = 'the connection has ended';
    let hasAnswered = false;
    socket.setEncoding('utf8');
    socket.setTimeout(SILENT_MS, () => {
      if (!hasAnswered) socket.destroy(new Error('it does not answer'));
    });
    socket.on('connect', () => socket.write(JSON.stringify({ request, arguments: args })));
    socket.on('data', (text: string) => {
      hasAnswered = true;
      length += text.length;
      if (length > LINE_MAX_CHARS) return void socket.destroy(new Error('its answer has no end'));
      rest.push(text);
      // Questions are answered in many lines and then the connection ends; pushes have one line each.
      if (!isStream || !text.includes('\n')) return;
      const lines = rest.join('').split('\n');
      rest = [lines.pop() ?? ''];
      length = rest[0]?.length ?? 0;
      for (const line of lines) if (line !== '') this.#read(line, socket, told);
    });
    socket.on('end', () => {
      if (!isStream && !socket.destroyed) this.#read(rest.join(''), socket, told);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reason = reasonOf(error);
    });
    socket.on('close', () => {
      if (isStream) this.#lost(reason);
    });
    return socket;
  }

  #read(text: string, socket: Socket, told: (response: unknown) => void): void {
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      socket.destroy(new Error('its answer is not JSON'));
      return;
    }
    const { status, error, response } = membersOf(answer);
    if (status === 'success') told(response);
    else socket.destroy(new Error(`it refuses: ${textOf(error)}`));
  }

  #lost(reason: string): void {
    if (this.#isEnded) return;
    this.#options.told({ at: Date.now(), lost: `${this.#options.endpoint.name}: ${reason}` });
    const waitMs = BACK_OFF_MS[Math.min(this.#tries++, BACK_OFF_MS.length - 1)];
    this.#timer = setTimeout(() => this.#begin(), waitMs);
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return 'no daemon answers';
  if (code === 'EACCES' || code === 'EPERM') return 'no right to use it (sudo, or the group ratatosk)';
  return code === 'ECONNRESET' ? 'it has ended' : message;
}
