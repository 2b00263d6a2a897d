import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import type { Carrier } from '../../daemon/links/link.ts';
import { dialUri } from '../../daemon/links/registry.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { connectOver, dialSuite, dialTo, listenOn, portOf, serve } from '../support/dial-suite.ts';
import { type Ear, fill, linkSuite, someOctets, started, until } from '../support/link-suite.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';
import { within } from '../support/wait.ts';

const LIMIT_MS = 5_000;

linkSuite('ws', connectOver('ws'));
dialSuite('ws');

// What stands at the other end

type Opened = { port: number; accepted: Carrier[] };

async function listenerOf(t: TestContext, query = ''): Promise<Opened> {
  const accepted: Carrier[] = [];
  const listener = await listenOn(t, `ws://127.0.0.1:0${query}`, (carrier) => accepted.push(carrier));
  return { port: portOf(listener.uri), accepted };
}

type ClientOptions = ConstructorParameters<typeof WebSocket>[2];

/** A client of our listener; its errors are the test's to expect. */
function client(t: TestContext, port: number, options: ClientOptions = {}, protocols = ['ygg-ws']): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, protocols, options);
  t.after(() => socket.terminate());
  socket.on('error', () => {});
  return socket;
}

function happened(socket: WebSocket, name: string): Promise<unknown[]> {
  const event = new Promise<unknown[]>((resolve) => socket.once(name, (...args) => resolve(args)));
  return within(`the event ${name}`, LIMIT_MS, event);
}

