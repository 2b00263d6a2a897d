import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerBudget } from '../../daemon/core/answer-budget.ts';
import type { CoreEvent, NodeOptions, PublicKey, QueryTopic } from '../../daemon/core/port.ts';
import { Queries } from '../../daemon/core/queries.ts';
import { type Query, readKeys, readQuery, writeQuery } from '../../daemon/wire/query.ts';
import { contextOf, dropsOf, identity, limitsWith, NOTHING, nameless, passTime } from '../support/core.ts';
import { root, us } from '../support/core-mesh.ts';
import { Cable, World } from '../support/core-world.ts';
import { anyOctets, fc } from './wire-property.ts';
import { hex, octets, vectors } from './wire-vectors.ts';

const them = identity(7).key;
const TOPICS = ['nodeInfo', 'self', 'peers', 'tree'] as const;
const REQUESTS = ['nodeInfoRequest', 'selfRequest', 'peersRequest', 'treeRequest'] as const;
const RESPONSES = ['nodeInfoResponse', 'selfResponse', 'peersResponse', 'treeResponse'] as const;

/** Queries without sessions: what leaves is kept. */
class Desk {
  readonly context;
  readonly queries: Queries;
  readonly sent: { to: PublicKey; query: Query }[] = [];
  treeKeys: Uint8Array[] = [];
  roundTripMs = 0;
  peerKeys: Uint8Array[] = [];

  constructor(changes: Partial<NodeOptions> = {}) {
    this.context = contextOf(us, changes);
    this.queries = new Queries(this.context, new AnswerBudget(this.context), {
      send: (to, buffer, at, length) => {
        const query = readQuery(buffer.slice(at, at + length));
        assert.ok(query && at >= 32);
        this.sent.push({ to, query });
      },
      roundTripMs: () => this.roundTripMs,
      routingEntries: () => 6,
      peerKeys: () => this.peerKeys,
      treeKeys: () => this.treeKeys,
    });
  }

  asked(from: PublicKey, topic: QueryTopic = 'nodeInfo'): void {
    const kind = REQUESTS[TOPICS.indexOf(topic)] as (typeof REQUESTS)[number];
    this.queries.received(from, writeQuery({ kind, body: NOTHING }));
  }

  answered(from: PublicKey, topic: QueryTopic, body: Uint8Array): void {
    const kind = RESPONSES[TOPICS.indexOf(topic)] as (typeof RESPONSES)[number];
    this.queries.received(from, writeQuery({ kind, body }));
  }

  pass(ms: number): void {
    passTime(this.context, ms, (nowMs) => this.queries.timer(nowMs));
  }

  events(): CoreEvent[] {
    return this.context.events.splice(0);
  }

  drops(): Record<string, number> {
    return dropsOf(this.context);
  }
}

const text = (body: Uint8Array): string => Buffer.from(body).toString();
const keysOf = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => nameless(i).key);

// What others ask

test('tells its NodeInfo', () => {
  const nodeInfo = new TextEncoder().encode('{"name":"owl"}');
  const desk = new Desk({ nodeInfo });
  desk.asked(them);
  assert.deepEqual(desk.sent, [{ to: them, query: { kind: 'nodeInfoResponse', body: nodeInfo } }]);
});

test('tells its key and the size of its tree as the reference does: the number is text', () => {
  const desk = new Desk();
  desk.asked(them, 'self');
  const expected = text(octets(vectors.application.debug_getself_response.slice(6))).replace(/7df8\w+/, hex(us.key));
  assert.equal(text(desk.sent[0]?.query.body ?? NOTHING), expected);
});

test('lists the keys of its peers, one a link, and of its tree', () => {
  const desk = new Desk();
  desk.peerKeys = [them, them];
  desk.treeKeys = keysOf(3);
  desk.asked(them, 'peers');
  desk.asked(them, 'tree');
  const lists = desk.sent.map(({ query }) => readKeys(query.body)?.map(hex));
  assert.deepEqual(lists, [[hex(them), hex(them)], keysOf(3).map(hex)]);
});

test('a list stops where a packet of the own MTU ends', () => {
  for (const [mtu, most] of [
    [65_535, 2_047],
    [1_280, 39],
    [1_283, 40],
  ] as const) {
    const desk = new Desk({ mtu });
    desk.treeKeys = keysOf(3_000);
    desk.asked(them, 'tree');
    assert.equal(desk.sent[0]?.query.body.length, 32 * most);
  }
});

test('one key gets 4 answers at once and 2 a second, the others are dropped', () => {
  const desk = new Desk();
  for (let i = 0; i < 10; i++) desk.asked(them);
  assert.equal(desk.sent.length, 4);
  assert.deepEqual(desk.drops(), { 'query rate': 6 });
  for (let second = 1; second <= 5; second++) {
    desk.pass(1_000);
    for (let i = 0; i < 10; i++) desk.asked(them);
    assert.equal(desk.sent.length, 4 + 2 * second);
  }
});

