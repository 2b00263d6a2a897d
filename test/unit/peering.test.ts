import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { PeerRow } from '../../daemon/host/commands.ts';
import type { PeerSetting } from '../../daemon/peering.ts';
import { identity } from '../support/core.ts';
import { portOf } from '../support/dial-suite.ts';
import { greeting } from '../support/greeting.ts';
import { testIdentity } from '../support/identity.ts';
import { counter, pair, setting, shell, until } from '../support/shell.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';
import { within } from '../support/wait.ts';

const LIMIT_MS = 10_000;

// Peers

test('a configured peer is dialled, and comes up at both ends', async (t) => {
  const { a, b, uri } = await pair(t);
  assert.deepEqual(
    a.rows().map((row) => [row.uri, row.isUp, row.isInbound, row.isConfigured]),
    [[uri, true, false, true]],
  );
  assert.deepEqual(
    b.rows().map((row) => [row.isUp, row.isInbound, row.isConfigured]),
    [[true, true, false]],
  );
  assert.ok(a.reports.includes(`info connected ${uri}`));
});

test('a peer that never stays is dialled at 0, 2, 6, 14, 23 and 32 s with maxbackoff=9s', async (t) => {
  const time = new VirtualTime(t);
  const server = await counter(t);
  const { peering, reports } = shell(t, 0);
  await peering.reload([setting(`tcp://127.0.0.1:${server.port}?maxbackoff=9s`)], []);
  for (const [i, waitMs] of [2_000, 4_000, 8_000, 9_000, 9_000].entries()) {
    await until(`the end of attempt ${i + 1}`, () => reports.length === i + 1);
    await time.advance(waitMs - 1);
    assert.equal(server.count, i + 1);
    await time.advance(1);
    await until(`attempt ${i + 2}`, () => server.count === i + 2);
  }
});

test('a peer that refuses is told with its error until it is up', async (t) => {
  const time = new VirtualTime(t);
  const { peering, peers } = shell(t, 0);
  await peering.reload([setting('tcp://127.0.0.1:9?password=hunter2')], []);
  await until('the error', () => peers()[0]?.lastError !== undefined);
  await time.advance(200);
  const [row] = peers() as [PeerRow];
  assert.deepEqual([row.uri, row.isUp, row.link, row.lastErrorAgeMs], ['tcp://127.0.0.1:9', false, undefined, 200]);
  assert.match(row.lastError ?? '', /ECONNREFUSED/);
});

test('a peer that is lost is dialled again after 2 s, however long it took before', async (t) => {
  const time = new VirtualTime(t);
  let isRefusing = true;
  const server = await counter(t, (socket) => {
    if (isRefusing) socket.destroy();
    else socket.write(greeting(testIdentity(5)));
  });
  const { peering, peers, reports } = shell(t, 0);
  await peering.reload([setting(`tcp://127.0.0.1:${server.port}`)], []);
  for (const [i, waitMs] of [2_000, 4_000, 8_000].entries()) {
    await until(`the end of attempt ${i + 1}`, () => reports.length === i + 1);
    isRefusing = i < 2;
    await time.advance(waitMs);
  }
  await until('the link', () => peers()[0]?.isUp === true);
  server.sockets.at(-1)?.destroy();
  await until('its end', () => peers()[0]?.isUp === false);
  await time.advance(1_999);
  assert.equal(server.count, 4);
  await time.advance(1);
  await until('the next attempt', () => server.count === 5);
});

test('a peer with another password is an error, and dialled again', async (t) => {
  const time = new VirtualTime(t);
  const [a, b] = [shell(t, 0), shell(t, 1)];
  await b.peering.reload([], ['tcp://127.0.0.1:0?password=right']);
  await a.peering.reload([setting(`${b.peering.listening[0]}?password=wrong`)], []);
  await until('the error', () => a.peers()[0]?.lastError !== undefined);
  assert.match(a.peers()[0]?.lastError ?? '', /signature invalid|closed the connection/);
  await time.advance(2_500);
  const attempts = a.reports.filter((line) => line.includes('not connected'));
  const warnings = attempts.filter((line) => line.startsWith('warn'));
  assert.ok(attempts.length >= 2);
  assert.equal(warnings.length, 1, 'the same reason is a warning once');
  assert.ok(![...a.reports, ...b.reports].some((line) => /right|wrong/.test(line)));
});

