/** Asks a running daemon over its admin socket. */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { RatatoskError } from '../core/error.ts';
import type { Answers, Push, RequestName, StatusAnswer } from '../host/answers.ts';
import { defaultPlaces, SYSTEM_SOCKET } from '../host/places.ts';
import { type OptionValues, textOption, usageError } from './verb.ts';

/** The daemon gives up on its router after 10 s; beside that a request may ask for a time of its own. */
const ANSWER_LIMIT_MS = 12_000;
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;

export const socketOption = { socket: { type: 'string' } } as const;
export const SOCKET_HELP = "  --socket PATH   the daemon's admin socket (or unix://…, tcp://host:port)";

export type Ask = <N extends RequestName>(request: N, args?: Readonly<Record<string, string>>) => Promise<Answers[N]>;

/** Fails with `NO_DAEMON`, `NO_RIGHTS`, or `REFUSED` with the daemon's own words. */
export function adminClient(options: OptionValues, answerLimitMs = ANSWER_LIMIT_MS): Ask {
  const endpoint = findEndpoint(textOption(options, 'socket'));
  return async (request, args = {}) => {
    const limitMs = answerLimitMs + Number(args.timeout ?? 0);
    const text = await exchange(endpoint, JSON.stringify({ request, arguments: args }), limitMs);
    return readAnswer(request, text, endpoint);
  };
}

/** The daemon's state, or undefined if none runs; a socket that was named must be there. */
export async function statusIfUp(options: OptionValues): Promise<StatusAnswer | undefined> {
  try {
    return await adminClient(options)('getStatus');
  } catch (error) {
    const cause = error instanceof RatatoskError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
    const isAbsent = cause?.code === 'ENOENT' || cause?.code === 'ECONNREFUSED';
    if (isAbsent && textOption(options, 'socket') === undefined) return undefined;
    throw error;
  }
}

/** Subscribes; ends when the daemon does. */
export function adminStream(
  options: OptionValues,
  args: Readonly<Record<string, string>>,
  told: (push: Push) => void,
): Promise<void> {
  const endpoint = findEndpoint(textOption(options, 'socket'));
  return new Promise((resolve, reject) => {
    const socket = connect(endpoint.to);
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(JSON.stringify({ request: 'subscribe', arguments: args })));
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      try {
        for (const line of lines) told(readAnswer('subscribe', line, endpoint));
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reject(error instanceof RatatoskError ? error : connectError(endpoint.name, error));
    });
    socket.on('close', () => resolve());
    socket.on('end', () => reject(new RatatoskError('NO_DAEMON', `the daemon on ${endpoint.name} has ended`)));
  });
}

type Endpoint = { readonly name: string; readonly to: { path: string } | { host: string; port: number } };

export function findEndpoint(given: string | undefined): Endpoint {
  if (given === undefined) return unixEndpoint(defaultSocket());
  const tcp = /^tcp:\/\/(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})$/.exec(given);
  if (tcp !== null) return { name: given, to: { host: tcp[1] ?? tcp[2] ?? '', port: Number(tcp[3]) } };
  const path = given.replace(/^unix:\/\//, '');
  if (path === '' || path.includes('://'))
    throw usageError(`--socket: found '${given}', expected a path or tcp://host:port`);
  return unixEndpoint(path);
}

/** A user's own daemon first, then the system's. */
function defaultSocket(): string {
  const own = defaultPlaces().adminSocket;
  return existsSync(own) || !existsSync(SYSTEM_SOCKET) ? own : SYSTEM_SOCKET;
}

function unixEndpoint(path: string): Endpoint {
  return { name: path, to: { path: path.startsWith('@') ? `\0${path.slice(1)}` : path } };
}

function exchange({ name, to }: Endpoint, request: string, limitMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(to);
    const chunks: Buffer[] = [];
    let length = 0;
    const timer = setTimeout(() => socket.destroy(new Error('it does not answer')), limitMs);
    socket.on('close', () => clearTimeout(timer));
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > ANSWER_MAX_BYTES) socket.destroy(new Error('its answer is too large'));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => reject(connectError(name, error)));
    socket.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}

function connectError(name: string, cause: NodeJS.ErrnoException): RatatoskError {
  if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') {
    const remedy = 'start one with `ratatosk up`, or name its socket with --socket';
    return new RatatoskError('NO_DAEMON', `no daemon answers on ${name}: ${remedy}`, { cause });
  }
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    const remedy = 'use sudo, or join the group ratatosk (usermod -aG ratatosk USER) and log in again';
    return new RatatoskError('NO_RIGHTS', `no right to use ${name}: ${remedy}`, { cause });
  }
  return new RatatoskError('NO_DAEMON', `the daemon on ${name} cannot be asked: ${cause.message}`, { cause });
}

type Answer = { readonly status: string; readonly error?: string; readonly response: unknown };

type Needed<T> = { [M in keyof T]-?: undefined extends T[M] ? never : M }[keyof T];

/** What verbs cannot do without, of each answer they read: daemons of other versions may not have it. */
const NEEDED: { readonly [N in RequestName]?: readonly Needed<Answers[N]>[] } = {
  getSelf: ['address', 'key'],
  getPeers: ['peers'],
  getTree: ['tree'],
  getPaths: ['paths'],
  getSessions: ['sessions'],
  getStatus: ['version', 'config', 'key', 'peers', 'tun', 'firewall', 'listening', 'admin'],
  getStats: ['limits', 'memory'],
  getRadio: ['radios'],
  getFirewall: ['rules'],
  getEvents: ['events'],
  ping: ['address'],
  why: ['text', 'candidates', 'inbound'],
  trace: ['hops'],
  allow: ['rules'],
  deny: ['rules'],
  reload: ['changes'],
  subscribe: ['topic'],
};

function readAnswer<N extends RequestName>(request: N, text: string, { name }: Endpoint): Answers[N] {
  const fail = (problem: string, cause?: unknown): never => {
    throw new RatatoskError('NO_DAEMON', `the answer on ${name} cannot be read: ${problem}`, { cause });
  };
  if (text === '') return fail('it closed the connection: it has too many, or this is no admin socket');
  const stranger = 'whoever answers there is no daemon of Ratatosk or Yggdrasil';
  let answer: Partial<Answer> | null;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    return fail(text.startsWith('{') ? 'the daemon has ended in the middle of its answer' : stranger, cause);
  }
  const { status, error, response } = answer ?? {};
  if (status === 'error') throw new RatatoskError('REFUSED', error ?? 'refused without a reason');
  if (status !== 'success' || typeof response !== 'object' || response === null) return fail(stranger);
  const found = response as Partial<Answers[N]>;
  const lacking = NEEDED[request]?.find((member) => (found[member] ?? undefined) === undefined);
  if (lacking !== undefined) return fail(`it has no '${String(lacking)}': is the daemon of another version?`);
  return response as Answers[N];
}
