import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { BeaconSocket, type BeaconSocketOptions } from '../../daemon/links/beacon-socket.ts';
import { waitFor } from '../support/wait.ts';

type Heard = { datagram: string; from: string };

type Ear = { socket: BeaconSocket; heard: Heard[]; failed: Error[]; sent: () => number };

function open(t: TestContext, options: Partial<BeaconSocketOptions> = {}): Ear {
  const heard: Heard[] = [];
  const failed: Error[] = [];
  let sent = 0;
  const socket = new BeaconSocket(
    { address: '::1', port: 0, ...options },
    {
      works: () => sent++,
      heard: (datagram, from) => heard.push({ datagram: Buffer.from(datagram).toString(), from }),
      failed: (error) => failed.push(error),
    },
  );
  t.after(() => socket.close());
  return { socket, heard, failed, sent: () => sent };
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp6').bind(0, '::1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

const octets = (text: string): Uint8Array => new TextEncoder().encode(text);

test('what one sends the other hears, with the address of the sender', async (t) => {
  const port = await freePort();
  const [a, b] = [open(t), open(t, { port })];
  assert.ok(a.socket.send(octets('hello'), '::1', port));
  await waitFor('the datagram', () => b.heard.length > 0);
  assert.deepEqual(b.heard, [{ datagram: 'hello', from: '::1' }]);
  assert.deepEqual([a.failed, b.failed], [[], []]);
});

test('a port is shared with whoever else looks for neighbours', async (t) => {
  const port = await freePort();
  const [a, b] = [open(t, { port }), open(t, { port })];
  assert.ok(a.socket.send(octets('a'), '::1', port));
  assert.ok(b.socket.send(octets('b'), '::1', port));
  await waitFor('both to be sent', () => a.sent() === 1 && b.sent() === 1);
  assert.deepEqual([a.failed, b.failed], [[], []]);
});

test('nothing is queued: while a datagram is unsent the next is given up', async (t) => {
  const port = await freePort();
  const [a, b] = [open(t), open(t, { port })];
  const answers = ['1', '2', '3'].map((text) => a.socket.send(octets(text), '::1', port));
  assert.deepEqual(answers, [true, false, false]);
  await waitFor('the first', () => a.sent() === 1 && b.heard.length === 1);
  assert.ok(a.socket.send(octets('4'), '::1', port));
  await waitFor('the fourth', () => b.heard.length === 2);
  assert.deepEqual(
    b.heard.map(({ datagram }) => datagram),
    ['1', '4'],
  );
});

test('a send that fails ends the socket, once, and another works at once', async (t) => {
  const port = await freePort();
  const broken = open(t);
  broken.socket.send(new Uint8Array(70_000), '::1', port);
  await waitFor('the failure', () => broken.failed.length > 0);
  assert.equal(broken.socket.send(octets('late'), '::1', port), false);
  const [next, b] = [open(t), open(t, { port })];
  next.socket.send(octets('new'), '::1', port);
  await waitFor('the datagram', () => b.heard.length > 0);
  assert.equal(b.heard[0]?.datagram, 'new');
  assert.equal(broken.failed.length, 1);
});

test('an address that is not here and a group that cannot be joined fail, once', async (t) => {
  const ears = [
    open(t, { address: '2001:db8::1' }),
    open(t, { address: 'no address' }),
    open(t, { address: '::1', group: '2001:db8::1' }),
  ];
  for (const { socket } of ears) socket.send(octets('x'), '::1', 9);
  await waitFor('all to fail', () => ears.every(({ failed }) => failed.length > 0));
  assert.deepEqual(
    ears.map(({ failed }) => failed.length),
    [1, 1, 1],
  );
});

test('what is closed hears and tells nothing more, and may be closed again', async (t) => {
  const port = await freePort();
  const [closed, b, c] = [open(t, { port }), open(t), open(t, { port })];
  b.socket.send(octets('1'), '::1', port);
  await waitFor('the first datagram', () => closed.heard.length + c.heard.length === 1);
  const before = closed.heard.length;
  closed.socket.close();
  closed.socket.close();
  assert.equal(closed.socket.send(octets('x'), '::1', port), false);
  b.socket.send(octets('2'), '::1', port);
  await waitFor('the second', () => c.heard.some(({ datagram }) => datagram === '2'));
  assert.deepEqual([closed.heard.length, closed.failed], [before, []]);
});