test('all keys together get 20 answers at once and 20 a second, and a loud one keeps no other away', () => {
  const desk = new Desk();
  for (let i = 0; i < 100; i++) desk.asked(them);
  for (let i = 0; i < 100; i++) desk.asked(nameless(i).key);
  assert.equal(desk.sent.length, 20);
  desk.pass(1_000);
  for (let i = 100; i < 200; i++) desk.asked(nameless(i).key);
  assert.equal(desk.sent.length, 40);
  assert.equal(new Set(desk.sent.map(({ to }) => hex(to))).size, 37);
});

test('debug questions get 4 answers at once and 2 a second, whoever asks; NodeInfo is not among them', () => {
  const desk = new Desk();
  for (let i = 0; i < 10; i++) desk.asked(nameless(i).key, 'peers');
  assert.equal(desk.sent.length, 4);
  desk.asked(nameless(20).key);
  assert.equal(desk.sent.length, 5);
  desk.pass(1_000);
  for (let i = 0; i < 10; i++) desk.asked(nameless(i).key, 'tree');
  assert.equal(desk.sent.length, 7);
});

test('with a limit of 0 debug questions are not answered, and NodeInfo is', () => {
  const desk = new Desk({ limits: limitsWith({ debugAnswersPerSecond: 0 }) });
  for (const topic of TOPICS) desk.asked(them, topic);
  desk.pass(10_000);
  for (const topic of TOPICS) desk.asked(them, topic);
  assert.deepEqual(
    desk.sent.map(({ query }) => query.kind),
    ['nodeInfoResponse', 'nodeInfoResponse'],
  );
  assert.deepEqual(desk.drops(), { 'query not answered': 6 });
});

test('a NodeInfo of 16 KiB is told, and one octet more is a mistake of ours', () => {
  new Desk({ nodeInfo: new Uint8Array(16_384) });
  assert.throws(() => new Desk({ nodeInfo: new Uint8Array(16_385) }), RangeError);
});

test('kinds that nobody knows are dropped, whatever follows them', () => {
  const desk = new Desk();
  fc.assert(
    fc.property(anyOctets(0, 60), (packet) => {
      if (packet[0] === 2 && (packet[1] === 1 || packet[1] === 2 || packet[1] === 255)) return;
      desk.queries.received(them, packet);
    }),
  );
  assert.equal(desk.sent.length, 0);
});

// What we ask

test('asks once, and the answer ends it', () => {
  for (const [i, topic] of TOPICS.entries()) {
    const desk = new Desk();
    desk.queries.ask(them, topic);
    assert.deepEqual(desk.sent, [{ to: them, query: { kind: REQUESTS[i], body: NOTHING } }]);
    desk.answered(them, topic, Uint8Array.of(1, 2, 3));
    const event = { kind: 'queryAnswered', key: them, topic, body: Uint8Array.of(1, 2, 3) };
    assert.deepEqual(desk.events(), [event]);
    desk.pass(60_000);
    assert.deepEqual([desk.events(), desk.sent.length], [[], 1]);
  }
});

test('asks again each 1.5 s, and gives up after 6', () => {
  const desk = new Desk();
  desk.queries.ask(them, 'tree');
  for (const [ms, count] of [
    [1_499, 1],
    [1, 2],
    [1_499, 2],
    [1, 3],
    [1_499, 3],
    [1, 4],
    [1_499, 4],
  ] as const) {
    desk.pass(ms);
    assert.deepEqual([desk.sent.length, desk.events()], [count, []]);
  }
  desk.pass(1);
  assert.deepEqual(desk.events(), [{ kind: 'queryFailed', key: them, topic: 'tree', reason: 'no answer' }]);
  desk.pass(60_000);
  assert.deepEqual([desk.sent.length, desk.events()], [4, []]);
});

test('over a radio whose round trip is 2 s it asks again each 4 s, and gives up after 16', () => {
  const desk = new Desk();
  desk.roundTripMs = 2_000;
  desk.queries.ask(them, 'self');
  desk.pass(3_999);
  assert.equal(desk.sent.length, 1);
  desk.pass(12_000);
  assert.deepEqual([desk.sent.length, desk.events()], [4, []]);
  desk.pass(1);
  assert.deepEqual(desk.events(), [{ kind: 'queryFailed', key: them, topic: 'self', reason: 'no answer' }]);
});

test('an answer counts for its sender and its kind only', () => {
  const desk = new Desk();
  desk.queries.ask(them, 'peers');
  desk.answered(nameless(1).key, 'peers', NOTHING);
  desk.answered(them, 'tree', NOTHING);
  assert.deepEqual(desk.events(), []);
  assert.deepEqual(desk.drops(), { 'query answer unasked': 2 });
  desk.answered(them, 'peers', NOTHING);
  assert.equal(desk.events().length, 1);
});

