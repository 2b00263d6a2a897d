import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, createServer, type TLSSocket, type TlsOptions, connect as tlsConnect } from 'node:tls';
import type { Carrier } from '../../daemon/links/link.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { certificateOf } from '../support/certificates.ts';
import { connectOver, dialSuite, dialTo, listenOn, portOf, serve, silenceSuite } from '../support/dial-suite.ts';
import { testIdentity } from '../support/identity.ts';
import { type Ear, fill, linkSuite, someOctets, started, until } from '../support/link-suite.ts';
import { linksOf } from '../support/links.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';
import { within } from '../support/wait.ts';

linkSuite('tls', connectOver('tls'));
dialSuite('tls');

const LIMIT_MS = 5_000;
const hexOf = (key: Uint8Array | undefined): string => Buffer.from(key ?? []).toString('hex');

/** A TLS client written without our code, and what our listener makes of it. */
async function client(
  t: TestContext,
  options: ConnectionOptions = {},
): Promise<{ socket: TLSSocket; accepted: Carrier[] }> {
  const accepted: Carrier[] = [];
  const listener = await listenOn(t, 'tls://127.0.0.1:0', (carrier) => accepted.push(carrier));
  const target = { host: '127.0.0.1', port: portOf(listener.uri), rejectUnauthorized: false };
  const socket = tlsConnect({ ...target, ...options });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  return { socket, accepted };
}

/** A TLS server written without our code. */
async function server(t: TestContext, options: TlsOptions): Promise<{ uri: string; sockets: TLSSocket[] }> {
  const sockets: TLSSocket[] = [];
  const listening = createServer(options, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
  });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  t.after(() => {
    listening.close();
    for (const socket of sockets) socket.destroy();
  });
  return { uri: `tls://127.0.0.1:${(listening.address() as { port: number }).port}`, sockets };
}

// Who is at the other end

test('both ends know the key that the other has proven', async (t) => {
  const [a, b] = [testIdentity(1), testIdentity(2)];
  const accepted: Carrier[] = [];
  const listener = await linksOf(b.seed).listen(parseUri('tls://127.0.0.1:0', 'listen'), (one) => accepted.push(one));
  t.after(() => listener.close());
  const dialled = await linksOf(a.seed).dial(parseUri(listener.uri, 'dial'), '', new AbortController().signal);
  t.after(() => dialled.close());
  await until('the accepted end', () => accepted.length === 1);
  t.after(() => accepted[0]?.close());
  assert.equal(hexOf(dialled.facts.boundKey), b.publicKeyHex);
  assert.equal(hexOf(accepted[0]?.facts.boundKey), a.publicKeyHex);
});

test('a client without a certificate is taken, and proves nothing', async (t) => {
  const { socket, accepted } = await client(t);
  await until('the accepted end', () => accepted.length === 1);
  assert.equal(accepted[0]?.facts.boundKey, undefined);
  const ear = started(accepted[0] as Carrier);
  socket.write(someOctets(100));
  await ear.heard(100);
});

test('a client with another kind of key is taken, and proves nothing', async (t) => {
  const { cert, key } = certificateOf('p256');
  const { accepted } = await client(t, { cert, key });
  await until('the accepted end', () => accepted.length === 1);
  assert.equal(accepted[0]?.facts.boundKey, undefined);
});

test('a client with an Ed25519 certificate of any other form is known by its key', async (t) => {
  const { cert, key, privateKey } = certificateOf('ed25519');
  const { accepted } = await client(t, { cert, key });
  await until('the accepted end', () => accepted.length === 1);
  const { x } = privateKey.export({ format: 'jwk' });
  assert.equal(hexOf(accepted[0]?.facts.boundKey), Buffer.from(x ?? '', 'base64url').toString('hex'));
});

test('a server with another kind of key is dialled, and proves nothing', async (t) => {
  const { cert, key } = certificateOf('p256');
  const { uri, sockets } = await server(t, { cert, key });
  const carrier = await dialTo(t, uri);
  assert.equal(carrier.facts.boundKey, undefined);
  const ear = started(carrier);
  await until('the other end', () => sockets.length === 1);
  sockets[0]?.write(someOctets(100));
  await ear.heard(100);
});

