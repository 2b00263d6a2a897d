import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { SendQueue, sendQueueOf } from '../../daemon/links/send-queue.ts';
import { findAddon } from '../../native-bindings/addon.ts';
import { waitFor } from '../support/wait.ts';

const KIB = 1024;

/** A system that sends `pace` octets a millisecond, and what it was told. */
class System {
  pace: number;
  held = 0;
  nowMs = 1_000;
  readonly limits: number[] = [];
  readonly queue: SendQueue;

  constructor(pace: number) {
    this.pace = pace;
    this.queue = new SendQueue(512 * KIB, { limit: (octets) => this.limits.push(octets), unsent: () => this.held });
  }

  run(ms: number): void {
    this.nowMs += ms;
    this.held = Math.max(0, this.held - this.pace * ms);
  }

  give(octets: number): void {
    this.queue.look(this.nowMs);
    this.queue.given(octets);
    this.held += octets;
  }

  /** Never idle. */
  saturate(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.run(5)) {
      while (this.held <= 5 * this.pace) this.give(Math.max(1, 5 * this.pace));
    }
  }
}

test('the system may hold all until it shows how slow it is, then what it sends in 4 ms', () => {
  const system = new System(10_000);
  assert.deepEqual(system.limits, [512 * KIB]);
  assert.equal(system.queue.isOver, false);
  system.saturate(100);
  assert.deepEqual(system.limits, [512 * KIB, 40_000]);
});

test('it is over with half of its limit', () => {
  const system = new System(10_000);
  system.saturate(100);
  system.held = 20_000;
  assert.equal(system.queue.isOver, true);
  system.held = 19_999;
  assert.equal(system.queue.isOver, false);
});

test('never less than 8 KiB, never more than at first, and no call for a small change', () => {
  const system = new System(10);
  system.saturate(2_000);
  assert.equal(system.limits.at(-1), 8 * KIB);
  system.pace = 1_000_000;
  system.saturate(200);
  assert.equal(system.limits.at(-1), 512 * KIB);
  system.held = 10_000_000;
  assert.equal(system.queue.isOver, false);
  system.held = 0;
  system.pace = 50_000;
  system.saturate(200);
  const { length } = system.limits;
  system.pace = 55_000;
  system.saturate(200);
  assert.equal(system.limits.length, length);
});

test('who was idle in between is not taken for slow, but may show that it is faster', () => {
  const system = new System(10_000);
  // 1 000 octets a millisecond are all there is to send.
  for (let i = 0; i < 100; i++) {
    system.give(10_000);
    system.run(10);
  }
  assert.deepEqual(system.limits, [512 * KIB]);
  system.saturate(100);
  assert.equal(system.limits.at(-1), 40_000);
  system.pace = 100_000;
  for (let i = 0; i < 100; i++) {
    system.give(300_000);
    system.run(10);
  }
  assert.ok((system.limits.at(-1) ?? 0) >= 120_000);
});

test('who sends little is rarely asked, and one that then sends much is measured as always', () => {
  let asked = 0;
  const queue = new SendQueue(512 * KIB, { limit: () => {}, unsent: () => Math.min(0, asked++) });
  for (let nowMs = 1_000; nowMs < 11_000; nowMs += 2) {
    queue.look(nowMs);
    queue.given(100);
  }
  assert.ok(asked < 1_000, `asked ${asked} times about 5 000 packets`);
  const system = new System(10_000);
  for (let i = 0; i < 1_000; i++, system.run(2)) system.give(100);
  assert.deepEqual(system.limits, [512 * KIB]);
  system.saturate(100);
  assert.equal(system.limits.at(-1), 40_000);
});

test('who is over waits until that is no longer so, and goes on once', async () => {
  const system = new System(10_000);
  system.saturate(100);
  system.held = 100_000;
  let count = 0;
  const act = (): void => void count++;
  system.queue.await(act);
  system.queue.await(act);
  assert.equal(count, 0);
  system.held = 10_000;
  await waitFor('the other turn', () => count > 0);
  system.queue.await(act);
  assert.equal(count, 2);
  system.queue.later(act);
  assert.equal(count, 2);
  await waitFor('another turn', () => count === 3);
});

const { addon, problem } = findAddon(process.env.RATATOSK_TEST_ADDON);
const skip = addon === undefined ? `needs the addon: ${problem}` : false;

test('a TCP connection can be told and asked, what is none cannot', { skip }, async (t) => {
  assert.ok(addon !== undefined);
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
  const descriptor = handle?.fd ?? -1;
  assert.equal(addon.limitUnsent(descriptor, 64 * KIB), true);
  assert.equal(addon.limitUnsent(0x7fff_ffff, 64 * KIB), false);
  assert.throws(() => addon.limitUnsent(-1, 1), RangeError);
  assert.equal(addon.unsent(descriptor), 0);
  assert.equal(addon.unsent(0x7fff_ffff), 0);
  assert.throws(() => addon.unsent(-1), RangeError);
  // Nobody reads at the other end.
  const octets = Buffer.alloc(KIB * KIB);
  assert.equal(addon.sendNow(descriptor, octets.subarray(0, 100)), 100);
  let sent = 0;
  for (let taken = 1; taken > 0; sent += taken) taken = addon.sendNow(descriptor, octets);
  assert.ok(sent > 0);
  assert.equal(addon.sendNow(0x7fff_ffff, octets), 0);
  assert.throws(() => addon.sendNow(-1, octets), RangeError);
  await waitFor('something unsent', () => addon.unsent(descriptor) > 0);
});