for (const scheme of ['tcp', 'udp']) {
  test(`${scheme}: the node itself is given up, and said so once`, async (t) => {
    const time = new VirtualTime(t);
    const { peering, peers, reports } = shell(t, 0);
    await peering.reload([], [`${scheme}://127.0.0.1:0`]);
    peering.add(setting(`${peering.listening[0]}?key=${Buffer.from(identity(0).key).toString('hex')}`));
    await until('the error', () => /own key/.test(peers()[0]?.lastError ?? ''));
    const before = peers()[0]?.lastErrorAgeMs ?? 0;
    await time.advance(60_000);
    peering.probe('a test');
    await time.advance(60_000);
    assert.equal(peers()[0]?.lastErrorAgeMs, before + 120_000);
    assert.equal(reports.filter((line) => line.startsWith('warn a peer is this node itself')).length, 1);
  });
}

test('a removed peer is disconnected and not dialled again', async (t) => {
  const time = new VirtualTime(t);
  const { a, b, uri } = await pair(t);
  a.peering.remove(setting(uri));
  assert.deepEqual(a.rows(), []);
  await until('the other end', () => b.rows().length === 0);
  await time.advance(60_000);
  assert.deepEqual([a.rows(), b.rows()], [[], []]);
});

test('a peer that is removed while it is dialled is not connected', async (t) => {
  const server = await counter(t, (socket) => socket.write(greeting(testIdentity(5))));
  const { peering, rows, reports } = shell(t, 0);
  const uri = `tcp://127.0.0.1:${server.port}`;
  peering.add(setting(uri));
  peering.remove(setting(uri));
  await turns(100);
  assert.deepEqual([rows(), reports], [[], []]);
});

test('a peer that is removed while it waits is not dialled', async (t) => {
  const time = new VirtualTime(t);
  const server = await counter(t);
  const { peering, peers } = shell(t, 0);
  const uri = `tcp://127.0.0.1:${server.port}`;
  peering.add(setting(uri));
  await until('the error', () => peers()[0]?.lastError !== undefined);
  peering.remove(setting(uri));
  await time.advance(60_000);
  assert.equal(server.count, 1);
});

test('a peer that is removed and added again is one peer', async (t) => {
  const { a, b, uri } = await pair(t);
  a.peering.remove(setting(uri));
  a.peering.add(setting(uri));
  await until('the link', () => a.rows()[0]?.isUp === true && b.rows().length === 1 && b.rows()[0]?.isUp === true);
  assert.equal(a.rows().length, 1);
});

test('adding a peer again is refused, and it is dialled at once', async (t) => {
  new VirtualTime(t);
  const server = await counter(t);
  const { peering, peers } = shell(t, 0);
  const uri = `tcp://127.0.0.1:${server.port}`;
  peering.add(setting(uri));
  await until('the error', () => peers()[0]?.lastError !== undefined);
  assert.throws(() => peering.add(setting(`${uri}?priority=3`)), { code: 'PEER_EXISTS' });
  await until('the second attempt', () => server.count === 2);
});

test('what cannot be added or removed is refused by code', (t) => {
  const { peering } = shell(t, 0);
  assert.throws(() => peering.add(setting('tcp://127.0.0.1')), { code: 'URI_INVALID' });
  assert.throws(() => peering.add(setting('pigeon://127.0.0.1:1')), { code: 'SCHEME_UNKNOWN' });
  assert.throws(() => peering.remove(setting('tcp://127.0.0.1:1')), { code: 'PEER_UNKNOWN' });
});

