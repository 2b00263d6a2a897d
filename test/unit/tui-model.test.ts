import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { History, SAMPLES } from '../../tui/history.ts';
import { Model, TOPICS, TOTAL } from '../../tui/model.ts';
import { stateJson } from '../../tui/once.ts';
import { problemsOf } from '../../tui/problems.ts';
import { apply, readEntry, readRecording } from '../../tui/recording.ts';
import { modelOf, TestScreen } from '../support/top-screen.ts';
import { sessionEntries, sessionKey } from '../support/top-session.ts';

const peer = (id: string, more: object = {}): object => ({
  id,
  remote: id,
  up: true,
  key: id,
  rate_recvd: 10,
  ...more,
});
const peers = (rows: object[], more: object = {}): object => ({
  topic: 'peers',
  rows,
  gone: [],
  total: rows.length,
  ...more,
});

test('rows come, change and go', () => {
  const model = new Model();
  model.connected();
  model.push(peers([peer('a'), peer('b')]), 1_000);
  model.push(peers([peer('b', { up: false, last_error: 'refused' })], { gone: ['a'], total: 7 }), 2_000);
  assert.deepEqual([...model.peers.rows.keys()], ['b']);
  assert.equal(model.peers.rows.get('b')?.error, 'refused');
  assert.equal(model.peers.total, 7);
});

test('a new connection begins with empty tables, and keeps the events', () => {
  const model = new Model();
  model.connected();
  model.push(peers([peer('a')]), 1_000);
  model.push({ topic: 'events', seq: 4, time: 1, kind: 'link', level: 'info', text: 'x', fields: {} }, 1_000);
  model.lost('gone', 2_000);
  model.connected();
  assert.equal(model.peers.rows.size, 0);
  assert.equal(model.events.length, 1);
});

test('an event that is told twice is there once', () => {
  const model = new Model();
  const event = { seq: 4, time: 12.5, kind: 'link', level: 'info', text: 'x', fields: {} };
  model.push({ topic: 'events', ...event }, 13_000);
  model.recall([{ ...event, seq: 3, time: 11 }, event]);
  assert.deepEqual(
    model.events.map(({ id }) => id),
    ['3 11000', '4 12500'],
  );
});

test('events are bounded', () => {
  const model = new Model();
  for (let seq = 0; seq < 2_500; seq++) model.push({ topic: 'events', seq, time: seq, text: `${seq}` }, 1);
  assert.equal(model.events.length, 2_000);
  assert.equal(model.events[0]?.text, '500');
});

test('what a newer daemon tells is ignored', () => {
  const model = new Model();
  model.push({ topic: 'weather', value: 1 }, 1);
  model.push(peers([peer('a', { moon: { phase: 3 }, latency: 'soon', key: 7 })]), 1);
  assert.equal(model.peers.rows.get('a')?.rttMs, undefined);
  assert.equal(model.told.has('weather'), false);
});

test('whatever is pushed, every view can be drawn', () => {
  const anything = fc.anything({ maxDepth: 4, withBigInt: true });
  const message = fc.record(
    {
      topic: fc.constantFrom(...TOPICS, 'x'),
      value: anything,
      rows: fc.oneof(fc.array(anything), anything),
      gone: anything,
      total: anything,
      fields: anything,
      time: anything,
    },
    { requiredKeys: ['topic'] },
  );
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 6 }),
      fc.constantFrom('0', '1', '2', '3', '4', '5', '6', '7'),
      (messages, view) => {
        const model = new Model();
        model.connected();
        for (const [i, one] of messages.entries()) model.push(one, 1_000 * i);
        new TestScreen(model, { width: 120, height: 40 }).press(view, 'enter', 'escape', 's', 'S-p');
      },
    ),
    { numRuns: 300 },
  );
});

