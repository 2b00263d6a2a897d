import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Carrier } from '../../daemon/links/link.ts';
import { SocketCarrier } from '../../daemon/links/socket-carrier.ts';
import { linkFacts } from '../support/core.ts';
import { connectOver, dialSuite, dialTo, listenOn, portOf, serve } from '../support/dial-suite.ts';
import { fill, linkSuite, someOctets, started, until } from '../support/link-suite.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';

linkSuite('tcp', connectOver('tcp'));
dialSuite('tcp');

/** A carrier and the bare socket at its other end. */
async function bare(t: TestContext, allowHalfOpen = false): Promise<{ carrier: Carrier; socket: Socket }> {
  const accepted: Carrier[] = [];
  const listener = await listenOn(t, 'tcp://127.0.0.1:0', (carrier) => accepted.push(carrier));
  const socket = connect({ host: '127.0.0.1', port: portOf(listener.uri), allowHalfOpen });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await until('the accepted end', () => accepted.length === 1);
  return { carrier: accepted[0] as Carrier, socket };
}

/** A carrier over a socket of the test's own. */
async function around(t: TestContext): Promise<{ carrier: SocketCarrier; socket: Socket }> {
  const port = await serve(t, () => {});
  const socket = connect({ host: '127.0.0.1', port });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return { carrier: new SocketCarrier(socket, linkFacts()), socket };
}

test('small writes leave at once, without waiting for answers', async (t) => {
  const [dialled, accepted] = await connectOver('tcp')(t);
  const [ear, farEar] = [started(dialled), started(accepted)];
  const startMs = performance.now();
  // With Nagle's algorithm the second of two small writes waits for a delayed acknowledgement, about 40 ms.
  for (let i = 1; i <= 25; i++) {
    dialled.write(Uint8Array.of(1));
    dialled.write(Uint8Array.of(2));
    await farEar.heard(2 * i);
    accepted.write(Uint8Array.of(3));
    accepted.write(Uint8Array.of(4));
    await ear.heard(2 * i);
  }
  assert.ok(performance.now() - startMs < 1_000, 'fifty waits would take 2 s');
});

test('what the system does not take at once is one write and no more', async (t) => {
  const { carrier, socket } = await around(t);
  started(carrier);
  fill(carrier);
  assert.ok(socket.writableLength > 0 && socket.writableLength <= 262_144);
});

test('what the system takes leaves nothing behind in the process', async (t) => {
  const { carrier, socket } = await around(t);
  started(carrier);
  while (carrier.write(new Uint8Array(65_536))) assert.equal(socket.writableLength, 0);
});

test('the other side ends its half: the carrier ends, and lets go of the connection', async (t) => {
  const { carrier, socket } = await bare(t, true);
  const ear = started(carrier);
  socket.end(someOctets(100));
  await ear.ended();
  assert.deepEqual(ear.octets, someOctets(100));
  assert.deepEqual(ear.reasons, ['the other side closed the connection']);
  await until('the end of the other half', () => socket.readableEnded);
});

test('the other side ends its half and reads nothing: a held write does not keep the carrier', async (t) => {
  const { carrier, socket } = await bare(t, true);
  const ear = started(carrier);
  fill(carrier);
  socket.end();
  await ear.ended();
  assert.equal(ear.reasons.length, 1);
});

test('closed while the other side reads nothing: the connection is given up after a second', async (t) => {
  const { carrier, socket } = await around(t);
  started(carrier);
  fill(carrier);
  const time = new VirtualTime(t);
  carrier.close();
  time.tick(999);
  await turns();
  assert.equal(socket.destroyed, false);
  time.tick(1);
  assert.equal(socket.destroyed, true);
});

test('both sides end while a write is held: who reads on gets the rest', async (t) => {
  const { carrier, socket } = await bare(t, true);
  started(carrier);
  const written = fill(carrier);
  carrier.close();
  socket.end();
  let length = 0;
  socket.on('data', (octets) => {
    length += octets.length;
  });
  await until('the end', () => socket.readableEnded);
  assert.equal(length, written);
});

test('a connection that is reset ends the carrier with the reason', async (t) => {
  const { carrier, socket } = await bare(t);
  const ear = started(carrier);
  socket.resetAndDestroy();
  await ear.ended();
  assert.deepEqual(ear.reasons, ['read ECONNRESET']);
});

test('a connection that is reset while a write is held ends the carrier once', async (t) => {
  const { carrier, socket } = await bare(t);
  const ear = started(carrier);
  fill(carrier);
  socket.resetAndDestroy();
  await ear.ended();
  await turns();
  assert.deepEqual([ear.reasons.length, ear.writables], [1, 0]);
});

test('an error before start neither crashes nor is lost', async (t) => {
  const { carrier, socket } = await around(t);
  socket.destroy(new Error('the cable is cut'));
  await turns();
  const ear = started(carrier);
  assert.equal(ear.count, 0);
  await ear.ended();
  assert.deepEqual(ear.reasons, ['the cable is cut']);
});

test('a reset before start is told after it', async (t) => {
  const { carrier, socket } = await bare(t);
  socket.resetAndDestroy();
  await turns();
  const ear = started(carrier);
  await ear.ended();
  assert.equal(ear.reasons.length, 1);
});

test('closed after a reset that nobody was told of, it stays silent', async (t) => {
  const { carrier, socket } = await bare(t);
  socket.resetAndDestroy();
  await turns();
  carrier.close();
  const ear = started(carrier);
  await turns();
  assert.equal(ear.count, 0);
});

test('a connection that is gone before anybody looks at it is no trouble', async (t) => {
  const accepted: Carrier[] = [];
  const listener = await listenOn(t, 'tcp://127.0.0.1:0', (carrier) => accepted.push(carrier));
  for (let i = 0; i < 20; i++) {
    const socket = connect({ host: '127.0.0.1', port: portOf(listener.uri) });
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.resetAndDestroy();
  }
  await until('all of them', () => accepted.length === 20);
  const ears = accepted.map(started);
  for (const ear of ears) await ear.ended();
});

test('many links over one listener do not mix', async (t) => {
  const accepted: Carrier[] = [];
  const listener = await listenOn(t, 'tcp://127.0.0.1:0', (carrier) => {
    accepted.push(carrier);
    carrier.start({ bytes: (octets) => carrier.write(octets.slice()), writable: () => {}, closed: () => {} });
  });
  const ears = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const carrier = await dialTo(t, listener.uri);
      const ear = started(carrier);
      carrier.write(someOctets(1_000 + i));
      return ear;
    }),
  );
  for (const [i, ear] of ears.entries()) {
    await ear.heard(1_000 + i);
    assert.deepEqual(ear.octets, someOctets(1_000 + i));
  }
  assert.equal(accepted.length, 20);
});