test('of many peers 64 are dialled at once, and each that is done makes room for the next', async (t) => {
  const server = await counter(t, () => {});
  const { peering, peers } = shell(t, 0);
  const all = Array.from({ length: 70 }, (_, i) => setting(`tcp://127.0.0.${i + 1}:${server.port}`));
  await peering.reload(all, []);
  await until('64 attempts', () => server.count === 64);
  await turns(50);
  assert.equal(server.count, 64);
  // One fails, one succeeds, one is removed.
  server.sockets[0]?.destroy();
  await until('the 65th', () => server.count === 65);
  server.sockets[1]?.write(greeting(testIdentity(5)));
  await until('the link', () => peers().some(({ isUp }) => isUp));
  await until('the 66th', () => server.count === 66);
  peering.remove(all[40] as PeerSetting);
  await until('the 67th', () => server.count === 67);
});

test('a backoff of many days does not become none', async (t) => {
  const time = new VirtualTime(t);
  const server = await counter(t);
  const { peering, peers } = shell(t, 0);
  peering.add(setting(`tcp://127.0.0.1:${server.port}?maxbackoff=10000h`));
  const uri = setting(`tcp://127.0.0.1:${server.port}`);
  // Adding it again cuts each wait, so that the backoff grows without the time.
  for (let failures = 1; failures <= 24; failures++) {
    await until(`failure ${failures}`, () => server.count === failures && peers()[0]?.lastError !== undefined);
    await turns(5);
    if (failures < 24) assert.throws(() => peering.add(uri), { code: 'PEER_EXISTS' });
  }
  const { fired } = time;
  await time.advance(5_000);
  assert.equal(server.count, 24);
  assert.ok(time.fired - fired < 50, 'a timer without end');
});

// Reload

test('a reload adds and removes peers and listeners, and says so', async (t) => {
  const [a, b, c] = [shell(t, 0), shell(t, 1), shell(t, 2)];
  for (const { peering } of [b, c]) await peering.reload([], ['tcp://127.0.0.1:0']);
  const [toB, toC] = [b, c].map(({ peering }) => peering.listening[0] as string) as [string, string];
  const first = await a.peering.reload([setting(toB)], ['ws://127.0.0.1:0']);
  const ws = a.peering.listening[0] as string;
  assert.deepEqual(first, [`added ${toB}`, `listening on ${ws}`]);
  await until('the link to b', () => b.rows()[0]?.isUp === true);
  const second = await a.peering.reload([setting(toC)], ['tcp://127.0.0.1:0']);
  const tcp = a.peering.listening[0] as string;
  assert.deepEqual(second, [`removed ${toB}`, `added ${toC}`, `stopped listening on ${ws}`, `listening on ${tcp}`]);
  await until('the link to c', () => b.rows().length === 0 && c.rows()[0]?.isUp === true);
});

test('a reload without changes changes nothing', async (t) => {
  const { a, b, uri } = await pair(t);
  assert.deepEqual(await a.peering.reload([setting(uri)], []), []);
  assert.deepEqual(await b.peering.reload([], ['tcp://127.0.0.1:0']), []);
  assert.equal(portOf(b.peering.listening[0] as string), portOf(uri));
  assert.deepEqual([a.rows()[0]?.isUp, b.rows()[0]?.isUp], [true, true]);
});

test("a peer that was added by command and comes into the file is the file's, and goes with it", async (t) => {
  const { peering } = shell(t, 0);
  const uri = `tcp://127.0.0.1:${(await counter(t)).port}`;
  peering.add(setting(uri));
  assert.deepEqual(await peering.reload([setting(uri)], []), []);
  assert.deepEqual(await peering.reload([], []), [`removed ${uri}`]);
  peering.add(setting(uri));
  // With other options it is another matter, which is said.
  assert.match((await peering.reload([setting(`${uri}?priority=3`)], []))[0] ?? '', /configured already/);
});

test('a reload that takes a listener away leaves its links', async (t) => {
  const { b, uri } = await pair(t);
  assert.deepEqual(await within('the reload', LIMIT_MS, b.peering.reload([], [])), [`stopped listening on ${uri}`]);
  await turns();
  assert.equal(b.rows()[0]?.isUp, true);
  assert.deepEqual(b.peering.listening, []);
});

