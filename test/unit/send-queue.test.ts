import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { SendQueue, sendQueueOf } from '../../daemon/links/send-queue.ts';
import { findAddon } from '../../native-bindings/addon.ts';

const KIB = 1024;

function queueOf(): { queue: SendQueue; limits: number[] } {
  const limits: number[] = [];
  return { queue: new SendQueue(128 * KIB, (octets) => limits.push(octets)), limits };
}

test('the system may hold all until it shows how slow it is, then what it sends in 4 ms', () => {
  const { queue, limits } = queueOf();
  assert.deepEqual(limits, [128 * KIB]);
  // 80 Mbit/s.
  for (let nowMs = 1_000; nowMs < 1_200; nowMs += 5) queue.held(50_000, nowMs);
  assert.deepEqual(limits, [128 * KIB, 40_000]);
});

test('never less than 16 KiB, never more than at first, and no call for a small change', () => {
  const { queue, limits } = queueOf();
  for (let nowMs = 1_000; nowMs < 1_200; nowMs += 5) queue.held(500, nowMs);
  assert.equal(limits.at(-1), 16 * KIB);
  for (let nowMs = 1_200; nowMs < 1_400; nowMs += 5) queue.held(5_000_000, nowMs);
  assert.equal(limits.at(-1), 128 * KIB);
  const { length } = limits;
  for (let nowMs = 1_400; nowMs < 1_600; nowMs += 5) queue.held(170_000, nowMs);
  assert.equal(limits.length, length);
});

test('what was taken at once counts as well, and a pause does not', () => {
  const { queue, limits } = queueOf();
  queue.held(1_000, 1_000);
  queue.held(1_000, 9_000);
  assert.deepEqual(limits, [128 * KIB]);
  queue.taken(249_000);
  queue.held(1_000, 9_020);
  assert.deepEqual(limits, [128 * KIB, 50_000]);
});

const { addon, problem } = findAddon(process.env.RATATOSK_TEST_ADDON);
const skip = addon === undefined ? `needs the addon: ${problem}` : false;

test('a TCP connection can be told, what is none cannot', {
  skip,
}, async (t) => {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = connect({ port: typeof address === 'object' ? (address?.port ?? 0) : 0, host: '127.0.0.1' });
  const [far] = await accepted;
  t.after(() => {
    for (const end of [socket, far]) end.destroy();
    server.close();
  });
  sendQueueOf(socket);
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } };
  assert.equal(addon?.limitUnsent(handle?.fd ?? -1, 64 * KIB), true);
  assert.equal(addon?.limitUnsent(0x7fff_ffff, 64 * KIB), false);
  assert.throws(() => addon?.limitUnsent(-1, 1), RangeError);
});
