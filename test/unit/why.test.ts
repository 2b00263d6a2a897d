import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  VERDICTS,
  type Verdict,
  type WhyAround,
  type WhyCandidate,
  type WhyFacts,
} from '../../daemon/core/explain/facts.ts';
import { verdictOf } from '../../daemon/core/explain/verdict.ts';
import { addressForKey, subnetForKey } from '../../daemon/core/identity.ts';
import type { PublicKey } from '../../daemon/core/port.ts';
import { FRAME } from '../../daemon/wire/frame.ts';
import { pathOf, UNIX_SECONDS } from '../support/core.ts';
import {
  EMPTY_FILTER,
  FULL_FILTER,
  inSubnet,
  Mesh,
  others,
  packetTo,
  root,
  trafficTo,
  us,
} from '../support/core-mesh.ts';
import { Cable, type Host, World } from '../support/core-world.ts';
import { chosenHop, emptyQueue, knownFacts } from '../support/why.ts';

const QUIET: WhyAround = { busy: 0, peerDown: undefined, anyDown: undefined, probe: undefined };
const [far, child] = others as [(typeof others)[0], (typeof others)[0]];

function facts(host: Host, key: PublicKey | Uint8Array): WhyFacts {
  const isKey = key.length === 32;
  return host.node.why({ address: isKey ? addressForKey(key) : key, key: isKey ? (key as PublicKey) : undefined });
}

function verdict(host: Host, key: PublicKey | Uint8Array, around: Partial<WhyAround> = {}): Verdict {
  return verdictOf(facts(host, key), { ...QUIET, ...around });
}

// What a node finds out by itself

test('packets to the node itself, and to its own subnet, are none of the mesh', () => {
  const { host } = new Mesh();
  assert.equal(verdict(host, us.key), 'self');
  assert.equal(verdict(host, inSubnet(subnetForKey(us.key))), 'own subnet');
});

test('without any link nothing leaves', () => {
  const host = new World().host(us);
  assert.equal(verdict(host, far.key), 'no links');
  const link = { uri: 'tcp://x', error: 'refused' };
  assert.equal(verdict(host, far.key, { peerDown: link }), 'no links');
});

test('a lookup goes from not begun over running to unanswered, and each is told', () => {
  const { host, world } = new Mesh();
  assert.equal(verdict(host, far.key), 'not looked up');
  host.feed({ kind: 'query', key: far.key, topic: 'self' });
  assert.equal(verdict(host, far.key), 'looking up');
  world.run(2_900);
  assert.equal(verdict(host, far.key), 'looking up');
  assert.equal(verdict(host, far.key, { probe: { rttMs: undefined, large: undefined } }), 'lookup unanswered');
  world.run(300);
  assert.equal(verdict(host, far.key), 'lookup unanswered');
  const { lookup, reach } = facts(host, far.key);
  assert.deepEqual([lookup?.asked, lookup?.isWaitedFor, reach], [2, true, 1]);
});

test('where no filter has the target, no lookup is sent, and that is the reason', () => {
  const { host, parent, world } = new Mesh();
  parent.frame(FRAME.bloomFilter, EMPTY_FILTER);
  world.run(2_000);
  host.feed({ kind: 'query', key: far.key, topic: 'self' });
  assert.equal(verdict(host, far.key), 'lookup nowhere');
  const down = { uri: 'tcp://x', error: 'refused' };
  assert.equal(verdict(host, far.key, { peerDown: down }), 'peer down');
});

/** The far node is known to be at these ports. */
function found(mesh: Mesh, ...ports: number[]): void {
  const { host, parent, world } = mesh;
  host.feed({ kind: 'query', key: far.key, topic: 'self' });
  const seq = UNIX_SECONDS + BigInt(Math.floor(world.nowMs / 1_000));
  parent.notify(far, seq, pathOf(...ports), { path: pathOf(7), dest: host.key });
}

test('a handshake that nobody answers is told once it should have been', () => {
  const mesh = new Mesh();
  found(mesh, 3, 4);
  assert.equal(verdict(mesh.host, far.key), 'handshake running');
  mesh.world.run(3_100);
  assert.equal(verdict(mesh.host, far.key), 'handshake unanswered');
  assert.ok((facts(mesh.host, far.key).session.handshakeMs ?? 0) >= 3_000);
});