test('what a reload says shows no options', async (t) => {
  const server = await counter(t);
  const { peering, reports } = shell(t, 0);
  const uri = `tcp://127.0.0.1:${server.port}`;
  const changes = [
    ...(await peering.reload([setting(`${uri}?password=hunter2`)], ['tcp://127.0.0.1:0?password=hunter2'])),
    ...(await peering.reload([setting(`${uri}?password=hunter3`)], [])),
    ...(await peering.reload([], [])),
  ];
  assert.deepEqual(
    changes.filter((line) => line.endsWith(uri)),
    [`added ${uri}`, `removed ${uri}`, `added ${uri}`, `removed ${uri}`],
  );
  assert.doesNotMatch([...changes, ...reports].join(), /hunter/);
});

test('a peer that cannot be used is reported and skipped, at every reload until it is gone', async (t) => {
  const { a, b, uri } = await pair(t);
  const bad = setting('tcp://127.0.0.1:x?password=hunter2');
  for (let i = 0; i < 2; i++) {
    a.reports.length = 0;
    const [said, ...others] = await a.peering.reload([bad, setting(uri)], []);
    assert.match(said ?? '', /^Cannot use tcp:\/\/127\.0\.0\.1:x: found/);
    assert.deepEqual([others, a.reports], [[], [`warn ${said}`]]);
  }
  a.reports.length = 0;
  assert.deepEqual(await a.peering.reload([setting(uri)], []), []);
  assert.deepEqual([a.reports, b.rows()[0]?.isUp], [[], true]);
});

test('a listener that cannot be opened is reported and skipped, and tried again', async (t) => {
  const [a, b] = [shell(t, 0), shell(t, 1)];
  await b.peering.reload([], ['tcp://127.0.0.1:0']);
  const taken = b.peering.listening[0] as string;
  const changes = await a.peering.reload([], [taken, 'what is this', 'tcp://127.0.0.1:0']);
  assert.deepEqual([...a.reports.map((line) => line.slice(5)), `listening on ${a.peering.listening[0]}`], changes);
  assert.equal(changes.length, 3);
  assert.match(a.reports[0] ?? '', /^warn Cannot listen on .*another process uses this port/);
  await b.peering.reload([], []);
  assert.deepEqual(await a.peering.reload([], [taken, 'tcp://127.0.0.1:0']), [`listening on ${taken}`]);
});

test('other options of a peer or listener are taken over', async (t) => {
  const { a, b, uri } = await pair(t);
  const listen = `${uri}?priority=2`;
  assert.deepEqual(await b.peering.reload([], [listen]), [`stopped listening on ${uri}`, `listening on ${uri}`]);
  await a.peering.reload([setting(`${uri}?priority=1`)], []);
  await until('the link', () => a.peers()[0]?.link?.priority === 2);
});

test('a peer added by command stays through a reload, one removed by command comes back', async (t) => {
  const server = await counter(t);
  const { peering, peers } = shell(t, 0);
  const [fromFile, byCommand] = [1, 2].map((i) => setting(`tcp://127.0.0.${i}:${server.port}`)) as [
    PeerSetting,
    PeerSetting,
  ];
  await peering.reload([fromFile], []);
  peering.add(byCommand);
  peering.remove(fromFile);
  const names = () => peers().map(({ uri }) => uri);
  assert.deepEqual(names(), [byCommand.uri]);
  assert.deepEqual(await peering.reload([fromFile], []), [`added ${fromFile.uri}`]);
  assert.deepEqual(names(), [byCommand.uri, fromFile.uri]);
});

test('two reloads at once open a listener once', async (t) => {
  const { peering } = shell(t, 0);
  const listen = ['tcp://127.0.0.1:0'];
  const changes = await Promise.all([peering.reload([], listen), peering.reload([], listen)]);
  assert.deepEqual(
    changes.map((lines) => lines.length),
    [1, 0],
  );
  await peering.reload([], []);
  assert.deepEqual(peering.listening, []);
});