test('rates of sessions are what came since the look before, and end with the pushes', () => {
  const model = new Model();
  const row = (bytes: number): object => ({
    topic: 'sessions',
    rows: [{ id: 's', bytes_recvd: bytes, bytes_sent: 0 }],
  });
  model.push(row(1_000), 1_000);
  model.push(row(5_000), 3_000);
  const session = model.sessions.rows.get('s');
  assert.ok(session);
  assert.equal(model.sessionRates(session).in, 2_000);
  model.advance(6_000);
  assert.equal(model.sessionRates(session).in, 2_000, 'a daemon that is late has not said that nothing came');
  model.push({ topic: 'stats' }, 6_000);
  assert.equal(model.sessionRates(session).in, 0);
});

test('history keeps a sample a second, and gaps where nothing was known', () => {
  const model = new Model();
  model.connected();
  model.push(peers([peer('a')]), 10_000);
  model.advance(13_000);
  model.lost('gone', 14_000);
  model.advance(16_000);
  const values = [...model.history.of(TOTAL, 'in').subarray(-7)];
  assert.deepEqual(values, [Number.NaN, 10, 10, 10, 10, Number.NaN, Number.NaN]);
});

test('history forgets who is gone, and is bounded', () => {
  const history = new History();
  const sample = { in: 1, out: 2, rtt: 3 };
  history.sample(Array.from({ length: 3_000 }, (_, i) => [`${i}`, sample] as const));
  assert.equal(history.of('1199', 'rtt').at(-1), 3);
  assert.ok(Number.isNaN(history.of('1200', 'rtt').at(-1)));
  assert.equal(history.both('5').at(-1), 3);
  history.sample([['7', sample]]);
  assert.ok(Number.isNaN(history.of('5', 'in').at(-2)));
  for (let i = 0; i < 2 * SAMPLES; i++) history.sample([['7', { in: i, out: 0, rtt: 0 }]]);
  assert.deepEqual([history.of('7', 'in')[0], history.of('7', 'in').at(-1)], [SAMPLES, 2 * SAMPLES - 1]);
});

test('a clock that jumps ahead costs no more than a full history', () => {
  const model = new Model();
  model.advance(1_000);
  const startMs = performance.now();
  model.advance(1e12);
  assert.ok(performance.now() - startMs < 1_000);
});

test('one line says what is wrong, the worst first', () => {
  const model = new Model();
  assert.match(problemsOf(model)[0]?.text ?? '', /connecting/);
  model.lost('no daemon answers', 5_000);
  model.advance(9_000);
  assert.equal(problemsOf(model)[0]?.text, 'disconnected, retrying (for 4s): no daemon answers');
  model.connected();
  model.push(peers([]), 9_000);
  assert.match(problemsOf(model)[0]?.text ?? '', /no peers/);
  model.push(peers([peer('tcp://h:1'), peer('tcp://h:2', { up: false, last_error: 'refused' })]), 9_000);
  assert.deepEqual(problemsOf(model), [{ level: 'warn', text: '1 of 2 peers not linked: tcp://h:2 refused' }]);
  model.push(peers([peer('tcp://h:2')]), 9_000);
  assert.deepEqual(problemsOf(model), []);
});

test('a recording gives back what was told', () => {
  const entries = sessionEntries();
  const text = entries.map((entry) => JSON.stringify(entry)).join('\n');
  assert.equal(stateJson(modelOf(readRecording(text))), stateJson(modelOf(entries)));
});

test('the state as JSON has the names, and the counts of packets dropped', () => {
  const { status, stats } = JSON.parse(stateJson(modelOf(sessionEntries())));
  assert.equal(status.names[sessionKey(3)], 'laptop');
  assert.equal(stats.drops.noPath, 214);
});

test('lines of a recording that are none are left out', () => {
  fc.assert(fc.property(fc.string(), (line) => void readEntry(line)));
  fc.assert(
    fc.property(fc.json(), (line) => {
      const entry = readEntry(line);
      if (entry !== undefined) apply(new Model(), entry);
    }),
  );
  assert.deepEqual(readRecording('x\n{"at":1,"future":2}\n{"at":5,"lost":"why"}\n{}'), [{ at: 5, lost: 'why' }]);
});
