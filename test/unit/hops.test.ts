import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerBudget } from '../../daemon/core/answer-budget.ts';
import { Hops, type Onward } from '../../daemon/core/hops.ts';
import { type Coords, type CoreEvent, type NodeOptions, type PublicKey, publicKey } from '../../daemon/core/port.ts';
import {
  type HopQuestion,
  readHopAnswer,
  readHopQuestion,
  writeHopAnswer,
  writeHopQuestion,
} from '../../daemon/wire/hop.ts';
import { contextOf, dropsOf, identity, limitsWith, NOTHING, nameless, passTime, pathOf } from '../support/core.ts';
import { root, us } from '../support/core-mesh.ts';
import { Cable, type Host, World } from '../support/core-world.ts';
import { anyOctets, fc } from './wire-property.ts';

const them = identity(7).key;
const far = identity(8).key;
const next = identity(9).key;
const REQUEST = { id: 3, key: them, dest: far, watermark: 5 };

/** Questions without sessions: what leaves is kept. */
class Desk {
  readonly context;
  readonly hops: Hops;
  readonly sent: { to: PublicKey; packet: Uint8Array }[] = [];
  hasSession = true;
  hasPath = true;
  onward: Onward = { hop: next, distance: 4 };
  roundTripMs = 0;
  asked: { dest: Uint8Array; path: Uint8Array; watermark: number }[] = [];

  constructor(changes: Partial<NodeOptions> = {}) {
    this.context = contextOf(us, changes);
    this.hops = new Hops(this.context, new AnswerBudget(this.context), {
      send: (to, buffer, at, length) => {
        assert.ok(at >= 32);
        if (this.hasSession) this.sent.push({ to, packet: buffer.slice(at, at + length) });
        return this.hasSession;
      },
      coordsOf: () => (this.hasPath ? (pathOf(1, 2, 3) as Coords) : undefined),
      roundTripMs: () => this.roundTripMs,
      onward: (dest, path, watermark) => {
        this.asked.push({ dest: dest.slice(), path: path.slice(), watermark });
        return this.onward;
      },
    });
  }

  question(from: PublicKey, changes: Partial<HopQuestion> = {}): void {
    this.hops.received(from, writeHopQuestion({ token: 9, watermark: 6, dest: far, path: pathOf(1, 2), ...changes }));
  }

  /** Answers the sending of this number. */
  answer(from: PublicKey, sending = 0): void {
    const token = readHopQuestion(this.sent[sending]?.packet ?? NOTHING)?.token ?? 0;
    this.hops.received(from, writeHopAnswer({ token, state: 'next', distance: 3, next }));
  }

  pass(ms: number): void {
    passTime(this.context, ms, (nowMs) => this.hops.timer(nowMs));
  }

  events(): CoreEvent[] {
    return this.context.events.splice(0);
  }

  drops(): Record<string, number> {
    return dropsOf(this.context);
  }
}

// What others ask

test('a question is answered with the next hop, with nowhere, or with here', () => {
  const desk = new Desk();
  desk.question(them);
  desk.onward = { hop: undefined, distance: 7 };
  desk.question(them);
  desk.question(them, { dest: us.key });
  assert.deepEqual(
    desk.sent.map(({ packet }) => readHopAnswer(packet)),
    [
      { token: 9, state: 'next', distance: 4, next: Uint8Array.from(next) },
      { token: 9, state: 'dead end', distance: 7, next: undefined },
      { token: 9, state: 'here', distance: 0, next: undefined },
    ],
  );
  assert.deepEqual(desk.asked[0], { dest: Uint8Array.from(far), path: pathOf(1, 2), watermark: 6 });
});

test('one key is answered four times at once, and the fifth time not', () => {
  const desk = new Desk();
  for (let i = 0; i < 5; i++) desk.question(them);
  assert.deepEqual([desk.sent.length, desk.drops()], [4, { 'query rate': 1 }]);
  desk.pass(500);
  desk.question(them);
  assert.equal(desk.sent.length, 5);
});

