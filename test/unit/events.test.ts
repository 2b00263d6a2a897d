import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { AirWatch } from '../../daemon/host/air-watch.ts';
import { DropWatch } from '../../daemon/host/drop-watch.ts';
import { EventFile } from '../../daemon/host/event-file.ts';
import { type EventKind, Events } from '../../daemon/host/events.ts';
import { type Refusal, RefusalWatch, readRefusals } from '../../daemon/host/refusal-watch.ts';
import { adminRequest } from '../support/admin.ts';
import { waitFor } from '../support/wait.ts';
import { lonelyRouter, startAdmin, temporaryFolder } from './admin-fixture.ts';

const ALL = { kinds: undefined, sinceUnixMs: 0, most: 10_000 };

function recorder(earlier?: ConstructorParameters<typeof Events>[1]) {
  const time = { unixMs: 1_000_000, monotonicMs: 0 };
  const events = new Events({ unixMs: () => time.unixMs, monotonicMs: () => time.monotonicMs }, earlier);
  return { events, time };
}

test('events are found by kind, age and number, the latest of them', () => {
  const { events, time } = recorder();
  for (const [i, kind] of (['link', 'tree', 'link', 'link'] as EventKind[]).entries()) {
    time.unixMs = 1_000 * i;
    events.add(kind, 'info', `${i}`, { i });
  }
  const texts = (query: object): string[] => events.find({ ...ALL, ...query }).map(({ text }) => text);
  assert.deepEqual(texts({}), ['0', '1', '2', '3']);
  assert.deepEqual(texts({ kinds: new Set(['tree']) }), ['1']);
  assert.deepEqual(texts({ sinceUnixMs: 2_000 }), ['2', '3']);
  assert.deepEqual(texts({ kinds: new Set(['link']), most: 2 }), ['2', '3']);
});

test('4 096 are kept', () => {
  const { events, time } = recorder();
  for (let i = 0; i < 4_097; i++) {
    time.monotonicMs += 1_000;
    events.add('link', 'info', `${i}`);
  }
  assert.deepEqual([events.find(ALL).length, events.find(ALL)[0]?.text], [4_096, '1']);
});

test('a flood of one kind costs that kind, and says how many it cost', () => {
  const { events, time } = recorder();
  for (let i = 0; i < 1_000; i++) events.add('session', 'debug', 'opened');
  events.add('tree', 'info', 'root');
  assert.deepEqual([events.find(ALL).length, events.find(ALL).at(-1)?.text], [201, 'root']);
  time.monotonicMs += 50;
  events.add('session', 'debug', 'one more');
  assert.deepEqual(events.find(ALL).at(-1)?.fields, { leftOut: 800 });
});

test('who listens hears what happens, until it goes', () => {
  const { events } = recorder();
  const heard: string[] = [];
  const end = events.listen(({ text }) => heard.push(text));
  events.add('link', 'info', 'up');
  end();
  events.add('link', 'info', 'down');
  assert.deepEqual(heard, ['up']);
});

test('events are on disk within a second, for the next life and for nobody else', async (t) => {
  const folder = join(temporaryFolder(t), 'state');
  const first = new EventFile(folder, 'first', assert.fail);
  const { events } = recorder();
  events.listen((happening) => first.add(happening));
  events.add('link', 'warn', 'down\n\u001b[31m', { reason: 'cut' });
  await waitFor('the file', () => existsSync(join(folder, 'events.jsonl')));
  assert.equal(statSync(join(folder, 'events.jsonl')).mode & 0o777, 0o600);
  assert.deepEqual(first.earlier(), [], 'its own are no earlier ones');
  const next = recorder(() => new EventFile(folder, 'second', assert.fail).earlier());
  next.events.add('daemon', 'info', 'starts');
  assert.deepEqual(
    next.events.find(ALL).map(({ seq, text, unixMs }) => [seq, text, unixMs]),
    [
      [0, 'down\n\u001b[31m', 1_000_000],
      [1, 'starts', 1_000_000],
    ],
  );
});

test('the files hold 1 MiB each at most, and the older one goes', (t) => {
  const folder = temporaryFolder(t);
  const file = new EventFile(folder, 'life', assert.fail);
  const text = 'x'.repeat(1_000);
  for (let i = 0; i < 3_000; i++) {
    file.add({ seq: i, unixMs: i + 1, kind: 'link', level: 'info', text, fields: {} });
    if (i % 100 === 0) file.flush();
  }
  file.flush();
  for (const name of ['events.jsonl', 'events.1.jsonl']) assert.ok(statSync(join(folder, name)).size <= 1024 * 1024);
  const times = new EventFile(folder, 'other', assert.fail).earlier().map(({ unixMs }) => unixMs);
  assert.ok(times.length > 900);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.equal(times.at(-1), 3_000);
});