test('the dialler shows its certificate when it is asked', async (t) => {
  const { cert, key } = certificateOf('p256');
  const { uri, sockets } = await server(t, { cert, key, requestCert: true, rejectUnauthorized: false });
  await dialTo(t, uri);
  await until('the other end', () => sockets.length === 1);
  const subject = sockets[0]?.getPeerX509Certificate()?.subject ?? '';
  assert.match(subject, /^CN=[0-9a-f]{64}$/);
});

// Versions and names

test('TLS 1.2 is refused, by the listener and by the dialler', async (t) => {
  const { socket, accepted } = await client(t, { maxVersion: 'TLSv1.2' });
  const [error] = await within(
    'the error',
    LIMIT_MS,
    once(socket, 'error').catch((cause) => [cause]),
  );
  // Alert 70: protocol version.
  assert.match(String(error), /alert protocol version/);
  assert.equal(accepted.length, 0);
  const { cert, key } = certificateOf('p256');
  const { uri } = await server(t, { cert, key, maxVersion: 'TLSv1.2' });
  await assert.rejects(dialTo(t, uri), { code: 'DIAL_FAILED', message: /^TLS: [^\r\n]*protocol version/ });
});

for (const [query, name] of [
  ['', undefined],
  ['?sni=mesh.example', 'mesh.example'],
  ['?sni=192.0.2.1', undefined],
] as const) {
  test(`the server name of an address with '${query}' is ${name ?? 'not sent'}`, async (t) => {
    const names: string[] = [];
    const { cert, key } = certificateOf('p256');
    const SNICallback: NonNullable<TlsOptions['SNICallback']> = (asked, done) => {
      names.push(asked);
      done(null);
    };
    const { uri, sockets } = await server(t, { cert, key, SNICallback });
    await dialTo(t, `${uri}${query}`);
    await until('the other end', () => sockets.length === 1);
    assert.deepEqual(names, name === undefined ? [] : [name]);
  });
}

// Strangers

test('what is no TLS ends in an error of one line', async (t) => {
  const port = await serve(t, (socket) => socket.end('220 mail.example ESMTP\r\n'));
  await assert.rejects(dialTo(t, `tls://127.0.0.1:${port}`), { code: 'DIAL_FAILED', message: /^[^\r\n]+$/ });
});

test('a server that closes at once is an error', async (t) => {
  const port = await serve(t, (socket) => socket.end());
  await assert.rejects(dialTo(t, `tls://127.0.0.1:${port}`), { code: 'DIAL_FAILED' });
});

silenceSuite('the TLS handshake', (port) => `tls://127.0.0.1:${port}`);

/** A bare connection to a listener of ours. */
function stranger(t: TestContext, port: number): { socket: Socket; isEnded: () => boolean } {
  const socket = connect({ host: '127.0.0.1', port });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  socket.resume();
  return { socket, isEnded: () => socket.readableEnded || socket.destroyed };
}

test('rubbish, half a handshake and a reset end the connection, and the listener goes on', async (t) => {
  const accepted: Carrier[] = [];
  const { uri } = await listenOn(t, 'tls://127.0.0.1:0', (carrier) => accepted.push(carrier));
  for (const octets of [
    someOctets(5_000),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Uint8Array.of(0x16, 3, 1, 0xff, 0xff),
  ]) {
    const { socket, isEnded } = stranger(t, portOf(uri));
    socket.end(octets);
    await until('the end', isEnded);
  }
  const { socket } = stranger(t, portOf(uri));
  await once(socket, 'connect');
  socket.resetAndDestroy();
  await turns();
  assert.equal(accepted.length, 0);
  await dialTo(t, uri);
  await until('the honest one', () => accepted.length === 1);
});

test('who does not finish the handshake within 10 s is cut off', async (t) => {
  const { uri } = await listenOn(t, 'tls://127.0.0.1:0');
  const time = new VirtualTime(t);
  const { socket, isEnded } = stranger(t, portOf(uri));
  socket.write(Uint8Array.of(0x16, 3, 1));
  await once(socket, 'connect');
  await turns();
  time.tick(9_999);
  await turns();
  assert.equal(isEnded(), false);
  time.tick(1);
  while (!isEnded()) await turns(1);
});

