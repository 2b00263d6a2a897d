/**
 * The admin socket: who may talk, how much, and how fast (section 4 of the security rules). What can be asked is in
 * `admin-calls.ts`.
 */
import { chownSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { RatatoskError } from '../core/error.ts';
import type { Call, Outlet } from './admin-call.ts';
import { JsonSplitter } from './admin-json.ts';
import { type AdminRequest, errorText, readArguments, readRequest, successText } from './admin-request.ts';
import type { Push } from './answers.ts';
import { listenUnix, removeStaleSocket } from './instance.ts';

const CONNECTIONS_MAX = 16;
/** Of all connections together; what is more waits unread. */
const REQUESTS_PER_SECOND = 20;
const IDLE_MS = 60_000;
const ANSWER_MAX_BYTES = 8 * 1024 * 1024;
/** Connections that are told of what happens; the others are for questions. */
const STREAMS_MAX = 8;
/** Of one that does not read. */
const STREAM_WAITING_BYTES = 256 * 1024;
/** Its members may use the socket without being root. */
const GROUP = 'ratatosk';

export type AdminEndpoint =
  | { readonly kind: 'off' }
  /** Abstract names begin with a zero octet, as `node:net` wants them. */
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** `AdminListen`: `unix:///path`, `unix://@name`, `tcp://host:port`, and none or nothing. */
export function parseEndpoint(text: string): AdminEndpoint {
  if (text === '' || text === 'none') return { kind: 'off' };
  const unix = /^unix:\/\/(.+)$/i.exec(text)?.[1];
  if (unix !== undefined) return { kind: 'unix', path: unix.startsWith('@') ? `\0${unix.slice(1)}` : unix };
  const tcp = /^tcp:\/\/(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})\/?$/i.exec(text);
  const port = Number(tcp?.[3]);
  if (tcp !== null && port < 65536) return { kind: 'tcp', host: tcp[1] ?? tcp[2] ?? '', port };
  const expected = 'expected unix:///path, unix://@name, tcp://host:port or none';
  throw new RatatoskError('ADMIN_LISTEN', `AdminListen: found ${JSON.stringify(text)}, ${expected}`);
}

export class AdminServer {
  readonly #server: Server;
  readonly #endpoint: AdminEndpoint;
  readonly #calls: ReadonlyMap<string, Call>;
  readonly #connections = new Set<Socket>();
  readonly #turns = new Turns(REQUESTS_PER_SECOND);
  readonly #idleMs: number;
  #streams = 0;

  private constructor(endpoint: AdminEndpoint, calls: ReadonlyMap<string, Call>, idleMs: number) {
    this.#endpoint = endpoint;
    this.#calls = calls;
    this.#idleMs = idleMs;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  static async listen(
    endpoint: Exclude<AdminEndpoint, { kind: 'off' }>,
    calls: readonly Call[],
    idleMs = IDLE_MS,
  ): Promise<AdminServer> {
    const isTcp = endpoint.kind === 'tcp';
    // Any user of this machine, and any web page through a browser, can open a loopback port.
    const allowed = calls.filter((call) => call.isReadOnly || !isTcp);
    const admin = new AdminServer(endpoint, new Map(allowed.map((call) => [call.name.toLowerCase(), call])), idleMs);
    if (endpoint.kind === 'unix') await admin.#listenUnix(endpoint.path);
    else await admin.#listenTcp(endpoint.host, endpoint.port);
    return admin;
  }

