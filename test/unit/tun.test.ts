import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { RatatoskError } from '../../daemon/core/error.ts';
import {
  addon,
  addonFile,
  collect,
  datagram,
  makeTun,
  SLOT,
  skip,
  textOf,
  UDP_PORT,
  udp,
  until,
} from '../support/tuns.ts';

test('reads the packets the kernel routes to the interface', { skip }, async (context) => {
  const { tun, host } = await makeTun(context);
  const { packets } = collect(tun, host(2));
  const socket = await udp(context);
  for (let i = 0; i < 5; i++) socket.send(Buffer.alloc(10 + i, i), UDP_PORT, textOf(host(2)));
  await until(() => packets.length === 5, 'five packets');
  packets.forEach((packet, i) => {
    assert.equal(packet.length, 48 + 10 + i);
    assert.equal((packet[0] ?? 0) >> 4, 6);
    assert.equal(packet[48], i);
  });
});

test('reads no more than asked for, and comes back for the rest', { skip }, async (context) => {
  const { tun, host } = await makeTun(context);
  const { packets, batches } = collect(tun, host(2), 3);
  const socket = await udp(context);
  for (let i = 0; i < 20; i++) socket.send(Buffer.of(i), UDP_PORT, textOf(host(2)));
  await until(() => packets.length === 20, 'twenty packets');
  assert.deepEqual(
    packets.map((packet) => packet[48]),
    Array.from({ length: 20 }, (_, i) => i),
  );
  assert.ok(batches.every((count) => count <= 3));
});

test('reads nothing while paused, and everything after', { skip }, async (context) => {
  const { tun, host } = await makeTun(context);
  const { packets } = collect(tun, host(2));
  tun.pause();
  const socket = await udp(context);
  const sent = new Promise((resolve) => socket.send(Buffer.of(1), UDP_PORT, textOf(host(2)), resolve));
  await sent;
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(packets.length, 0);
  tun.resume();
  await until(() => packets.length === 1, 'the packet');
});

test('answers zero when nothing waits', { skip }, async (context) => {
  const { tun } = await makeTun(context);
  const arena = new Uint8Array(SLOT);
  const read = () => tun.readBatch(arena, SLOT, 0, new Int32Array(1), new Int32Array(1), 1);
  await until(() => read() === 0, 'an empty queue');
});

test('writes a batch in one call', { skip }, async (context) => {
  const { tun, host } = await makeTun(context);
  const socket = await udp(context);
  const received: Buffer[] = [];
  socket.on('message', (message) => received.push(message));
  const { port } = socket.address();
  const packets = [0, 1, 2, 3].map((i) => datagram(host(2), host(1), port, Uint8Array.of(i, i)));
  // Two in one buffer with headroom, two in buffers of their own.
  const size = packets[0]?.length ?? 0;
  const shared = new Uint8Array(2 * size + 5);
  shared.set(packets[0] ?? shared, 5);
  shared.set(packets[1] ?? shared, 5 + size);
  const buffers = [shared, shared, packets[2] ?? shared, packets[3] ?? shared];
  const written = tun.writeBatch(buffers, Int32Array.of(5, 5 + size, 0, 0), new Int32Array(4).fill(size), 4);
  assert.equal(written, 4);
  assert.equal(tun.writeErrors, 0);
  await until(() => received.length === 4, 'four datagrams');
  assert.deepEqual(
    received.map((message) => message[0]),
    [0, 1, 2, 3],
  );
});

test('drops and counts what the kernel refuses, and writes the rest', { skip }, async (context) => {
  const { tun, host } = await makeTun(context);
  const socket = await udp(context);
  const received: Buffer[] = [];
  socket.on('message', (message) => received.push(message));
  const good = datagram(host(2), host(1), socket.address().port, Uint8Array.of(7));
  const noPacket = new Uint8Array(60);
  const buffers = [noPacket, good, new Uint8Array(0), good];
  const lengths = Int32Array.from(buffers.map((buffer) => buffer.length));
  assert.equal(tun.writeBatch(buffers, new Int32Array(4), lengths, 4), 2);
  assert.equal(tun.writeErrors, 2);
  await until(() => received.length === 2, 'the good ones');
});