/** An accepted link and the client at its other end. */
async function accept(
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

const HANDSHAKE = (extra: readonly string[] = ['Sec-WebSocket-Protocol: ygg-ws']): string =>
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
function bare(t: TestContext, port: number): { socket: Socket; heard: () => string; isEnded: () => boolean } {
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
function frame(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  if (length > 65_535) throw new RangeError('too long for a test');
  const size = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 255];
  return Buffer.concat([Uint8Array.from([first, ...size, 0, 0, 0, 0]), payload]);
}

const [TEXT, BINARY, CONTINUATION, PING] = [0x01, 0x02, 0x00, 0x09];
const LAST = 0x80;

/** A WebSocket server written without our code, and what it was asked. */
async function foreign(
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

async function get(port: number, path: string, headers = {}): Promise<{ status: number | undefined; body: string }> {
  const asked = request({ host: '127.0.0.1', port, path, headers });
  asked.end();
  const [response] = (await within(`GET ${path}`, LIMIT_MS, once(asked, 'response'))) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, body };
}

// The listener and HTTP

for (const path of ['/health', '/healthz', '/health?x=1']) {
  test(`${path} is answered with OK`, async (t) => {
    const { port } = await listenerOf(t);
    assert.deepEqual(await get(port, path), { status: 200, body: 'OK' });
  });
}

for (const path of ['/', '/healthy', '/health/', '/other']) {
  test(`a request for ${path} that is no upgrade gets 426`, async (t) => {
    const { port } = await listenerOf(t);
    assert.equal((await get(port, path)).status, 426);
  });
}

test('any path may be upgraded', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/some/where?x=1`, 'ygg-ws');
  t.after(() => socket.terminate());
  await happened(socket, 'open');
  assert.equal(accepted.length, 1);
});

test('the protocol token is agreed on, among others offered', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const socket = client(t, port, {}, ['chat', 'ygg-ws']);
  await happened(socket, 'open');
  assert.equal(socket.protocol, 'ygg-ws');
  assert.equal(accepted.length, 1);
});

for (const [offered, protocols] of [
  ['none', []],
  ['another', ['chat']],
  ['one in other case', ['YGG-WS']],
] as const) {
  test(`an upgrade that offers ${offered} is completed and then closed with 1008`, async (t) => {
    const { port, accepted } = await listenerOf(t);
    const { socket, heard, isEnded } = bare(t, port);
    const extra = protocols.length === 0 ? [] : [`Sec-WebSocket-Protocol: ${protocols.join(', ')}`];
    socket.write(HANDSHAKE(extra));
    // A close frame: opcode 8, then the status.
    await until('the close frame', () => heard().slice(heard().indexOf('\r\n\r\n')).includes('\x03\xf0'));
    assert.match(heard(), /^HTTP\/1\.1 101 /);
    assert.doesNotMatch(heard(), /Sec-WebSocket-Protocol/i);
    socket.end(frame(0x88, Uint8Array.of(0x03, 0xf0)));
    await until('the end', isEnded);
    assert.equal(accepted.length, 0);
  });
}

test('a stranger without the protocol token who stays is cut off after a second', async (t) => {
  const { port } = await listenerOf(t);
  const time = new VirtualTime(t);
  const { socket, heard, isEnded } = bare(t, port);
  socket.write(HANDSHAKE([]));
  while (!heard().includes('\x88')) await turns(1);
  time.tick(1_000);
  while (!isEnded()) await turns(1);
});

test('a stranger without the protocol token who then sends rubbish does no harm', async (t) => {
  const { port } = await listenerOf(t);
  for (const rubbish of [Uint8Array.of(0xf2, 0x80, 0, 0, 0, 0), Uint8Array.of(0x82, 0x01, 0xff), someOctets(5_000)]) {
    const { socket, isEnded } = bare(t, port);
    socket.write(HANDSHAKE([]));
    socket.write(rubbish);
    await until('the end', isEnded);
  }
  assert.equal((await get(port, '/health')).status, 200);
});

test('no compression is negotiated although it is offered', async (t) => {
  const { port } = await listenerOf(t);
  const { socket, heard } = bare(t, port);
  socket.write(
    HANDSHAKE([
      'Sec-WebSocket-Protocol: ygg-ws',
      'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
    ]),
  );
  await until('the answer', () => heard().includes('\r\n\r\n'));
  assert.match(heard(), /^HTTP\/1\.1 101 /);
  assert.doesNotMatch(heard(), /Sec-WebSocket-Extensions/i);
});

test('compressed messages end the link: none were agreed on', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const { socket } = bare(t, port);
  socket.write(HANDSHAKE());
  await until('the link', () => accepted.length === 1);
  const ear = started(accepted[0] as Carrier);
  socket.write(frame(LAST | 0x40 | BINARY, someOctets(20)));
  await ear.ended();
  assert.deepEqual([ear.length, ear.reasons], [0, ['Invalid WebSocket frame: RSV1 must be clear']]);
});

const ORIGINS: readonly { origin: string; query?: string; isAllowed: boolean }[] = [
  { origin: 'http://mesh.example:8080', isAllowed: true },
  { origin: 'https://MESH.example:8080', isAllowed: true },
  { origin: 'http://mesh.example', isAllowed: false },
  { origin: 'http://mesh.example:8081', isAllowed: false },
  { origin: 'http://elsewhere.example', isAllowed: false },
  { origin: 'http://elsewhere.example', query: '?origin=elsewhere.example', isAllowed: true },
  { origin: 'http://elsewhere.example', query: '?origin=a.example&origin=ELSE*', isAllowed: true },
  { origin: 'http://a.elsewhere.example', query: '?origin=elsewhere.example', isAllowed: false },
  { origin: 'http://a.elsewhere.example', query: '?origin=*.elsewhere.example', isAllowed: true },
  { origin: 'null', isAllowed: false },
  { origin: 'null', query: '?origin=elsewhere.example', isAllowed: false },
  { origin: 'null', query: '?origin=*', isAllowed: true },
  { origin: 'what is this', isAllowed: false },
  { origin: 'http://elsewhere.example', query: '?origin=*', isAllowed: true },
];

for (const { origin, query = '', isAllowed } of ORIGINS) {
  const listener = query === '' ? 'a listener without patterns' : `a listener with ${query}`;
  test(`the origin ${origin} is ${isAllowed ? 'allowed by' : 'refused with 403 by'} ${listener}`, async (t) => {
    const { port, accepted } = await listenerOf(t, query);
    const { socket, heard, isEnded } = bare(t, port);
    socket.write(
      HANDSHAKE(['Sec-WebSocket-Protocol: ygg-ws', `Origin: ${origin}`]).replace(
        'Host: mesh',
        'Host: mesh.example:8080',
      ),
    );
    await until('the answer', () => heard().includes('\r\n\r\n'));
    assert.match(heard(), isAllowed ? /^HTTP\/1\.1 101 / : /^HTTP\/1\.1 403 /);
    assert.equal(accepted.length, isAllowed ? 1 : 0);
    if (!isAllowed) await until('the end', isEnded);
  });
}

test('a refused origin leaves no connection behind, although the other side keeps its half', async (t) => {
  const { port } = await listenerOf(t, '');
  // More than may be unfinished at once: each must have gone before.
  for (let i = 0; i < 20; i++) {
    const { socket, heard, isEnded } = bare(t, port);
    socket.write(HANDSHAKE(['Origin: http://elsewhere.example']));
    await until('the end', isEnded);
    assert.match(heard(), /^HTTP\/1\.1 403 /);
  }
});

test('who does not upgrade within 5 s is cut off, whether silent, slow or asking for other things', async (t) => {
  const { port } = await listenerOf(t);
  const time = new VirtualTime(t);
  const [silent, slow, chatty] = [bare(t, port), bare(t, port), bare(t, port)];
  slow.socket.write('GET / HTTP/1.1\r\nHost: mesh\r\n');
  chatty.socket.write('GET /health HTTP/1.1\r\nHost: mesh\r\nConnection: keep-alive\r\n\r\n');
  while (!chatty.heard().includes('OK')) await turns(1);
  await turns();
  time.tick(4_999);
  slow.socket.write('X-More: 1\r\n');
  await turns();
  assert.deepEqual([silent.isEnded(), slow.isEnded()], [false, false]);
  time.tick(1);
  while (!silent.isEnded() || !slow.isEnded() || !chatty.isEnded()) await turns(1);
});

test('a link is not cut off after 5 s', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const time = new VirtualTime(t);
  const { socket, isEnded } = bare(t, port);
  socket.write(HANDSHAKE());
  while (accepted.length === 0) await turns(1);
  time.tick(60_000);
  const ear = started(accepted[0] as Carrier);
  socket.write(frame(LAST | BINARY, Uint8Array.of(1)));
  while (ear.length === 0) await turns(1);
  assert.equal(isEnded(), false);
});

test('8 of one host may be without an upgrade, one more is closed at once', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const waiting = Array.from({ length: 8 }, () => bare(t, port));
  await until('them to be connected', () => waiting.every(({ socket }) => socket.readyState === 'open'));
  await until('the ninth to be closed', bare(t, port).isEnded);
  assert.ok(waiting.every(({ isEnded }) => !isEnded()));
  // Links do not count here.
  for (const { socket } of waiting) socket.write(HANDSHAKE());
  await until('links', () => accepted.length === 8);
  const more = client(t, port);
  await happened(more, 'open');
});

// Messages are a stream

test('several frames in one message and a frame over several messages are octets like others', async (t) => {
  const { socket, carrier, ear } = await accept(t);
  const octets = someOctets(1_000);
  for (const [from, to] of [
    [0, 1],
    [1, 1],
    [1, 700],
    [700, 1_000],
  ]) {
    socket.send(octets.subarray(from, to));
  }
  await ear.heard(1_000);
  assert.deepEqual(ear.octets, octets);
  const [message] = await Promise.all([happened(socket, 'message'), carrier.write(octets.slice())]);
  assert.deepEqual(Uint8Array.from(message[0] as Buffer), octets);
  assert.equal(message[1], true);
});

test('a message in fragments is put together, with a ping between them', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const { socket } = bare(t, port);
  socket.write(HANDSHAKE());
  await until('the link', () => accepted.length === 1);
  const ear = started(accepted[0] as Carrier);
  const octets = someOctets(300);
  socket.write(frame(BINARY, octets.subarray(0, 100)));
  socket.write(frame(LAST | PING, Uint8Array.of(9)));
  socket.write(frame(CONTINUATION, octets.subarray(100, 200)));
  socket.write(frame(LAST | CONTINUATION, octets.subarray(200)));
  await ear.heard(300);
  assert.deepEqual(ear.octets, octets);
});

test('64 fragments make a message, 65 end the link', async (t) => {
  const { port, accepted } = await listenerOf(t);
  for (const [count, isTaken] of [
    [64, true],
    [65, false],
  ] as const) {
    const { socket } = bare(t, port);
    socket.write(HANDSHAKE());
    await until('the link', () => accepted.length > 0);
    const ear = started(accepted.pop() as Carrier);
    socket.write(frame(BINARY, Uint8Array.of(0)));
    for (let i = 2; i < count; i++) socket.write(frame(CONTINUATION, Uint8Array.of(i)));
    socket.write(frame(LAST | CONTINUATION, Uint8Array.of(99)));
    await until('the outcome', () => ear.count > 0);
    assert.deepEqual([ear.length, ear.reasons.length], isTaken ? [64, 0] : [0, 1]);
  }
});

test('a message of 131080 octets is taken, one octet more ends the link with 1009', async (t) => {
  const { socket, ear } = await accept(t);
  socket.send(someOctets(131_080));
  await ear.heard(131_080);
  const closed = happened(socket, 'close');
  socket.send(someOctets(131_081));
  await ear.ended();
  assert.equal((await closed)[0], 1009);
  assert.deepEqual([ear.length, ear.reasons], [131_080, ['Max payload size exceeded']]);
});

test('large writes leave as messages of at most 65536 octets', async (t) => {
  const { socket, carrier } = await accept(t);
  const sizes: number[] = [];
  socket.on('message', (data: Buffer) => sizes.push(data.length));
  carrier.write(someOctets(200_000));
  await until('all of it', () => sizes.reduce((sum, size) => sum + size, 0) === 200_000);
  assert.deepEqual(sizes, [65_536, 65_536, 65_536, 3_392]);
});

test('a text message ends the link with 1003, and what follows it is not told', async (t) => {
  const { socket, ear } = await accept(t);
  const closed = happened(socket, 'close');
  socket.send(Uint8Array.of(1));
  socket.send('meta');
  socket.send(Uint8Array.of(2));
  await ear.ended();
  assert.equal((await closed)[0], 1003);
  assert.deepEqual([ear.octets, ear.reasons], [Uint8Array.of(1), ['the other side sent text']]);
});

test('a text message from who does not close after it ends the connection within a second', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const { socket, isEnded } = bare(t, port);
  socket.write(HANDSHAKE());
  await until('the link', () => accepted.length === 1);
  const ear = started(accepted[0] as Carrier);
  const time = new VirtualTime(t);
  socket.write(frame(LAST | TEXT, Buffer.from('meta')));
  while (ear.reasons.length === 0) await turns(1);
  time.tick(1_000);
  while (!isEnded()) await turns(1);
  assert.deepEqual(ear.reasons, ['the other side sent text']);
});

// The end

for (const code of [1000, 1001]) {
  test(`a close with ${code} is the end of the stream`, async (t) => {
    const { socket, ear } = await accept(t);
    socket.send(someOctets(10));
    socket.close(code);
    await ear.ended();
    assert.deepEqual([ear.length, ear.reasons], [10, ['the other side closed the connection']]);
  });
}

test('a close with another code names it', async (t) => {
  const { socket, ear } = await accept(t);
  socket.close(4000, 'I do not like you');
  await ear.ended();
  assert.deepEqual(ear.reasons, ['the other side closed the connection with code 4000']);
});

test('our close is a close with 1000', async (t) => {
  const { socket, carrier } = await accept(t);
  const closed = happened(socket, 'close');
  carrier.close();
  assert.equal((await closed)[0], 1000);
});

test('a connection that ends without a close message ends the link', async (t) => {
  const { socket, ear } = await accept(t);
  socket.terminate();
  await ear.ended();
  assert.deepEqual(ear.reasons, ['the connection ended without a close message']);
});

test('a frame that breaks the rules ends the link with the reason', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const { socket } = bare(t, port);
  socket.write(HANDSHAKE());
  await until('the link', () => accepted.length === 1);
  const ear = started(accepted[0] as Carrier);
  socket.write(Uint8Array.of(0x82, 0x01, 0xff));
  await ear.ended();
  assert.deepEqual([ear.length, ear.reasons], [0, ['Invalid WebSocket frame: MASK must be set']]);
});

for (const way of ['reset', 'half-close'] as const) {
  test(`a ${way} while a write is held ends the link once`, async (t) => {
    const { port, accepted } = await listenerOf(t);
    const { socket } = bare(t, port);
    socket.write(HANDSHAKE());
    await until('the link', () => accepted.length === 1);
    const ear = started(accepted[0] as Carrier);
    socket.pause();
    fill(accepted[0] as Carrier);
    if (way === 'reset') socket.resetAndDestroy();
    else socket.end();
    await ear.ended();
    await turns();
    assert.deepEqual([ear.reasons.length, ear.writables], [1, 0]);
  });
}

test('a close message from who reads nothing ends the link within a second, although a write is held', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const { socket } = bare(t, port);
  socket.write(HANDSHAKE());
  await until('the link', () => accepted.length === 1);
  const ear = started(accepted[0] as Carrier);
  socket.pause();
  fill(accepted[0] as Carrier);
  const time = new VirtualTime(t);
  socket.write(frame(0x88, Uint8Array.of(0x03, 0xe8)));
  await turns();
  time.tick(1_000);
  while (ear.reasons.length === 0) await turns(1);
});

test('closed while the other side reads nothing, the connection is given up after a second', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const { socket } = bare(t, port);
  socket.write(HANDSHAKE());
  await until('the link', () => accepted.length === 1);
  started(accepted[0] as Carrier);
  socket.pause();
  fill(accepted[0] as Carrier);
  const time = new VirtualTime(t);
  (accepted[0] as Carrier).close();
  time.tick(1_000);
  socket.resume();
  while (!socket.destroyed && !socket.readableEnded) await turns(1);
});

test('a reset before start neither crashes nor is lost', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const { socket } = bare(t, port);
  socket.write(HANDSHAKE());
  await until('the link', () => accepted.length === 1);
  socket.resetAndDestroy();
  await turns();
  const ear = started(accepted[0] as Carrier);
  assert.equal(ear.count, 0);
  await ear.ended();
  assert.deepEqual(ear.reasons, ['read ECONNRESET']);
});

// Pings

test('a ping is answered', async (t) => {
  const { socket } = await accept(t);
  const pong = happened(socket, 'pong');
  socket.ping('are you there');
  assert.equal(String((await pong)[0]), 'are you there');
});

test('a ping while a write is held does not keep the link from going on', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const { socket } = bare(t, port);
  socket.write(HANDSHAKE());
  await until('the link', () => accepted.length === 1);
  const ear = started(accepted[0] as Carrier);
  socket.pause();
  fill(accepted[0] as Carrier);
  socket.write(Buffer.concat([frame(LAST | PING, Uint8Array.of(1)), frame(LAST | BINARY, Uint8Array.of(2))]));
  await ear.heard(1);
  socket.resume();
  await until('writable', () => ear.writables === 1);
  assert.deepEqual(ear.reasons, []);
});

test('who pings and reads nothing gets no pongs kept for it, and stays', async (t) => {
  const { port, accepted } = await listenerOf(t);
  const { socket, heard } = bare(t, port);
  socket.write(HANDSHAKE());
  await until('the link', () => accepted.length === 1);
  const ear = started(accepted[0] as Carrier);
  socket.pause();
  fill(accepted[0] as Carrier);
  const pings = Buffer.concat(Array.from({ length: 2_000 }, () => frame(LAST | PING, someOctets(125))));
  for (let i = 0; i < 10; i++) socket.write(pings);
  socket.write(frame(LAST | BINARY, Uint8Array.of(1)));
  await ear.heard(1);
  const before = heard().length;
  socket.resume();
  await until('writable', () => ear.writables === 1);
  (accepted[0] as Carrier).write(Buffer.from('the last message'));
  await until('the rest', () => heard().endsWith('the last message'));
  const pong = `\x8a\x7d${Buffer.from(someOctets(125)).toString('latin1')}`;
  assert.equal(heard().slice(before).includes(pong), false);
});

// The dialler

test('the dialler offers the protocol token and no compression', async (t) => {
  const { port, requests } = await foreign(t);
  await dialTo(t, `ws://127.0.0.1:${port}`);
  const { headers } = requests[0] as IncomingMessage;
  assert.equal(headers['sec-websocket-protocol'], 'ygg-ws');
  assert.equal(headers['sec-websocket-extensions'], undefined);
  assert.equal(headers.origin, undefined);
});

