import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import type { Carrier } from '../../daemon/links/link.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { certificateOf } from '../support/certificates.ts';
import { dialTo, listenOn, portOf, serve } from '../support/dial-suite.ts';
import { type Connect, linkSuite, until } from '../support/link-suite.ts';
import { links } from '../support/links.ts';
import { tlsFront } from '../support/proxies.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';
import { foreign } from '../support/ws-ends.ts';

const { cert, key } = certificateOf('p256');

/** A listener for ws behind the end of TLS. */
const connectBehind: Connect = async (t) => {
  const accepted: Carrier[] = [];
  const listener = await listenOn(t, 'ws://127.0.0.1:0', (carrier) => accepted.push(carrier));
  const { port } = await tlsFront(t, { cert, key }, portOf(listener.uri));
  const dialled = await dialTo(t, `wss://127.0.0.1:${port}`);
  await until('the accepted end', () => accepted.length === 1);
  return [dialled, accepted[0] as Carrier];
};

linkSuite('wss', connectBehind, 'ws');

/** A foreign WebSocket server behind the end of TLS, and what it was asked. */
async function web(t: TestContext, options: TlsOptions = {}): Promise<{ port: number; requests: IncomingMessage[] }> {
  const { port, requests } = await foreign(t);
  const front = await tlsFront(t, { cert, key, ...options }, port);
  return { port: front.port, requests };
}

test('path, query and host are asked for as over ws', async (t) => {
  const { port, requests } = await web(t);
  const { facts } = await dialTo(t, `wss://127.0.0.1:${port}/mesh?x=1&password=hunter2`);
  assert.equal(requests[0]?.url, '/mesh?x=1');
  assert.equal(requests[0]?.headers.host, '127.0.0.1');
  assert.equal(requests[0]?.headers['sec-websocket-protocol'], 'ygg-ws');
  assert.equal(facts.uri, `wss://127.0.0.1:${port}/mesh`);
});

test('the server name is that of the option', async (t) => {
  const names: string[] = [];
  const { port } = await web(t, {
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  await dialTo(t, `wss://127.0.0.1:${port}?sni=mesh.example`);
  assert.deepEqual(names, ['mesh.example']);
});

for (const kind of ['p256', 'ed25519'] as const) {
  test(`the certificate of a web server proves nobody's key: ${kind}`, async (t) => {
    const own = certificateOf(kind);
    const { port } = await web(t, { cert: own.cert, key: own.key });
    assert.equal((await dialTo(t, `wss://127.0.0.1:${port}`)).facts.boundKey, undefined);
  });
}

test('a web server without TLS 1.3 will do, one without 1.2 will not', async (t) => {
  await dialTo(t, `wss://127.0.0.1:${(await web(t, { maxVersion: 'TLSv1.2' })).port}`);
  const old = await web(t, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
  await assert.rejects(dialTo(t, `wss://127.0.0.1:${old.port}`), { code: 'DIAL_FAILED', message: /^TLS: / });
});

test('a server that speaks no WebSocket is an error that tells its answer', async (t) => {
  const port = await serve(t, (socket) => {
    socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
  });
  const front = await tlsFront(t, { cert, key }, port);
  await assert.rejects(dialTo(t, `wss://127.0.0.1:${front.port}`), { code: 'DIAL_FAILED', message: /404/ });
});

test('an upgrade that nobody answers ends after 5 s, and the connection with it', async (t) => {
  const sockets: Socket[] = [];
  const port = await serve(t, (socket) => sockets.push(socket.resume()));
  const front = await tlsFront(t, { cert, key }, port);
  const time = new VirtualTime(t);
  let error: unknown;
  const dialling = links.dial(parseUri(`wss://127.0.0.1:${front.port}`, 'dial'), '', new AbortController().signal);
  dialling.catch((reason: unknown) => {
    error = reason;
  });
  while (sockets.length === 0) await turns(1);
  await turns(200);
  time.tick(4_999);
  await turns();
  assert.equal(error, undefined);
  time.tick(1);
  await turns();
  assert.match(String(error), /upgrade took longer than 5 s/);
  while (!front.sockets[0]?.destroyed && !front.sockets[0]?.readableEnded) await turns(1);
});
