import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Call, CallContext, Outlet } from '../../daemon/host/admin-call.ts';
import { adminCalls } from '../../daemon/host/admin-calls.ts';
import type { PeerAnswer, Push, TablePush, Topic } from '../../daemon/host/answers.ts';
import type { PeerRow } from '../../daemon/host/commands.ts';
import { Events } from '../../daemon/host/events.ts';
import { adminExchange } from '../support/admin.ts';
import { waitFor } from '../support/wait.ts';
import { type Answers, contextOf, keyOf, linkedPeer, lonelyRouter, STATUS, startAdmin } from './admin-fixture.ts';

/** As fast as may be. */
const FAST = { interval: '250' };

type Subscriber = Outlet & { readonly pushes: Push[]; end: () => void };

/** `offer` may be given to hold pushes back. */
function subscribe(
  t: TestContext,
  to: CallContext | readonly Call[],
  args: Record<string, string>,
  offer: Outlet['offer'] = async () => {},
): Subscriber {
  const calls = 'ask' in to ? adminCalls(to) : to;
  const call = calls.find(({ name }) => name === 'subscribe');
  const pushes: Push[] = [];
  const outlet: Outlet = {
    tell: (push) => void pushes.push(push),
    offer: (push) => {
      pushes.push(push);
      return offer(push);
    },
  };
  const end = call?.stream?.(new Map(Object.entries(args)), outlet);
  assert.ok(end !== undefined);
  t.after(end);
  return { ...outlet, pushes, end };
}

function of<T extends Topic>({ pushes }: Subscriber, topic: T): Extract<Push, { topic: T }>[] {
  return pushes.filter((push): push is Extract<Push, { topic: T }> => push.topic === topic);
}

test('a table comes whole at first, then what is new, different or gone', async (t) => {
  let peers = [linkedPeer(3), linkedPeer(4)];
  const one = subscribe(t, contextOf({ ...lonelyRouter(), peers: () => peers }), { topics: 'peers', ...FAST });
  const told = (): TablePush<'peers', PeerAnswer>[] => of(one, 'peers');
  await waitFor('the table', () => told().length === 1);
  const [first] = told();
  assert.deepEqual(
    first?.rows.map(({ id, key }) => [id, key]),
    [3, 4].map((fill) => [`tcp://192.0.2.${fill}:1`, `0${fill}`.repeat(32)]),
  );
  assert.deepEqual([first?.gone, first?.total], [[], 2]);
  assert.ok(Math.abs((first?.time ?? 0) - Date.now() / 1_000) < 60);
  peers = [linkedPeer(4, {}, { bytesReceived: 615 }), linkedPeer(5)];
  await waitFor('the change', () => told().length === 2);
  const { rows, gone, total } = told()[1] ?? assert.fail();
  assert.deepEqual(
    rows.map(({ id, bytes_recvd }) => [id, bytes_recvd]),
    [
      ['tcp://192.0.2.4:1', 615],
      ['tcp://192.0.2.5:1', 614],
    ],
  );
  assert.deepEqual([gone, total], [['tcp://192.0.2.3:1'], 2]);
});

test('that time passes is no change, of a table or a value; a new error in the same words is', async (t) => {
  const startMs = performance.now();
  let failedMs = startMs - 9_000;
  let looks = 0;
  const peers = (): PeerRow[] => {
    looks++;
    const lastErrorAgeMs = performance.now() - failedMs;
    const down = { isUp: false, link: undefined, lastError: 'refused', lastErrorAgeMs };
    return [linkedPeer(3, {}, { upMs: performance.now() }), linkedPeer(4, down)];
  };
  const status: CallContext['status'] = async () => ({ ...STATUS, uptime: performance.now() });
  const one = subscribe(t, contextOf({ ...lonelyRouter(), peers }, { status }), { topics: 'peers,status', ...FAST });
  await waitFor('some looks', () => looks > 3);
  assert.deepEqual([of(one, 'peers')[0]?.rows.length, of(one, 'status').length], [2, 1]);
  // A moment on the edge of a second may count as another one.
  const before = one.pushes.length;
  assert.ok(before <= 4, String(before));
  failedMs = performance.now();
  const isTold = (): boolean => of(one, 'peers').some(({ rows }) => (rows[0]?.last_error_time ?? 9e9) < 5e9);
  await waitFor('the new error', isTold);
});