test('the dialler names the host without the port', async (t) => {
  const { port, requests } = await foreign(t);
  await dialTo(t, `ws://127.0.0.1:${port}`);
  assert.equal(requests[0]?.headers.host, '127.0.0.1');
});

for (const [uri, asked] of [
  ['', '/'],
  ['/', '/'],
  ['/a/b', '/a/b'],
  ['/a?x=1&y=%20+z', '/a?x=1&y=%20+z'],
  ['?x=1', '/?x=1'],
  ['/a?password=hunter2', '/a'],
  [`/a?x=1&key=${'ab'.repeat(32)}&priority=3&password=hunter2&sni=s&maxbackoff=9s&origin=o&y=2`, '/a?x=1&y=2'],
] as const) {
  test(`the dialler asks for '${asked}' when the URI ends in '${uri.replace(/[0-9a-f]{64}/, '…')}'`, async (t) => {
    const { port, requests } = await foreign(t);
    await dialTo(t, `ws://127.0.0.1:${port}${uri}`);
    assert.equal(requests[0]?.url, asked);
  });
}

test('octets go both ways between a dialler of ours and a foreign server', async (t) => {
  const { port, sockets } = await foreign(t);
  const carrier = await dialTo(t, `ws://127.0.0.1:${port}`);
  const ear = started(carrier);
  const socket = sockets[0] as WebSocket;
  socket.send(someOctets(5_000));
  await ear.heard(5_000);
  const message = happened(socket, 'message');
  carrier.write(someOctets(4_000));
  assert.deepEqual(Uint8Array.from((await message)[0] as Buffer), someOctets(4_000));
});