test('a path that ends at this node has no next hop', () => {
  const mesh = new Mesh();
  found(mesh, 7, 5);
  assert.equal(verdict(mesh.host, far.key), 'no next hop');
  assert.equal(facts(mesh.host, far.key).candidates[0]?.state, 'not closer');
});

test('a path that somebody calls broken is told to be, and since when', () => {
  const mesh = new Mesh();
  found(mesh, 3, 4);
  mesh.parent.frame(FRAME.pathBroken, (writer) => {
    writer.octets(pathOf(7)).u8(0).uvarint(1).octets(mesh.host.key).octets(far.key);
  });
  mesh.world.run(500);
  mesh.host.feed({ kind: 'timer' });
  assert.equal(verdict(mesh.host, far.key), 'path broken');
  assert.equal(facts(mesh.host, far.key).path?.brokenAgoMs, 500);
});

test('two nodes on a cable: reachable, then a next hop that is silent, then no link', () => {
  const world = new World();
  const [a, b] = [world.host(root), world.host(us)];
  const cable = new Cable(a, b);
  world.run(4_000);
  a.feed({ kind: 'echo', target: b.address, sequence: 1, size: 56 });
  world.run(4_000);
  assert.equal(verdict(a, b.key), 'reachable');
  const before = facts(a, b.address);
  assert.equal(before.rule, 'direct');
  assert.deepEqual(before.session.kind, 'e2e');
  assert.deepEqual(before.key, b.key);
  cable.isCarrying = false;
  a.feed({ kind: 'echo', target: b.address, sequence: 2, size: 56 });
  world.run(1_600);
  a.feed({ kind: 'timer' });
  assert.equal(verdict(a, b.key), 'next hop dead');
  world.run(4_000);
  assert.equal(verdict(a, b.key), 'no links');
});

test('a link that takes no more, then queues that lose, are what bounds a flow', () => {
  const world = new World();
  const [a, b] = [world.host(root), world.host(us)];
  const cable = new Cable(a, b);
  world.run(4_000);
  a.feed({ kind: 'echo', target: b.address, sequence: 1, size: 56 });
  world.run(3_000);
  a.stall(cable.ends[0].link);
  const send = (count: number): void => {
    a.sendPackets(...Array.from({ length: count }, () => packetTo(a.address, b.address, 1_400)));
  };
  send(1);
  assert.equal(verdict(a, b.key), 'link blocked');
  // Most of it waits before it is sealed, where others can pass it by.
  for (let i = 0; i < 40; i++) send(100);
  assert.equal(verdict(a, b.key), 'tun queue full');
  const { tunQueue, candidates } = facts(a, b.key);
  assert.ok(tunQueue.bytes > 1_000_000);
  assert.equal(candidates[0]?.isBlocked, true);
});

test('asking why changes nothing', () => {
  const mesh = new Mesh();
  const before = [mesh.host.node.stats(), mesh.host.node.deadline()];
  for (let i = 0; i < 3; i++) facts(mesh.host, far.key);
  assert.deepEqual([mesh.host.node.stats(), mesh.host.node.deadline()], before);
  assert.deepEqual(mesh.parent.take(), []);
});

// Candidates and rules

test('the link that is named is the one that packets take', () => {
  const mesh = new Mesh();
  const [, , second] = others as [(typeof others)[0], (typeof others)[0], (typeof others)[0]];
  const near = mesh.child(child);
  mesh.child(second);
  near.frame(FRAME.bloomFilter, FULL_FILTER);
  mesh.world.run(2_000);
  found(mesh, 7, Number(mesh.portOf(near)), 9);
  const { candidates, rule, distance } = facts(mesh.host, far.key);
  assert.deepEqual(
    candidates.map(({ state }) => state),
    ['chosen', 'not closer', 'not closer'],
  );
  assert.deepEqual([candidates[0]?.key, candidates[0]?.distance, distance, rule], [child.key, 1, 2, 'only']);
  trafficTo(near);
  mesh.world.run(3_000);
  assert.ok(trafficTo(near).length > 0);
});