test('one look serves all subscribers, and without them there is none', async (t) => {
  let looks = 0;
  const asked: number[] = [];
  const context = contextOf({
    ...lonelyRouter(),
    busiestSessions: ({ most }) => {
      looks++;
      asked.push(most);
      return { rows: [], total: looks };
    },
  });
  const calls = adminCalls(context);
  const told = [0, 0, 0, 0];
  const ends = told.map((_, i) => {
    const most = String(100 * (i + 1));
    return subscribe(t, calls, { topics: 'sessions', most, ...FAST }, async () => {
      told[i] = (told[i] ?? 0) + 1;
    });
  });
  await waitFor('some looks', () => told.every((count) => count >= 4));
  for (const { end } of ends) end();
  assert.ok(looks <= Math.max(...told) + 4, `${looks} looks, ${told} pushes`);
  assert.equal(asked.at(-1), 400, 'as many rows as any of them wants');
  const after = looks;
  const other = subscribe(t, context, { topics: 'stats', ...FAST });
  await waitFor('looks at something else', () => of(other, 'stats').length > 2);
  assert.ok(looks <= after + 1, 'at most what was under way');
});

test('a large table comes in parts; who has not taken one gets no other, and then only the last state', async (t) => {
  let bytesSent = 0;
  const sessions: NonNullable<Answers['sessions']> = () =>
    Array.from({ length: 250 }, (_, i) => ({
      key: keyOf(i),
      kind: 'e2e',
      bytesReceived: 0,
      bytesSent,
      upMs: 1_000,
      keyAgeMs: 500,
    }));
  let take = (): void => {};
  const hold = (): Promise<void> => new Promise((resolve) => (take = resolve));
  const one = subscribe(t, contextOf({ ...lonelyRouter(), sessions }), { topics: 'sessions', ...FAST }, hold);
  for (const [count, rows] of [100, 100, 50].entries()) {
    await waitFor('a part', () => one.pushes.length === count + 1);
    assert.equal(of(one, 'sessions')[count]?.rows.length, rows);
    for (let i = 0; i < 3; i++) await new Promise(setImmediate);
    assert.equal(one.pushes.length, count + 1);
    bytesSent++;
    take();
  }
  bytesSent = 7;
  await waitFor('the change', () => one.pushes.length === 4);
  assert.equal(of(one, 'sessions')[3]?.rows[0]?.bytes_sent, 7);
});

test('sessions of both kinds with one node are two rows', async (t) => {
  const session = { key: keyOf(1), bytesReceived: 0, bytesSent: 0, upMs: 1_000, keyAgeMs: undefined };
  const sessions: NonNullable<Answers['sessions']> = () => [
    { ...session, kind: 'e2e' },
    { ...session, kind: 'ironwood' },
  ];
  const one = subscribe(t, contextOf({ ...lonelyRouter(), sessions }), { topics: 'sessions', ...FAST });
  await waitFor('the table', () => one.pushes.length > 0);
  const { rows = [], total } = of(one, 'sessions')[0] ?? {};
  assert.deepEqual([new Set(rows.map(({ id }) => id)).size, total], [2, 2]);
});

test('at most so many rows, those that are missed first, and each with an id of its own', async (t) => {
  const down = linkedPeer(9, { isUp: false, link: undefined });
  const twice = linkedPeer(3, { uri: 'tcp://192.0.2.4:1' });
  const nameless = linkedPeer(5, { uri: '' });
  const context = contextOf({ ...lonelyRouter(), peers: () => [linkedPeer(4), twice, nameless, down] });
  const ids = async (most: string): Promise<string[] | undefined> => {
    const one = subscribe(t, context, { topics: 'peers', most, ...FAST });
    await waitFor('the table', () => one.pushes.length > 0);
    return of(one, 'peers')[0]?.rows.map(({ id }) => id);
  };
  assert.deepEqual(await ids('4'), ['tcp://192.0.2.9:1', 'tcp://192.0.2.4:1', 'tcp://192.0.2.4:1#3', '#5']);
});

