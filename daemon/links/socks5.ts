/** The client's part of SOCKS5 (RFC 1928, and RFC 1929 for the password): one CONNECT. */
import { once } from 'node:events';
import { isIPv4, isIPv6, type Socket } from 'node:net';
import { watchAttempt } from './attempt.ts';
import type { ProxyUser } from './link.ts';

/** The proxy connects meanwhile. */
const PROXY_TIMEOUT_MS = 10_000;

const VERSION = 5;
const LOGIN_VERSION = 1;
const METHOD = { none: 0, password: 2 } as const;
const CONNECT = 1;
const ADDRESS = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** Answers of RFC 1928, section 6. */
const REFUSALS: readonly string[] = [
  '',
  'it failed',
  'its rules do not allow this',
  'the network is unreachable',
  'the host is unreachable',
  'the connection was refused',
  'the way is too long',
  'it cannot do that',
  'it does not know such addresses',
];

/** Rejects with what went wrong, and the socket ends. What the other side sent at once stays in the socket. */
export async function askProxy(
  socket: Socket,
  target: { host: string; port: number },
  user: ProxyUser | undefined,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const settle = watchAttempt({ what: 'the proxy', limitMs: PROXY_TIMEOUT_MS, signal }, (why) => stop.abort(why));
  const ended = (): void => stop.abort(new Error('the proxy closed the connection'));
  // The first listener for `readable` is told at once of what is there: a new one for each wait would never wait.
  socket.on('end', ended).on('close', ended).on('readable', nothing);
  try {
    await negotiate(socket, target, user, stop.signal);
  } catch (error) {
    socket.destroy();
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    settle();
    socket.off('end', ended).off('close', ended).off('readable', nothing);
  }
}

async function negotiate(
  socket: Socket,
  target: { host: string; port: number },
  user: ProxyUser | undefined,
  signal: AbortSignal,
): Promise<void> {
  const methods = user === undefined ? [METHOD.none] : [METHOD.none, METHOD.password];
  socket.write(Uint8Array.of(VERSION, methods.length, ...methods));
  const [version, method] = await read(socket, 2, signal);
  if (version !== VERSION) throw new Error('the proxy does not speak SOCKS5');
  if (method === METHOD.password && user !== undefined) await logIn(socket, user, signal);
  else if (method !== METHOD.none) {
    throw new Error(`the proxy wants ${user === undefined ? 'a user and password' : 'another kind of login'}`);
  }
  socket.write(Buffer.concat([Uint8Array.of(VERSION, CONNECT, 0), addressOf(target.host), portOf(target.port)]));
  const [, answer = 1, , kind] = await read(socket, 4, signal);
  if (answer !== 0) throw new Error(`the proxy did not connect: ${REFUSALS[answer] ?? `answer ${answer}`}`);
  // Where the proxy connects from tells us nothing; it is read to be out of the way.
  const [nameLength = 0] = kind === ADDRESS.name ? await read(socket, 1, signal) : [];
  const length = kind === ADDRESS.ipv4 ? 4 : kind === ADDRESS.ipv6 ? 16 : nameLength;
  await read(socket, length + 2, signal);
}

async function logIn(socket: Socket, { name, password }: ProxyUser, signal: AbortSignal): Promise<void> {
  const head = Uint8Array.of(LOGIN_VERSION, name.length);
  socket.write(Buffer.concat([head, name, Uint8Array.of(password.length), password]));
  const [, status] = await read(socket, 2, signal);
  if (status !== 0) throw new Error('the proxy refuses this user and password');
}

/** Names are the proxy's to resolve. */
function addressOf(host: string): Uint8Array {
  if (isIPv4(host)) return Uint8Array.of(ADDRESS.ipv4, ...host.split('.').map(Number));
  if (isIPv6(host)) return Uint8Array.of(ADDRESS.ipv6, ...ipv6Octets(host));
  const name = Buffer.from(host);
  return Buffer.concat([Uint8Array.of(ADDRESS.name, name.length), name]);
}

/** `host` is an IPv6 address, without a zone. */
function ipv6Octets(host: string): number[] {
  // The parser of URLs writes addresses with groups only, none of them as IPv4.
  const text = new URL(`http://[${host}]`).hostname.slice(1, -1);
  const [before = [], after = []] = text.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = new Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function portOf(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff);
}

function nothing(): void {}

async function read(socket: Socket, count: number, signal: AbortSignal): Promise<Uint8Array> {
  for (;;) {
    const octets: Buffer | null = socket.read(count);
    if (octets?.length === count) return octets;
    if (octets !== null) throw new Error('the proxy closed the connection');
    await once(socket, 'readable', { signal });
  }
}
