/** What a sleep or another network means for links and for peers that wait. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greeting } from '../support/greeting.ts';
import { testIdentity } from '../support/identity.ts';
import { counter, pair, setting, shell, until } from '../support/shell.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';

test('a peer that waits is dialled at once, and its next wait is the shortest again', async (t) => {
  const time = new VirtualTime(t);
  const server = await counter(t);
  const { peering, reports } = shell(t, 0);
  const failures = () => reports.filter((line) => line.includes('not connected')).length;
  await peering.reload([setting(`tcp://127.0.0.1:${server.port}`)], []);
  for (const [i, waitMs] of [2_000, 4_000, 8_000].entries()) {
    await until(`the end of attempt ${i + 1}`, () => failures() === i + 1);
    await time.advance(waitMs);
  }
  await until('the end of attempt 4', () => failures() === 4);
  peering.probe('test');
  await until('the end of attempt 5', () => failures() === 5);
  await time.advance(1_999);
  assert.equal(server.count, 5);
  await time.advance(1);
  await until('attempt 6', () => server.count === 6);
});

test('an attempt under way is called off and made anew: it may hang on the network of before', async (t) => {
  const time = new VirtualTime(t);
  const server = await counter(t, () => {});
  const { peering, peers, reports } = shell(t, 0);
  // The upgrade is never answered: no link yet.
  await peering.reload([setting(`ws://127.0.0.1:${server.port}`)], []);
  await until('attempt 1', () => server.count === 1);
  peering.probe('test');
  await until('attempt 2', () => server.count === 2);
  assert.deepEqual([peers().length, reports.filter((line) => line.includes('not connected'))], [1, []]);
  await time.advance(1_000);
  assert.equal(server.count, 2);
});

test('a link that answers stays', async (t) => {
  const time = new VirtualTime(t);
  const { a, b } = await pair(t);
  a.peering.probe('test');
  await time.advance(10_000);
  assert.deepEqual([a.rows()[0]?.isUp, b.rows()[0]?.isUp], [true, true]);
  assert.ok(!a.reports.some((line) => line.includes('not connected')));
});

test('a link that stays silent ends after 3 s, and its peer is dialled at once', async (t) => {
  const time = new VirtualTime(t);
  const server = await counter(t, (socket) => socket.write(greeting(testIdentity(5))));
  const { peering, peers } = shell(t, 0);
  await peering.reload([setting(`tcp://127.0.0.1:${server.port}`)], []);
  await until('the link', () => peers()[0]?.isUp === true);
  peering.probe('test');
  await time.advance(2_900);
  assert.equal(server.count, 1);
  await time.advance(200);
  await until('the next attempt', () => server.count === 2);
});

test('a link whose own address is gone ends at once, others stay, and its peer is dialled once', async (t) => {
  const time = new VirtualTime(t);
  const { a, b } = await pair(t);
  const server = await counter(t, (socket) => socket.write(greeting(testIdentity(5))));
  await a.peering.reload([setting(`tcp://127.0.0.1:${server.port}`), setting(b.peering.listening[0] as string)], []);
  await until('both', () => a.rows().filter(({ isUp }) => isUp).length === 2);
  a.peering.probe('test', (host) => host === '127.0.0.2');
  assert.equal(a.rows().filter(({ isUp }) => isUp).length, 2);
  a.peering.probe('test', (host) => host === '127.0.0.1');
  assert.deepEqual(
    a.reports.filter((line) => line.includes('address gone')).length,
    2,
    '127.0.0.1 is no longer an address of this machine',
  );
  await until('the new links', () => server.count === 2 && a.rows().filter(({ isUp }) => isUp).length === 2);
  await turns(100);
  assert.equal(server.count, 2);
  await time.advance(1_000);
  assert.equal(server.count, 2);
});

test('a node that has stopped probes nobody', async (t) => {
  const { a } = await pair(t);
  await a.peering.stop();
  a.peering.probe('test');
  assert.ok(!a.reports.some((line) => line.includes('probed')));
});
