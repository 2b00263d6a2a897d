/** What stands between a dialler and a listener, made without the daemon's code: a SOCKS5 proxy, and the end of TLS. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { serve } from './dial-suite.ts';

/** Octets both ways, an end for an end. */
export function join(a: Socket, b: Socket): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
}

export type Asked = { methods: number[]; login: string | undefined; command: number[]; host: string; port: number };

export type ProxyOptions = {
  /** `name:password` that it wants. */
  readonly login?: string;
  /** Of RFC 1928, section 6; 0 unless given. */
  readonly answer?: number;
  /** What it says instead of its first answer. */
  readonly instead?: Uint8Array;
  /** The address that it says it connects from, with its type before. */
  readonly boundTo?: readonly number[];
  /** Where it connects whatever it is asked. */
  readonly leadsTo?: number;
  /** Sends what the target says first together with its own answer. */
  readonly waitsForTarget?: boolean;
};

/** A SOCKS5 proxy; what it was asked is noted. */
export async function socksProxy(
  t: TestContext,
  options: ProxyOptions = {},
): Promise<{ port: number; asked: Asked[] }> {
  const asked: Asked[] = [];
  const port = await serve(t, (socket) => {
    talk(socket, options, asked).catch(() => socket.destroy());
  });
  return { port, asked };
}

async function talk(socket: Socket, options: ProxyOptions, asked: Asked[]): Promise<void> {
  socket.on('readable', () => {});
  const [, count = 0] = await take(socket, 2);
  const methods = [...(await take(socket, count))];
  const note: Asked = { methods, login: undefined, command: [], host: '', port: 0 };
  asked.push(note);
  if (options.instead !== undefined) return void socket.end(options.instead);
  if (options.login !== undefined && !methods.includes(2)) return void socket.end(Uint8Array.of(5, 0xff));
  socket.write(Uint8Array.of(5, options.login === undefined ? 0 : 2));
  if (options.login !== undefined) {
    const [, nameLength = 0] = await take(socket, 2);
    const name = await take(socket, nameLength);
    const [passwordLength = 0] = await take(socket, 1);
    note.login = `${name}:${await take(socket, passwordLength)}`;
    const isRight = note.login === options.login;
    socket.write(Uint8Array.of(1, isRight ? 0 : 1));
    if (!isRight) return void socket.end();
  }
  const command = await take(socket, 4);
  note.command = [...command];
  const length = command[3] === 1 ? 4 : command[3] === 4 ? 16 : ((await take(socket, 1))[0] as number);
  const address = await take(socket, length);
  note.host = command[3] === 3 ? address.toString() : address.toString('hex');
  note.port = (await take(socket, 2)).readUInt16BE();
  const answer = Uint8Array.of(5, options.answer ?? 0, 0, ...(options.boundTo ?? [1, 0, 0, 0, 0]), 0, 0);
  if (options.answer !== undefined) return void socket.end(answer);
  const target = connect({ host: '127.0.0.1', port: options.leadsTo ?? note.port });
  socket.on('close', () => target.destroy());
  target.on('error', () => socket.destroy());
  if (options.waitsForTarget === true) {
    const [first] = (await once(target, 'data')) as [Buffer];
    target.pause();
    socket.write(Buffer.concat([answer, first]));
  } else socket.write(answer);
  socket.removeAllListeners('readable');
  join(socket, target);
}

async function take(socket: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const octets: Buffer | null = count === 0 ? Buffer.alloc(0) : socket.read(count);
    if (octets !== null) return octets;
    await once(socket, 'readable');
  }
}

/** The end of TLS before a plain listener, as a web server before a WebSocket listener. */
export async function tlsFront(
  t: TestContext,
  options: TlsOptions,
  leadsTo: number,
): Promise<{ port: number; sockets: TLSSocket[] }> {
  const sockets: TLSSocket[] = [];
  const server = createTlsServer(options, (socket) => {
    sockets.push(socket);
    const target = connect({ host: '127.0.0.1', port: leadsTo });
    join(socket, target);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

/** A TCP server on a path in the file system that does what the test wants. */
export async function serveFile(t: TestContext, path: string, accept: (socket: Socket) => void): Promise<void> {
  const server = createServer(accept);
  server.listen({ path });
  await once(server, 'listening');
  t.after(() => server.close());
}