test('a line that was cut, or is somebody else’s, is left out', (t) => {
  const folder = temporaryFolder(t);
  const file = new EventFile(folder, 'life', assert.fail);
  file.add({ seq: 1, unixMs: 5, kind: 'tree', level: 'info', text: 'whole', fields: {} });
  file.flush();
  const path = join(folder, 'events.jsonl');
  const whole = readFileSync(path, 'utf8');
  appendFileSync(
    path,
    `${whole.slice(0, 30)}\n{}\nnull\n[]\n{"time":"x","kind":"tree","text":"t","fields":{}}\n\u0000`,
  );
  const texts = new EventFile(folder, 'other', assert.fail).earlier().map((one) => one.text);
  assert.deepEqual(texts, ['whole']);
});

test('a folder that cannot be written to costs one warning', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'no-folder'), '');
  chmodSync(join(folder, 'no-folder'), 0o400);
  const warnings: string[] = [];
  const file = new EventFile(join(folder, 'no-folder'), 'life', (line) => warnings.push(line));
  for (let i = 0; i < 3; i++) {
    file.add({ seq: i, unixMs: 5, kind: 'tree', level: 'info', text: 'lost', fields: {} });
    file.flush();
  }
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /^events are no longer kept in .*events\.jsonl: E[A-Z]+/);
});

test('what is dropped is told once a minute and reason, and what was before the first look is not', () => {
  const { events } = recorder();
  const watch = new DropWatch(events);
  const told = (): object[] => events.find(ALL).map(({ text, fields }) => ({ [text]: fields.count }));
  watch.look({ drops: { 'queue full': 7 }, closes: {} }, 0);
  assert.deepEqual(told(), []);
  watch.look({ drops: { 'queue full': 9 }, closes: { 'own key': 1 } }, 1_000);
  const first = [{ 'dropped: queue full': 2 }, { 'links ended here: own key': 1 }];
  assert.deepEqual(told(), first);
  watch.look({ drops: { 'queue full': 500 }, closes: { 'own key': 1 } }, 60_000);
  assert.deepEqual(told(), first);
  watch.look({ drops: { 'queue full': 501 }, closes: { 'own key': 1 } }, 61_000);
  assert.deepEqual(told(), [...first, { 'dropped: queue full': 492 }]);
});

test('a cap that is reached is a warning of its own kind, and a link that was refused names who came last', () => {
  const { events } = recorder();
  const watch = new DropWatch(events);
  watch.look({ drops: {}, closes: {} }, 0);
  watch.refused('tcp://10.0.0.1:5', 'signature invalid: the passwords differ, or the greeting was altered');
  watch.refused('tcp://10.0.0.2:5', 'frame malformed: whatever');
  watch.look({ drops: { 'traffic queue full': 3 }, closes: { 'signature invalid': 2, 'frame malformed': 1 } }, 1_000);
  assert.deepEqual(
    events.find(ALL).map(({ kind, level, text, fields }) => [kind, level, text, fields]),
    [
      ['limit', 'warn', 'limit reached: the queue of a link is full (traffic queue full)', { count: 3 }],
      [
        'link',
        'warn',
        'a link was refused: wrong password: theirs is not that of our listener (signature invalid)',
        { count: 2, latest: 'tcp://10.0.0.1:5' },
      ],
      ['drops', 'info', 'links ended here: frame malformed', { count: 1 }],
    ],
  );
});

test('refusals of the firewall are told by port and sender, once a minute each, and a scan only in part', () => {
  const watch = new RefusalWatch();
  const from = '200::1';
  const row = (port: number, packets: number): Refusal => ({ protocol: 'tcp', port, from, packets });
  const texts = (total: number, rows: Refusal[], nowMs: number): [string, unknown][] =>
    watch.look(total, () => rows, nowMs).map(({ text, fields }) => [text, fields.packets ?? fields.count]);
  assert.deepEqual(texts(0, [], 0), []);
  const said = 'firewall: refused tcp port 22 to 200::1; to let it in: ratatosk firewall allow 22';
  assert.deepEqual(texts(3, [row(22, 3)], 1_000), [[said, 3]]);
  assert.deepEqual(texts(4, [row(22, 4)], 11_000), [], 'within the minute');
  assert.deepEqual(texts(9, [row(22, 9)], 61_000), [[said, 6]]);
  assert.deepEqual(texts(9, assert.fail as never, 200_000), [], 'nothing new is not asked for');
  assert.deepEqual(texts(1, [row(22, 1)], 300_000), [], 'a new table begins anew');
  const scan = Array.from({ length: 64 }, (_, i) => row(1_000 + i, 1));
  const told = texts(65, scan, 400_000);
  assert.deepEqual([told.length, told.at(-1)], [6, ['firewall: refused on other ports or from others too', 59]]);
  assert.deepEqual(texts(66, scan, 401_000), [], 'who scans us is named a few times, however often we look');
  assert.equal(texts(67, scan, 410_000).length, 6);
});

test('reads what nft lists, and leaves out what it does not know', () => {
  const elem = (concat: unknown[], packets = 1): object => ({ elem: { val: { concat }, counter: { packets } } });
  const set = { elem: [elem(['udp', 53, '200::1'], 4), elem(['udp', '53', '200::1']), {}, { elem: {} }] };
  assert.deepEqual(readRefusals(JSON.stringify({ nftables: [{ metainfo: {} }, { set }] })), [
    { protocol: 'udp', port: 53, from: '200::1', packets: 4 },
  ]);
  assert.deepEqual(readRefusals('{"nftables":[{"set":{}}]}'), []);
});

