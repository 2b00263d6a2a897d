import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey } from '../../daemon/core/identity.ts';
import { Node } from '../../daemon/core/node.ts';
import type { CoreEvent, Input } from '../../daemon/core/port.ts';
import { Driver } from '../../daemon/driver.ts';
import type { PingResult } from '../../daemon/host/commands.ts';
import { Pings } from '../../daemon/pings.ts';
import { identity, nodeOptions } from '../support/core.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';
import { within } from '../support/wait.ts';

const ADDRESS = addressForKey(identity(1).key);
const UNANSWERED = { isAnswered: false, rttMs: 0 };

/** Remembers what was asked; nobody answers. */
class DeafNode extends Node {
  readonly asked: Extract<Input, { kind: 'echo' }>[] = [];

  constructor() {
    super(nodeOptions(identity(0)));
  }

  override handle(input: Input): void {
    if (input.kind === 'echo') this.asked.push(input);
  }
}

function scene(): { pings: Pings; node: DeafNode; ping: (timeoutMs?: number) => Promise<PingResult> } {
  const pings = new Pings();
  const node = new DeafNode();
  const driver = new Driver(node, undefined, () => {});
  const ping = (timeoutMs = 60_000) => pings.ping(driver, { address: ADDRESS, sequence: 0, size: 56, timeoutMs });
  return { pings, node, ping };
}

const reply = (sequence: number, rttMs = 1): CoreEvent => ({ kind: 'echoReply', from: ADDRESS, sequence, rttMs });

/** What a promise has come to, if anything. */
async function outcome(promise: Promise<PingResult>): Promise<PingResult | 'pending'> {
  let result: PingResult | 'pending' = 'pending';
  void promise.then((value) => {
    result = value;
  });
  await turns(2);
  return result;
}

test('a ping asks the node for an echo of its size', (t) => {
  new VirtualTime(t);
  const { node, ping } = scene();
  void ping();
  assert.deepEqual(node.asked, [{ kind: 'echo', target: ADDRESS, sequence: 0, size: 56 }]);
});

test('an answer ends the ping with its round trip', async (t) => {
  new VirtualTime(t);
  const { pings, ping } = scene();
  const asked = ping();
  pings.heard(reply(0, 12.5));
  assert.deepEqual(await asked, { isAnswered: true, rttMs: 12.5 });
});

test('without an answer a ping ends when its time is up, not before', async (t) => {
  const time = new VirtualTime(t);
  const { ping } = scene();
  const asked = ping(3_000);
  time.tick(2_999);
  assert.equal(await outcome(asked), 'pending');
  time.tick(1);
  assert.deepEqual(await asked, UNANSWERED);
});

test('several pings at once are answered each by its own, in any order', async (t) => {
  const time = new VirtualTime(t);
  const { pings, node, ping } = scene();
  const asked = [ping(1_000), ping(1_000), ping(1_000), ping(1_000)];
  const numbers = node.asked.map(({ sequence }) => sequence);
  assert.equal(new Set(numbers).size, 4);
  for (const i of [2, 0, 3]) pings.heard(reply(numbers[i] as number, i + 10));
  time.tick(1_000);
  assert.deepEqual(
    (await Promise.all(asked)).map(({ rttMs }) => rttMs),
    [10, 0, 12, 13],
  );
});

test('an answer that comes twice, late or unasked changes nothing', async (t) => {
  const time = new VirtualTime(t);
  const { pings, ping } = scene();
  pings.heard(reply(5));
  const first = ping(1_000);
  pings.heard(reply(0, 7));
  pings.heard(reply(0, 8));
  const second = ping(1_000);
  time.tick(1_000);
  pings.heard(reply(1));
  assert.deepEqual([await first, await second], [{ isAnswered: true, rttMs: 7 }, UNANSWERED]);
});

test('256 wait at once; one more ends the oldest as unanswered', async (t) => {
  new VirtualTime(t);
  const { pings, ping } = scene();
  const asked = Array.from({ length: 256 }, () => ping());
  assert.equal(await outcome(asked[0] as Promise<PingResult>), 'pending');
  const more = ping();
  assert.deepEqual(await asked[0], UNANSWERED);
  assert.equal(await outcome(asked[1] as Promise<PingResult>), 'pending');
  pings.heard(reply(256, 3));
  assert.deepEqual(await more, { isAnswered: true, rttMs: 3 });
});

test('a late answer does not pass for that of a ping 256 later', async (t) => {
  const time = new VirtualTime(t);
  const { pings, ping } = scene();
  const late = ping(10);
  time.tick(10);
  await late;
  for (let i = 1; i < 256; i++) {
    void ping(10);
    pings.heard(reply(i));
  }
  const asked = ping();
  pings.heard(reply(0));
  assert.equal(await outcome(asked), 'pending');
  pings.heard(reply(256, 4));
  assert.deepEqual(await asked, { isAnswered: true, rttMs: 4 });
});

test('the time of an ended ping does not end the one that took its place', async (t) => {
  const time = new VirtualTime(t);
  const { pings, ping } = scene();
  void ping(50);
  pings.heard(reply(0));
  for (let i = 1; i < 256; i++) {
    void ping(50);
    pings.heard(reply(i));
  }
  const asked = ping(1_000);
  time.tick(999);
  assert.equal(await outcome(asked), 'pending');
});

test('the node answers a ping to its own address at once', async (t) => {
  const pings = new Pings();
  const driver = new Driver(new Node(nodeOptions(identity(0))), undefined, (event) => pings.heard(event));
  t.after(() => driver.stop());
  driver.start();
  const address = addressForKey(identity(0).key);
  const asked = pings.ping(driver, { address, sequence: 9, size: 0, timeoutMs: 5_000 });
  assert.equal((await within('the answer', 5_000, asked)).isAnswered, true);
});