test('of a peer with two links the rule between them is named', () => {
  const world = new World();
  const [a, b] = [world.host(root), world.host(us)];
  new Cable(a, b, 5, { priority: 3 });
  new Cable(a, b, 50, { priority: 1 });
  world.run(4_000);
  a.feed({ kind: 'echo', target: b.address, sequence: 1, size: 56 });
  world.run(1_000);
  const { candidates, rule } = facts(a, b.key);
  assert.deepEqual(
    candidates.map(({ state, priority }) => [state, priority]),
    [
      ['chosen', 1],
      ['beaten', 3],
    ],
  );
  assert.equal(rule, 'priority');
});

// The order of the reasons, each one above all that follow it

const [queue, hop, fine] = [emptyQueue, chosenHop, knownFacts];
const silentProbe = { rttMs: undefined, large: undefined };
const hop1 = (changes: Partial<WhyCandidate>): Partial<WhyFacts> => ({ candidates: [{ ...hop, ...changes }] });

const CASES: readonly { verdict: Verdict; is?: Partial<WhyFacts>; around?: Partial<WhyAround> }[] = [
  { verdict: 'mtu hole', around: { probe: { rttMs: 1, large: { size: 2_000, isAnswered: false, mtu: undefined } } } },
  { verdict: 'next hop dead', is: hop1({ isDoubtful: true }) },
  { verdict: 'path broken', is: { path: { ports: [], ageMs: 1, brokenAgoMs: 5, isSuspect: true } } },
  { verdict: 'air time used up', is: hop1({ airWaitMs: 30_000 }) },
  { verdict: 'silent', is: { session: { ...fine.session, unansweredMs: 10_000 } } },
  { verdict: 'silent', around: { probe: silentProbe } },
  { verdict: 'queue full', is: hop1({ queue: { ...queue, bytes: 500 } }) },
  { verdict: 'queue full', is: hop1({ queue: { ...queue, full: 1, lossAgoMs: 4_999 } }) },
  { verdict: 'tun queue full', is: { tunQueue: { ...queue, late: 1, lossAgoMs: 0 } } },
  { verdict: 'link blocked', is: hop1({ isBlocked: true }) },
  { verdict: 'router busy', around: { busy: 0.9 } },
  { verdict: 'other tree', is: hop1({ hasOurRoot: false }) },
  { verdict: 'reachable' },
];

for (const { verdict: wanted, is = {}, around = {} } of CASES) {
  test(`${wanted}: ${JSON.stringify({ ...is, ...around }, (_, value) => (value instanceof Uint8Array ? '' : value)).slice(0, 60)}`, () => {
    assert.equal(verdictOf({ ...fine, ...is }, { ...QUIET, ...around }), wanted);
  });
}

test('what was answered just now is not called silent, whatever was not answered before', () => {
  const probe = { rttMs: 3, large: undefined };
  const session = { ...fine.session, unansweredMs: 60_000 };
  assert.equal(verdictOf({ ...fine, session }, { ...QUIET, probe }), 'reachable');
});

test('one that says how large packets may be is no hole', () => {
  const probe = { rttMs: 3, large: { size: 2_000, isAnswered: false, mtu: 1_280 } };
  assert.equal(verdictOf(fine, { ...QUIET, probe }), 'reachable');
});

test('what is just below a bound is no reason', () => {
  const below: WhyFacts = {
    ...fine,
    ...hop1({ queue: { ...queue, bytes: 499, full: 1, lossAgoMs: 5_000 } }),
    session: { ...fine.session, unansweredMs: 9_999 },
  };
  assert.equal(verdictOf(below, { ...QUIET, busy: 0.89 }), 'reachable');
});

test('the order of the reasons is that of their list', () => {
  const found = CASES.map((one) => VERDICTS.indexOf(one.verdict));
  assert.deepEqual(
    found,
    [...found].sort((a, b) => a - b),
  );
});

test('a Packet Too Big about our own echo is told, and is nobody else’s', () => {
  const world = new World();
  const [a, b] = [world.host(root), world.host(us, { mtu: 1_280 })];
  new Cable(a, b);
  world.run(4_000);
  a.feed({ kind: 'echo', target: b.address, sequence: 1, size: 56 });
  world.run(3_000);
  a.feed({ kind: 'echo', target: b.address, sequence: 2, size: 2_000 });
  world.run(1_000);
  assert.deepEqual(
    a.events.filter(({ kind }) => kind === 'echoTooBig'),
    [{ kind: 'echoTooBig', sequence: 2, mtu: 1_280 }],
  );
  assert.deepEqual(a.delivered, []);
});
