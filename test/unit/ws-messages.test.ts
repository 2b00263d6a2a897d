import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Carrier } from '../../daemon/links/link.ts';
import { fill, someOctets, started, until } from '../support/link-suite.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';
import {
  accept,
  BINARY,
  bare,
  CONTINUATION,
  frame,
  HANDSHAKE,
  happened,
  LAST,
  listenerOf,
  PING,
  TEXT,
} from '../support/ws-ends.ts';

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
    await until('the outcome', () => ear.length + ear.reasons.length >= count);
    // Whoever reads a stream need not wait for the end of a message.
    assert.deepEqual([ear.length, ear.reasons.length], isTaken ? [64, 0] : [64, 1]);
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
  assert.deepEqual([ear.length, ear.reasons], [131_080, ['a message of more than 131080 octets']]);
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
  assert.deepEqual([ear.length, ear.reasons], [0, ['this is no WebSocket: a mask is missing']]);
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