test('a duty limit is told when it is reached, and when there is air time again', () => {
  const watch = new AirWatch();
  const radio = (waitMs: number | null, usedMs = 35_000): Parameters<AirWatch['look']>[0] => {
    const limit = { windowMs: 3_600_000, airMs: 36_000, frameMs: 36_000 };
    const modulation = { kind: 'rate', bitsPerSecond: 1_200, frameMs: 0 } as const;
    const rest = { frameOverhead: 0, accessMs: 0, sharesAccess: false, turnaroundMs: 0, share: 1, ledger: '' };
    const air = { modulation, limits: [limit], ...rest };
    const classes = [{ airClass: 'normal', waitMs, sentMs: 0, queuedBytes: 0, refused: 0 } as const];
    return [{ uri: 'rnode:///dev/x', air, limits: [{ usedMs, freeMs: 0 }], classes }];
  };
  assert.deepEqual(watch.look(radio(14_000)), [], 'that is the share of the channel');
  assert.deepEqual(watch.look(radio(340_000)), [
    {
      level: 'warn',
      text: 'duty limit reached on rnode:///dev/x: 35 s sent of 36 s allowed in any hour; packets wait 340 s',
    },
  ]);
  assert.deepEqual(watch.look(radio(3_000)), []);
  assert.deepEqual(watch.look(radio(0)), [{ level: 'info', text: 'there is air time again on rnode:///dev/x' }]);
  assert.match(watch.look(radio(null))[0]?.text ?? '', /packets wait for good$/);
  watch.look([]);
  assert.equal(watch.look(radio(340_000)).length, 1, 'a modem that was away begins anew');
});

test('getEvents answers a question, and refuses a wrong one', async (t) => {
  const { events } = recorder();
  events.add('link', 'info', 'up', { peer: 'tcp://x:1' });
  const path = await startAdmin(t, lonelyRouter(), { events });
  const { events: found } = await adminRequest<{ events: object[] }>(path, 'getEvents', { kind: 'link', most: '5' });
  const common = { seq: 1, time: 1_000, kind: 'link', level: 'info', text: 'up' };
  assert.deepEqual(found, [{ ...common, fields: { peer: 'tcp://x:1' } }]);
  assert.deepEqual(await adminRequest(path, 'getEvents', { kind: 'tree' }), { events: [] });
  await assert.rejects(adminRequest(path, 'getEvents', { kind: 'links' }), /found 'links', expected some of daemon/);
  await assert.rejects(adminRequest(path, 'getEvents', { since: 'today' }), /since must be a whole number/);
});

test('a subscriber is told of every event of its kinds at once; eight may be', async (t) => {
  const { events, time } = recorder();
  const path = await startAdmin(t, lonelyRouter(), { events });
  const subscribers = Array.from({ length: 9 }, () => {
    const socket = connect(path);
    t.after(() => socket.destroy());
    const heard: { status: string; error?: string; response: { text: string } | null }[] = [];
    socket.on('data', (chunk) => {
      for (const line of String(chunk).trim().split('\n')) heard.push(JSON.parse(line));
    });
    socket.write('{"request":"subscribe","arguments":{"kind":"link,tree"}}');
    return { socket, heard };
  });
  const refused = await waitFor('the ninth', () => subscribers.find(({ heard }) => heard.length > 0));
  assert.deepEqual([refused.heard[0]?.status, refused.heard[0]?.error], ['error', 'there are 8 subscribers already']);
  events.add('session', 'debug', 'opened');
  events.add('link', 'info', 'down');
  const others = subscribers.filter((one) => one !== refused);
  await waitFor('all', () => others.every(({ heard }) => heard.length === 1));
  for (const { heard } of others) assert.equal(heard[0]?.response?.text, 'down');
  for (const { socket } of others) socket.end();
  await waitFor('room for one more', async () => {
    const socket = connect(path);
    let first = '';
    socket.on('data', (chunk) => {
      first ||= String(chunk);
    });
    socket.write('{"request":"subscribe"}');
    await waitFor('an answer', () => {
      time.monotonicMs += 1_000;
      events.add('link', 'info', 'up');
      return first !== '';
    });
    socket.destroy();
    return !first.includes('subscribers already');
  });
});

test('a subscriber that does not read is let go', async (t) => {
  const { events, time } = recorder();
  const path = await startAdmin(t, lonelyRouter(), { events });
  const socket = connect(path);
  t.after(() => socket.destroy());
  let isClosed = false;
  socket.on('close', () => {
    isClosed = true;
  });
  socket.on('error', () => undefined);
  socket.write('{"request":"subscribe"}');
  socket.pause();
  await waitFor('its end', async () => {
    for (let i = 0; i < 20; i++) {
      time.monotonicMs += 1_000;
      events.add('link', 'info', 'x'.repeat(60_000));
    }
    await new Promise(setImmediate);
    // What has arrived must be read for the end to be seen.
    if ((events.find({ ...ALL, most: 1 })[0]?.seq ?? 0) > 60) socket.resume();
    return isClosed;
  });
});