test('all together are answered as often as the limit says, twice that at once', () => {
  const desk = new Desk({ limits: limitsWith({ traceAnswersPerSecond: 4 }) });
  for (let i = 0; i < 9; i++) desk.question(nameless(i).key);
  assert.deepEqual([desk.sent.length, desk.drops()], [8, { 'query rate': 1 }]);
});

test('who turns it off, or all debug answers, tells nothing', () => {
  for (const limit of ['traceAnswersPerSecond', 'debugAnswersPerSecond']) {
    const desk = new Desk({ limits: limitsWith({ [limit]: 0 }) });
    desk.question(them);
    assert.deepEqual([desk.sent.length, desk.asked.length, desk.drops()], [0, 0, { 'query not answered': 1 }]);
  }
});

test('a path of 255 hops is followed, one of 256 is not', () => {
  const desk = new Desk();
  desk.question(them, { path: new Uint8Array(255).fill(1) });
  assert.equal(desk.sent.length, 1);
  desk.question(them, { path: new Uint8Array(256).fill(1) });
  assert.deepEqual([desk.sent.length, desk.drops()], [1, { 'query not answered': 1 }]);
});

test('whatever comes, nothing is sent but an answer to a question', () => {
  const desk = new Desk();
  fc.assert(
    fc.property(anyOctets(0, 80), (packet) => {
      desk.hops.received(them, packet);
    }),
  );
  assert.deepEqual([desk.sent.length, desk.events()], [0, []]);
});

// What we ask

test('a question goes out at once, and its answer ends it with the round trip', () => {
  const desk = new Desk();
  desk.hops.ask(REQUEST);
  const question = readHopQuestion(desk.sent[0]?.packet ?? NOTHING);
  assert.deepEqual([question?.watermark, question?.path, question?.dest], [5, pathOf(1, 2, 3), Uint8Array.from(far)]);
  desk.pass(20);
  desk.answer(them);
  const event = {
    kind: 'hopAnswered',
    id: 3,
    state: 'next',
    distance: 3,
    next: publicKey(Uint8Array.from(next)),
    rttMs: 20,
  };
  assert.deepEqual(desk.events(), [event]);
  desk.pass(60_000);
  assert.deepEqual([desk.events(), desk.sent.length], [[], 1]);
});

test('it waits for a session, is sent four times, and then given up', () => {
  const desk = new Desk();
  desk.hasSession = false;
  desk.hops.ask(REQUEST);
  desk.pass(1_000);
  assert.equal(desk.sent.length, 0);
  desk.hasSession = true;
  desk.pass(4_900);
  assert.equal(desk.sent.length, 4);
  assert.deepEqual(desk.events(), []);
  desk.pass(100);
  assert.deepEqual(desk.events(), [{ kind: 'hopFailed', id: 3, reason: 'no answer' }]);
});

test('over a radio it waits for eight round trips, two between sendings, and 45 s at most', () => {
  for (const [roundTripMs, lifeMs] of [
    [2_000, 16_000],
    [9_000, 45_000],
  ] as const) {
    const desk = new Desk();
    desk.roundTripMs = roundTripMs;
    desk.hops.ask(REQUEST);
    desk.pass(2 * roundTripMs - 1);
    assert.equal(desk.sent.length, 1);
    desk.pass(1);
    assert.equal(desk.sent.length, 2);
    desk.pass(lifeMs - 2 * roundTripMs - 1);
    assert.deepEqual(desk.events(), []);
    desk.pass(1);
    assert.deepEqual(desk.events(), [{ kind: 'hopFailed', id: 3, reason: 'no answer' }]);
  }
});

test('a session that turns out to be slow is given the time that it needs', () => {
  const desk = new Desk();
  desk.hops.ask(REQUEST);
  desk.pass(5_000);
  desk.roundTripMs = 3_000;
  desk.pass(15_000);
  desk.answer(them);
  assert.equal(desk.events()[0]?.kind, 'hopAnswered');
});