test('asking what is asked already sends nothing more; one event answers both', () => {
  const desk = new Desk();
  desk.queries.ask(them, 'self');
  desk.queries.ask(them, 'self');
  assert.equal(desk.sent.length, 1);
  desk.answered(them, 'self', NOTHING);
  assert.equal(desk.events().length, 1);
});

test('64 questions may be open, one more is refused at once, and the end of one makes room', () => {
  const desk = new Desk();
  for (let i = 0; i < 64; i++) desk.queries.ask(nameless(i).key, 'self');
  assert.deepEqual([desk.sent.length, desk.events()], [64, []]);
  desk.queries.ask(them, 'self');
  assert.deepEqual(desk.events(), [{ kind: 'queryFailed', key: them, topic: 'self', reason: 'too many' }]);
  desk.answered(nameless(3).key, 'self', NOTHING);
  desk.queries.ask(them, 'self');
  assert.equal(desk.sent.length, 65);
  desk.pass(6_000);
  assert.equal(desk.events().filter(({ kind }) => kind === 'queryFailed').length, 64);
});

test('JSON of 32 KiB is taken, one octet more is not', () => {
  for (const topic of ['nodeInfo', 'self'] as const) {
    const desk = new Desk();
    desk.queries.ask(them, topic);
    desk.answered(them, topic, new Uint8Array(32_769));
    assert.deepEqual([desk.events(), desk.drops()], [[], { 'query answer too large': 1 }]);
    desk.answered(them, topic, new Uint8Array(32_768));
    assert.equal(desk.events().length, 1);
  }
});

test('a list may fill the largest packet', () => {
  const desk = new Desk();
  desk.queries.ask(them, 'tree');
  desk.answered(them, 'tree', new Uint8Array(65_536));
  assert.equal(desk.events().length, 0);
  desk.answered(them, 'tree', new Uint8Array(65_535));
  assert.equal(desk.events().length, 1);
});

test('a question to itself is answered at once, without limits', () => {
  const nodeInfo = Uint8Array.of(0x7b, 0x7d);
  const desk = new Desk({ nodeInfo, limits: limitsWith({ debugAnswersPerSecond: 0 }) });
  for (let i = 0; i < 10; i++) for (const topic of TOPICS) desk.queries.ask(us.key, topic);
  const events = desk.events();
  assert.deepEqual(events[0], { kind: 'queryAnswered', key: us.key, topic: 'nodeInfo', body: nodeInfo });
  assert.deepEqual([events.length, desk.sent.length], [40, 0]);
});

// Between nodes

test('nodes ask each other through a session, made for it', () => {
  const world = new World();
  const nodeInfo = new TextEncoder().encode('{"name":"owl"}');
  const [a, b] = [world.host(root), world.host(us, { nodeInfo })];
  new Cable(a, b);
  world.run(4_000);
  // Only the latest packet waits for a session: the others are asked again after 1.5 s.
  for (const topic of TOPICS) a.feed({ kind: 'query', key: b.key, topic });
  world.run(3_000);
  const answers = a.events.filter((event) => event.kind === 'queryAnswered');
  const bodies = new Map(answers.map(({ topic, body }) => [topic, body]));
  assert.equal(text(bodies.get('nodeInfo') ?? NOTHING), '{"name":"owl"}');
  assert.deepEqual(JSON.parse(text(bodies.get('self') ?? NOTHING)), { key: hex(b.key), routing_entries: '2' });
  assert.deepEqual(readKeys(bodies.get('peers') ?? NOTHING)?.map(hex), [hex(a.key)]);
  assert.deepEqual(
    readKeys(bodies.get('tree') ?? NOTHING)
      ?.map(hex)
      .sort(),
    [hex(a.key), hex(b.key)].sort(),
  );
});

test('the answer of a node that has restarted comes, although the session is of before', () => {
  const world = new World();
  const [a, b] = [world.host(root), world.host(us)];
  new Cable(a, b);
  world.run(4_000);
  a.feed({ kind: 'query', key: b.key, topic: 'self' });
  world.run(1_000);
  b.restart();
  new Cable(a, b);
  world.run(4_000);
  a.feed({ kind: 'query', key: b.key, topic: 'self' });
  world.run(6_000);
  assert.equal(a.count('queryAnswered'), 2);
});

test('a node that is nowhere does not answer', () => {
  const world = new World();
  const a = world.host(root);
  a.feed({ kind: 'query', key: us.key, topic: 'self' });
  world.run(6_100);
  assert.equal(a.count('queryFailed'), 1);
});