const failing = (uri: string, signal = new AbortController().signal): Promise<Carrier> =>
  within('the dial', LIMIT_MS, dialUri(parseUri(uri, 'dial'), '', signal));

test('a server that does not take the protocol token is no peer', async (t) => {
  const { port } = await foreign(t, { handleProtocols: () => false });
  await assert.rejects(failing(`ws://127.0.0.1:${port}`), { code: 'DIAL_FAILED', message: /no subprotocol/ });
});

test('a server that refuses is an error that tells its answer', async (t) => {
  const { port } = await foreign(t, { path: '/elsewhere' });
  await assert.rejects(failing(`ws://127.0.0.1:${port}`), { code: 'DIAL_FAILED', message: /400/ });
});

test('a server that is none is an error', async (t) => {
  const port = await serve(t, (socket) => socket.end('220 mail.example ESMTP\r\n'));
  await assert.rejects(failing(`ws://127.0.0.1:${port}`), { code: 'DIAL_FAILED' });
});

test('a server that closes at once is an error', async (t) => {
  const port = await serve(t, (socket) => socket.end());
  await assert.rejects(failing(`ws://127.0.0.1:${port}`), { code: 'DIAL_FAILED' });
});

test('an upgrade that is called off ends at once, and the connection with it', async (t) => {
  const sockets: Socket[] = [];
  const port = await serve(t, (socket) => sockets.push(socket.resume()));
  const stop = new AbortController();
  const refused = assert.rejects(failing(`ws://127.0.0.1:${port}`, stop.signal), {
    code: 'DIAL_FAILED',
    message: /called off/,
  });
  await until('the connection', () => sockets.length === 1);
  stop.abort();
  await refused;
  await until('its end', () => (sockets[0] as Socket).readableEnded || (sockets[0] as Socket).destroyed);
});

test('an upgrade that is answered in drips ends after 5 s', async (t) => {
  const sockets: Socket[] = [];
  const port = await serve(t, (socket) => sockets.push(socket.resume()));
  const time = new VirtualTime(t);
  let error: unknown;
  dialUri(parseUri(`ws://127.0.0.1:${port}`, 'dial'), '', new AbortController().signal).catch((reason: unknown) => {
    error = reason;
  });
  while (sockets.length === 0) await turns(1);
  await turns();
  for (let i = 0; i < 5; i++) {
    assert.equal(error, undefined);
    sockets[0]?.write('HTTP/1.1 101 Switching'.charAt(i));
    await turns();
    time.tick(1_000);
  }
  await turns();
  assert.match(String(error), /upgrade took longer than 5 s/);
});
