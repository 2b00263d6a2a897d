import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { DropWatch } from '../../daemon/host/drop-watch.ts';
import { EventFile } from '../../daemon/host/event-file.ts';
import { type EventKind, Events } from '../../daemon/host/events.ts';
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