// Who comes in

/** Connects to a listener; tells when it is closed. */
function stranger(t: TestContext, port: number): { socket: Socket; isClosed: () => boolean } {
  const socket = connect({ host: '127.0.0.1', port });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  socket.resume();
  return { socket, isClosed: () => socket.readableEnded || socket.destroyed };
}

test('8 of one host may be without a greeting, one more is closed at once, one gone makes room', async (t) => {
  new VirtualTime(t);
  const { peering, rows } = shell(t, 0);
  await peering.reload([], ['tcp://127.0.0.1:0']);
  const port = portOf(peering.listening[0] as string);
  const waiting = Array.from({ length: 8 }, () => stranger(t, port));
  await until('8 links', () => rows().length === 8);
  const ninth = stranger(t, port);
  await until('the ninth to be closed', ninth.isClosed);
  assert.ok(waiting.every(({ isClosed }) => !isClosed()));
  waiting[0]?.socket.destroy();
  await until('7 links', () => rows().length === 7);
  const tenth = stranger(t, port);
  await until('8 links', () => rows().length === 8);
  assert.equal(tenth.isClosed(), false);
});

test('16 links of one host, one more connection is closed at once', async (t) => {
  const time = new VirtualTime(t);
  const { peering, rows } = shell(t, 0);
  await peering.reload([], ['tcp://127.0.0.1:0']);
  const port = portOf(peering.listening[0] as string);
  const links: Socket[] = [];
  for (let i = 0; i < 16; i++) {
    const { socket } = stranger(t, port);
    links.push(socket);
    socket.write(greeting(testIdentity(i)));
    await until('the link', () => rows().filter(({ isUp }) => isUp).length === i + 1);
  }
  await until('the end', stranger(t, port).isClosed);
  links[0]?.destroy();
  await until('15 links', () => rows().length === 15);
  const next = stranger(t, port);
  await until('16 links', () => rows().length === 16);
  assert.equal(next.isClosed(), false);
  // Those that the node itself ends make room, too.
  await time.advance(7_000);
  await until('none', () => rows().length === 0);
});

test('a stranger who comes and goes causes no line above debug', async (t) => {
  new VirtualTime(t);
  const { peering, rows, reports } = shell(t, 0);
  await peering.reload([], ['tcp://127.0.0.1:0']);
  const port = portOf(peering.listening[0] as string);
  const { socket, isClosed } = stranger(t, port);
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await until('the end', isClosed);
  await until('no link', () => rows().length === 0);
  assert.ok(reports.length > 0);
  assert.ok(reports.every((line) => line.startsWith('debug')));
});

// The end

test('stop closes listeners, calls attempts off and dials no more', async (t) => {
  const time = new VirtualTime(t);
  const server = await counter(t);
  const hanging = await counter(t, (socket) => socket.resume());
  const { peering, driver, reports } = shell(t, 0);
  await peering.reload(
    [setting(`tcp://127.0.0.1:${server.port}`), setting(`ws://127.0.0.1:${hanging.port}`)],
    ['tcp://127.0.0.1:0', 'ws://127.0.0.1:0'],
  );
  const ports = peering.listening.map(portOf);
  await until('both', () => server.count === 1 && hanging.count === 1);
  await peering.stop();
  driver.stop();
  await until('the attempt to end', () => hanging.sockets[0]?.readableEnded === true);
  for (const port of ports) await until('a refusal', stranger(t, port).isClosed);
  const lines = reports.length;
  await time.advance(60_000);
  assert.deepEqual([server.count, reports.length], [1, lines]);
});

test('stop does not wait for links that came in', async (t) => {
  const { b } = await pair(t);
  await within('the stop', 1_000, b.peering.stop());
});

test('stop during a reload leaves no listener open', async (t) => {
  const { peering } = shell(t, 0);
  const reloading = peering.reload([], ['tcp://127.0.0.1:0']);
  await peering.stop();
  const [line] = await reloading;
  await until('a refusal', stranger(t, portOf(line ?? '')).isClosed);
});
