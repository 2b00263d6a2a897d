/** What stands at the other end of a WebSocket link: clients and servers written without our code. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import type { Carrier } from '../../daemon/links/link.ts';
import { listenOn, portOf } from './dial-suite.ts';
import { type Ear, started, until } from './link-suite.ts';
import { within } from './wait.ts';

const LIMIT_MS = 5_000;

type Opened = { port: number; accepted: Carrier[] };

export async function listenerOf(t: TestContext, query = ''): Promise<Opened> {
  const accepted: Carrier[] = [];
  const listener = await listenOn(t, `ws://127.0.0.1:0${query}`, (carrier) => accepted.push(carrier));
  return { port: portOf(listener.uri), accepted };
}

type ClientOptions = ConstructorParameters<typeof WebSocket>[2];

/** A client of our listener; its errors are the test's to expect. */
export function client(t: TestContext, port: number, options: ClientOptions = {}, protocols = ['ygg-ws']): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, protocols, options);
  t.after(() => socket.terminate());
  socket.on('error', () => {});
  return socket;
}

export function happened(socket: WebSocket, name: string): Promise<unknown[]> {
  const event = new Promise<unknown[]>((resolve) => socket.once(name, (...args) => resolve(args)));
  return within(`the event ${name}`, LIMIT_MS, event);
}

/** An accepted link and the client at its other end. */
export async function accept(
  t: TestContext,
  options: ClientOptions = {},
): Promise<{ socket: WebSocket; carrier: Carrier; ear: Ear }> {
  const { port, accepted } = await listenerOf(t);
  const socket = client(t, port, options);
  await happened(socket, 'open');
  await until('the accepted end', () => accepted.length === 1);
  const carrier = accepted[0] as Carrier;
  return { socket, carrier, ear: started(carrier) };
}

export const HANDSHAKE = (extra: readonly string[] = ['Sec-WebSocket-Protocol: ygg-ws']): string =>
  [
    'GET / HTTP/1.1',
    'Host: mesh',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...extra,
    '',
    '',
  ].join('\r\n');

/** A bare connection to our listener. It may send anything. */
export function bare(t: TestContext, port: number): { socket: Socket; heard: () => string; isEnded: () => boolean } {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  t.after(() => socket.destroy());
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (octets) => {
    text += octets.toString('latin1');
  });
  return { socket, heard: () => text, isEnded: () => socket.readableEnded || socket.destroyed };
}

/** A frame of a client; the mask is zero, which is no mask but counts as one. */
export function frame(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  if (length > 65_535) throw new RangeError('too long for a test');
  const size = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 255];
  return Buffer.concat([Uint8Array.from([first, ...size, 0, 0, 0, 0]), payload]);
}

export const [TEXT, BINARY, CONTINUATION, PING] = [0x01, 0x02, 0x00, 0x09];
export const LAST = 0x80;

/** A WebSocket server written without our code, and what it was asked. */
export async function foreign(
  t: TestContext,
  options: ConstructorParameters<typeof WebSocketServer>[0] = {},
): Promise<{ port: number; requests: IncomingMessage[]; sockets: WebSocket[] }> {
  const http = createServer();
  const requests: IncomingMessage[] = [];
  const sockets: WebSocket[] = [];
  const server = new WebSocketServer({ server: http, ...options });
  server.on('connection', (socket, asked) => {
    requests.push(asked);
    sockets.push(socket);
    socket.on('error', () => {});
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => {
    http.close();
    http.closeAllConnections();
    for (const socket of sockets) socket.terminate();
  });
  return { port: (http.address() as AddressInfo).port, requests, sockets };
}