test('carries packets of the largest MTU', { skip }, async (context) => {
  const { tun, host } = await makeTun(context, 65_535);
  const socket = await udp(context);
  const received: Buffer[] = [];
  socket.on('message', (message) => received.push(message));
  const payload = new Uint8Array(65_535 - 48).map((_, i) => i);
  const packet = datagram(host(2), host(1), socket.address().port, payload);
  assert.equal(packet.length, 65_535);
  assert.equal(tun.writeBatch([packet], new Int32Array(1), Int32Array.of(packet.length), 1), 1);
  await until(() => received.length === 1, 'the datagram');
  assert.ok(Buffer.compare(received[0] ?? Buffer.of(), payload) === 0);
});

test('reports that the interface was removed, by its code', { skip }, async (context) => {
  const { tun } = await makeTun(context);
  tun.close();
  tun.close();
  const read = () => tun.readBatch(new Uint8Array(SLOT), SLOT, 0, new Int32Array(1), new Int32Array(1), 1);
  assert.throws(read, (error) => error instanceof RatatoskError && error.code === 'TUN_LOST');
  assert.throws(() => tun.startReading(() => {}), RatatoskError);
});

test('hands an exception of the callback to the process, and goes on', { skip }, async (context) => {
  const { tun, host } = await makeTun(context);
  const arena = new Uint8Array(SLOT);
  let calls = 0;
  tun.startReading(() => {
    tun.readBatch(arena, SLOT, 0, new Int32Array(1), new Int32Array(1), 1);
    calls++;
    if (calls === 1) throw new Error('from the callback');
  });
  const caught: unknown[] = [];
  const handlers = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => caught.push(error));
  context.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const handler of handlers) process.on('uncaughtException', handler);
  });
  const socket = await udp(context);
  for (let i = 0; i < 3; i++) socket.send(Buffer.of(i), UDP_PORT, textOf(host(2)));
  await until(() => calls >= 3, 'three calls');
  assert.equal(caught.length, 1);
  assert.match(String(caught[0]), /from the callback/);
});

test('may be closed from within its callback', { skip }, async (context) => {
  const { tun } = await makeTun(context);
  let calls = 0;
  tun.startReading(() => {
    calls++;
    tun.close();
  });
  await until(() => calls > 0, 'the first packet');
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(calls, 1);
});

test('refuses a name that is taken or cannot be', { skip }, async (context) => {
  const { tun } = await makeTun(context);
  const codes = [tun.name, 'lo', 'a%d', '..'].map((name) => {
    try {
      assert.ok(addon !== undefined);
      addon.openTun(name).close();
      return 'opened';
    } catch (error) {
      assert.ok(error instanceof RatatoskError);
      return error.code;
    }
  });
  assert.deepEqual(codes, ['TUN_OPEN', 'TUN_OPEN', 'TUN_OPEN', 'TUN_OPEN']);
});

test('lets the kernel choose a name', { skip }, (context) => {
  const tun = addon?.openTun('auto');
  context.after(() => tun?.close());
  assert.match(tun?.name ?? '', /^tun\d+$/);
});

const WORKER = `
  const { workerData, parentPort } = require('node:worker_threads');
  import(workerData.module).then(({ findAddon }) => {
    const { addon } = findAddon(workerData.addonFile);
    const tun = addon.openTun(workerData.name);
    addon.configureInterface(tun.name, workerData.address, 64, 1400);
    const arena = new Uint8Array(2048 * 8), offsets = new Int32Array(8), lengths = new Int32Array(8);
    tun.startReading(() => {
      tun.readBatch(arena, 2048, 0, offsets, lengths, 8);
      parentPort.postMessage('read');
    });
  });
`;

test('works in a worker, and the interface goes with it', { skip }, async (context) => {
  const address = await (await makeTun(context)).host(77);
  const name = `rtkw${process.pid}`;
  // Twice: a handle left behind by the first would keep the name.
  for (let round = 0; round < 2; round++) {
    const module = new URL('../../native-bindings/addon.js', import.meta.url).href;
    const worker = new Worker(WORKER, { eval: true, workerData: { module, addonFile, name, address } });
    await once(worker, 'message');
    assert.ok(existsSync(`/sys/class/net/${name}`));
    await worker.terminate();
    await until(() => !existsSync(`/sys/class/net/${name}`), 'the end of the interface');
  }
});
