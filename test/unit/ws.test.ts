import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import type { Carrier } from '../../daemon/links/link.ts';
import { connectOver, dialSuite } from '../support/dial-suite.ts';
import { linkSuite, someOctets, started, until } from '../support/link-suite.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';
import { within } from '../support/wait.ts';
import { BINARY, bare, client, frame, HANDSHAKE, happened, LAST, listenerOf } from '../support/ws-ends.ts';

const LIMIT_MS = 5_000;

linkSuite('ws', connectOver('ws'));
dialSuite('ws');

async function get(port: number, path: string, headers = {}): Promise<{ status: number | undefined; body: string }> {
  const asked = request({ host: '127.0.0.1', port, path, headers });
  asked.end();
  const [response] = (await within(`GET ${path}`, LIMIT_MS, once(asked, 'response'))) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, body };
}

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
  assert.deepEqual([ear.length, ear.reasons], [0, ['this is no WebSocket: a reserved bit is set']]);
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