test('an answer to an earlier sending counts, with the round trip of that one', () => {
  const desk = new Desk();
  desk.hops.ask(REQUEST);
  desk.pass(1_100);
  assert.equal(desk.sent.length, 2);
  desk.answer(them, 0);
  const [event] = desk.events();
  assert.equal(event?.kind === 'hopAnswered' && event.rttMs, 1_100);
});

test('nothing but the asked node’s answer to what was asked counts', () => {
  const desk = new Desk();
  desk.hops.received(them, writeHopAnswer({ token: 0, state: 'here', distance: 0, next: undefined }));
  desk.hops.ask(REQUEST);
  desk.answer(nameless(1).key);
  const token = (readHopQuestion(desk.sent[0]?.packet ?? NOTHING)?.token ?? 0) + 1;
  desk.hops.received(them, writeHopAnswer({ token, state: 'here', distance: 0, next: undefined }));
  assert.deepEqual([desk.events(), desk.drops()], [[], { 'query answer unasked': 3 }]);
});

test('without a session, without a path, and beyond sixteen at once it fails, each with its reason', () => {
  const desk = new Desk();
  desk.hasSession = false;
  for (let id = 0; id < 17; id++) desk.hops.ask({ ...REQUEST, id });
  assert.deepEqual(desk.events(), [{ kind: 'hopFailed', id: 16, reason: 'too many' }]);
  desk.pass(6_000);
  assert.equal(desk.events().filter((event) => event.kind === 'hopFailed' && event.reason === 'no session').length, 16);
  desk.hasPath = false;
  desk.hops.ask(REQUEST);
  assert.deepEqual(desk.events(), [{ kind: 'hopFailed', id: 3, reason: 'no path' }]);
});

// Between nodes

/** a – b – c – d */
function line(changes: Partial<NodeOptions> = {}): Host[] {
  const world = new World();
  const hosts = [root, us, identity(20), identity(21)].map((owner) => world.host(owner, changes));
  for (const [i, host] of hosts.slice(1).entries()) new Cable(hosts[i] as Host, host);
  world.run(8_000);
  return hosts;
}

function told(host: Host): Extract<CoreEvent, { kind: 'hopAnswered' }>[] {
  return host.events.filter((event) => event.kind === 'hopAnswered');
}

test('in a line of four each node tells the next one, through a session made for it', () => {
  const [a, b, c, d] = line() as [Host, Host, Host, Host];
  a.feed({ kind: 'echo', target: d.address, sequence: 1, size: 56 });
  a.world.run(3_000);
  for (const [id, host] of [b, c, d].entries()) {
    // What opens the session: questions of ours wait for it.
    a.feed({ kind: 'query', key: host.key, topic: 'self' });
    a.feed({ kind: 'askHop', request: { id, key: host.key, dest: d.key, watermark: 3 - id } });
  }
  a.world.run(6_000);
  const answers = told(a).sort((x, y) => x.id - y.id);
  assert.deepEqual(
    answers.map(({ state, next: key, distance }) => [state, key && Buffer.from(key).toString('hex'), distance]),
    [
      ['next', Buffer.from(c.key).toString('hex'), 2],
      ['next', Buffer.from(d.key).toString('hex'), 1],
      ['here', undefined, 0],
    ],
  );
});

test('a node without sessions of ours is never asked', () => {
  const world = new World();
  const [a, b] = [world.host(root), world.host(us, { e2e: 'off' })];
  new Cable(a, b);
  world.run(4_000);
  a.feed({ kind: 'query', key: b.key, topic: 'self' });
  a.feed({ kind: 'askHop', request: { id: 0, key: b.key, dest: b.key, watermark: 9 } });
  world.run(7_000);
  assert.equal(a.count('queryAnswered'), 1);
  assert.deepEqual([told(a), b.drops('query unknown'), a.count('hopFailed')], [[], 0, 1]);
});