  /** For `tcp://…:0`. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#connections) socket.destroy();
    if (this.#endpoint.kind === 'unix' && !this.#endpoint.path.startsWith('\0')) {
      rmSync(this.#endpoint.path, { force: true });
    }
  }

  async #listenUnix(path: string): Promise<void> {
    if (!path.startsWith('\0')) await removeStaleSocket(path, adminInUse);
    await listenUnix(this.#server, path, 0o660);
    if (!path.startsWith('\0')) giveToGroup(path);
  }

  #listenTcp(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        const where = `tcp://${host}:${port}`;
        reject(
          cause.code === 'EADDRINUSE'
            ? adminInUse(where)
            : new RatatoskError('SOCKET_LISTEN', `${where}: ${cause.code}`),
        );
      });
      this.#server.listen({ host, port }, () => resolve());
    });
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= CONNECTIONS_MAX) {
      socket.destroy();
      return;
    }
    this.#connections.add(socket);
    socket.setTimeout(this.#idleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#connections.delete(socket));
    this.#converse(socket).then(
      (stream) => (stream === undefined ? socket.end() : this.#stream(socket, stream)),
      () => socket.destroy(),
    );
  }

  /** One request after the other; ends when the connection is to be closed, or is for one stream of answers from now on. */
  async #converse(socket: Socket): Promise<AdminRequest | undefined> {
    const splitter = new JsonSplitter();
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      splitter.push(chunk);
      for (let text = splitter.next(); text !== undefined; text = splitter.next()) {
        await this.#turns.wait();
        const request = readRequest(text);
        if (this.#callOf(request)?.stream !== undefined) return request;
        await send(socket, await this.#answer(request));
        if (request?.isKept !== true) return undefined;
      }
      if (splitter.refusal === undefined) continue;
      if (splitter.refusal === 'not JSON') socket.destroy();
      else await send(socket, errorText(undefined, `the request is ${splitter.refusal}`));
      return undefined;
    }
    if (!splitter.isEmpty) await send(socket, errorText(undefined, 'the request ends too early'));
    return undefined;
  }

  /** Until the other side goes, or does not read what it is sent. */
  #stream(socket: Socket, request: AdminRequest): void {
    const call = this.#callOf(request);
    const lineOf = (push: Push): string => inOneLine(successText(request, push));
    const outlet: Outlet = {
      tell: (push) => {
        if (socket.writableLength > STREAM_WAITING_BYTES) socket.destroy();
        else socket.write(lineOf(push));
      },
      offer: (push) => new Promise((resolve) => socket.write(lineOf(push), () => resolve())),
    };
    try {
      if (this.#streams >= STREAMS_MAX) throw new Error(`there are ${STREAMS_MAX} subscribers already`);
      const end = call?.stream?.(readArguments(request.args, call.fields, call.isOwn), outlet);
      this.#streams++;
      socket.on('close', () => {
        this.#streams--;
        end?.();
      });
    } catch (error) {
      socket.end(inOneLine(errorText(request, error instanceof Error ? error.message : String(error))));
      return;
    }
    socket.setTimeout(0);
    socket.on('end', () => socket.end());
    socket.resume();
  }

  #callOf(request: AdminRequest | undefined): Call | undefined {
    return request === undefined ? undefined : this.#calls.get(request.name.toLowerCase());
  }

  async #answer(request: AdminRequest | undefined): Promise<string> {
    if (request === undefined) return errorText(undefined, 'this is not a request');
    const name = request.name.toLowerCase();
    if (name === '') return errorText(request, 'no request is named');
    const call = this.#callOf(request);
    if (call === undefined) return errorText(request, `'${name}' is unknown here; 'list' names all requests`);
    try {
      const args = readArguments(request.args, call.fields, call.isOwn);
      const text = successText(request, await call.run(args));
      return text.length <= ANSWER_MAX_BYTES ? text : errorText(request, 'the answer would be larger than 8 MiB');
    } catch (error) {
      return errorText(request, error instanceof Error ? error.message : String(error));
    }
  }
}

function adminInUse(where: string): RatatoskError {
  const remedy = 'stop it first, or give this one another AdminListen';
  return new RatatoskError('ADMIN_IN_USE', `another daemon answers on the admin socket ${where}: ${remedy}`);
}

/** Strings in it have none of these line ends. */
function inOneLine(text: string): string {
  return `${text.trimEnd().replace(/\n */g, ' ')}\n`;
}

function send(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Without such a group, or the right to give files away, the socket stays with the user of the daemon. */
function giveToGroup(path: string): void {
  try {
    const entry = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((line) => line.startsWith(`${GROUP}:`));
    const group = Number(entry?.split(':')[2]);
    if (Number.isInteger(group)) chownSync(path, process.geteuid?.() ?? 0, group);
  } catch {
    // As said above.
  }
}

/** Grants so many turns a second, in order; a caller beyond them waits. */
class Turns {
  readonly #spacingMs: number;
  readonly #burst: number;
  #nextAtMs = 0;

  constructor(perSecond: number) {
    this.#spacingMs = 1000 / perSecond;
    this.#burst = perSecond;
  }

  wait(): Promise<void> {
    const nowMs = performance.now();
    this.#nextAtMs = Math.max(this.#nextAtMs, nowMs - this.#burst * this.#spacingMs) + this.#spacingMs;
    const delayMs = this.#nextAtMs - nowMs;
    if (delayMs <= 0) return Promise.resolve();
    return new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}
