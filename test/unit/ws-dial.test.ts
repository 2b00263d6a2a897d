import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import type { Carrier } from '../../daemon/links/link.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { dialTo, serve } from '../support/dial-suite.ts';
import { someOctets, started, until } from '../support/link-suite.ts';
import { links } from '../support/links.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';
import { within } from '../support/wait.ts';
import { foreign, happened } from '../support/ws-ends.ts';

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
  within('the dial', 5_000, links.dial(parseUri(uri, 'dial'), '', signal));

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
  links.dial(parseUri(`ws://127.0.0.1:${port}`, 'dial'), '', new AbortController().signal).catch((reason: unknown) => {
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