test('8 of one host may be within the handshake, one more is closed at once, one gone makes room', async (t) => {
  const accepted: Carrier[] = [];
  const { uri } = await listenOn(t, 'tls://127.0.0.1:0', (carrier) => accepted.push(carrier));
  const waiting = Array.from({ length: 8 }, () => stranger(t, portOf(uri)));
  for (const { socket } of waiting) if (socket.connecting) await once(socket, 'connect');
  await until('the ninth to be closed', stranger(t, portOf(uri)).isEnded);
  assert.ok(waiting.every(({ isEnded }) => !isEnded()));
  waiting[0]?.socket.destroy();
  await turns();
  // Links do not count: three of them, one after the other.
  for (let i = 1; i <= 3; i++) {
    await dialTo(t, uri);
    await until('the link', () => accepted.length === i);
  }
});

test('a closed listener lets go of those within the handshake', async (t) => {
  const accepted: Carrier[] = [];
  const listener = await listenOn(t, 'tls://127.0.0.1:0', (carrier) => accepted.push(carrier));
  const { socket, isEnded } = stranger(t, portOf(listener.uri));
  await once(socket, 'connect');
  await turns();
  await listener.close();
  await until('the end', isEnded);
  assert.equal(accepted.length, 0);
});

// Writing

test('a write of 256 KiB is taken at once, a second one before it has left is held, and writable follows once', async (t) => {
  const [dialled, accepted] = await connectOver('tls')(t);
  const [ear, farEar] = [started(dialled), started(accepted)];
  assert.equal(dialled.write(someOctets(262_144)), true);
  assert.equal(dialled.write(someOctets(1)), false);
  await until('writable', () => ear.writables === 1);
  await farEar.heard(262_145);
  await turns();
  assert.equal(ear.writables, 1);
});

test('a write of more than 256 KiB is held until the system has it', async (t) => {
  const [dialled, accepted] = await connectOver('tls')(t);
  const [ear, farEar] = [started(dialled), started(accepted)];
  assert.equal(dialled.write(someOctets(262_145)), false);
  await until('writable', () => ear.writables === 1);
  await farEar.heard(262_145);
});

test('a reader who stops costs no more than two writes', async (t) => {
  const [dialled] = await connectOver('tls')(t);
  const ear = started(dialled);
  for (let written = 0; written < 64 * 1024 * 1024; written += 65_536) {
    const { writables } = ear;
    if (dialled.write(new Uint8Array(65_536))) continue;
    await turns();
    if (ear.writables === writables) return;
  }
  assert.fail('64 MiB were taken from a writer whom nobody reads');
});

/** An accepted link, and the TCP connection below the client's TLS. */
async function overRaw(t: TestContext): Promise<{ raw: Socket; ear: Ear; carrier: Carrier }> {
  const accepted: Carrier[] = [];
  const { uri } = await listenOn(t, 'tls://127.0.0.1:0', (carrier) => accepted.push(carrier));
  const raw = connect({ host: '127.0.0.1', port: portOf(uri) });
  t.after(() => raw.destroy());
  raw.on('error', () => {});
  await once(raw, 'connect');
  const stream = new Duplex({ read: () => {}, write: (octets, _, done) => void raw.write(octets, () => done()) });
  raw.on('data', (octets) => stream.push(octets));
  const secured = tlsConnect({ socket: stream, rejectUnauthorized: false });
  secured.on('error', () => {});
  t.after(() => secured.destroy());
  await until('the accepted end', () => accepted.length === 1);
  const carrier = accepted[0] as Carrier;
  return { raw, carrier, ear: started(carrier) };
}

test('a connection that is reset while a write is held ends the carrier once, with one line', async (t) => {
  const { raw, carrier, ear } = await overRaw(t);
  raw.pause();
  fill(carrier);
  raw.resetAndDestroy();
  await ear.ended();
  await turns();
  assert.equal(ear.reasons.length, 1);
  assert.match(ear.reasons[0] ?? '', /^[^\r\n]+$/);
});

test('a connection that ends without a word of TLS ends the carrier', async (t) => {
  const { raw, ear } = await overRaw(t);
  raw.end();
  await ear.ended();
  assert.equal(ear.reasons.length, 1);
});

test('octets that are no TLS any more end the carrier with one line', async (t) => {
  const { raw, ear } = await overRaw(t);
  raw.write(Uint8Array.of(0x17, 3, 3, 0, 32, ...someOctets(32)));
  await ear.ended();
  assert.match(ear.reasons[0] ?? '', /^TLS: [^\r\n]+$/);
  assert.equal(ear.length, 0);
  await until('the end of the connection', () => raw.readableEnded || raw.destroyed);
});