test('values come when they change, and a router that does not answer only delays them', async (t) => {
  let refused = 1;
  let isUp = false;
  const context = contextOf(lonelyRouter(), {
    firewall: {
      status: () => assert.fail('that runs a command'),
      latest: () => ({ inbound: 'deny', closed: true, refused, rules: [] }),
      allow: () => undefined,
      deny: () => undefined,
    },
    status: async () => (isUp ? STATUS : Promise.reject(new Error('the daemon is still starting'))),
  });
  const one = subscribe(t, context, { topics: 'firewall,status,stats', ...FAST });
  await waitFor('the first', () => of(one, 'firewall').length === 1 && of(one, 'stats').length > 0);
  assert.equal(of(one, 'status').length, 0);
  isUp = true;
  refused = 2;
  await waitFor('both', () => of(one, 'firewall').length === 2 && of(one, 'status').length === 1);
  assert.equal(of(one, 'firewall')[1]?.value.refused, 2);
  assert.equal(of(one, 'stats')[0]?.value.drops['too late'], 3);
});

test('tree, paths and radios are tables too, and events come among them at once', async (t) => {
  const events = new Events({ unixMs: () => 1e6, monotonicMs: () => 0 });
  const paths: Answers['paths'] = () => [{ key: keyOf(2), ports: ['18446744073709551615'], seq: 2n ** 63n }];
  const context = contextOf({ ...lonelyRouter(), paths }, { events });
  const one = subscribe(t, context, { topics: 'tree, paths, radio, events', kind: 'link', ...FAST });
  events.add('tree', 'info', 'unwanted');
  events.add('link', 'info', 'up');
  assert.deepEqual(of(one, 'events'), [
    { topic: 'events', seq: 2, time: 1_000, kind: 'link', level: 'info', text: 'up', fields: {} },
  ]);
  await waitFor('the tables', () => one.pushes.length === 4);
  assert.deepEqual(of(one, 'paths')[0]?.rows[0]?.path, [18446744073709551615n]);
  assert.deepEqual(of(one, 'tree')[0]?.rows[0]?.sequence, 8n);
  assert.deepEqual(of(one, 'radio')[0]?.rows, []);
});

test('a wrong wish is refused in words', async (t) => {
  const path = await startAdmin(t);
  for (const [args, error] of [
    [{ topics: 'peers,links' }, /topics: found 'links', expected some of events, status, .*radio/],
    [{ topics: '' }, /topics: found ''/],
    [{ topics: 'constructor' }, /topics: found/],
    [{ interval: '249' }, /interval must be a whole number from 250 to 60000/],
    [{ interval: '60001' }, /interval must be/],
    [{ most: '0' }, /most must be a whole number from 1 to 2000/],
    [{ most: '2001' }, /most must be/],
    [{ kind: 'nosuch' }, /kind: found 'nosuch'/],
    [{ whatever: 'x' }, /whatever is unknown to this request/],
  ] as const) {
    assert.match((await adminExchange(path, 'subscribe', args)).error ?? '', error);
  }
});

test('pushes come over the socket, one a line, until it ends', async (t) => {
  const path = await startAdmin(t, { ...lonelyRouter(), peers: () => [linkedPeer(3)] });
  const socket = connect(path);
  t.after(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  socket.write('{"request":"subscribe","arguments":{"topics":"peers,stats","interval":"250"}}');
  await waitFor('some lines', () => text.split('\n').length > 3);
  const topics = text
    .trim()
    .split('\n')
    .slice(0, 3)
    .map((line) => JSON.parse(line).response.topic);
  // The third tells what changed first: time goes on in both.
  assert.deepEqual(topics.slice(0, 2), ['peers', 'stats']);
  assert.match(topics[2] ?? '', /^(peers|stats)$/);
});
