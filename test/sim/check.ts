/** What must hold in a mesh that was left alone for a while, and what must always hold. */
import assert from 'node:assert/strict';
import { compareOctets, equalOctets } from '../../daemon/core/octetmap.ts';
import type { CloseReason, SelfInfo } from '../../daemon/core/port.ts';
import type { Host } from './host.ts';
import type { Sim } from './sim.ts';

/** Links may die of these; any other reason means that one of our own nodes misbehaved in the eyes of another. */
const HONEST_CLOSES: readonly CloseReason[] = ['peer silent', 'greeting timeout', 'peer unproven'];

/** An honest mesh drops nothing for these reasons. */
const DISHONEST_DROPS = [
  'packet malformed',
  'packet source not of the sender',
  'packet destination not ours',
  'session handshake malformed',
  'session handshake signature invalid',
  'notify signature invalid',
  'path too deep',
];

/** Hosts that can reach each other over cables in order. */
export function components(sim: Sim): Host[][] {
  const seen = new Set<Host>();
  const found: Host[][] = [];
  for (const start of sim.up) {
    if (seen.has(start)) continue;
    seen.add(start);
    const component = [start];
    for (const host of component) {
      for (const cable of host.cables) {
        if (!cable.isUsable) continue;
        const other = cable.dialler === host ? cable.acceptor : cable.dialler;
        if (seen.has(other)) continue;
        seen.add(other);
        component.push(other);
      }
    }
    found.push(component);
  }
  return found;
}

/** Undefined when every component has one root, the lowest key, and coordinates that agree; otherwise what is wrong. */
export function disagreement(sim: Sim): string | undefined {
  for (const component of components(sim)) {
    const lowest = component.reduce((a, b) => (compareOctets(a.key, b.key) < 0 ? a : b));
    const selves = new Map(component.map((host) => [host, host.node.self()]));
    for (const [host, self] of selves) {
      const wrong = wrongOf(host, self, lowest, selves);
      if (wrong !== undefined) return `host ${host.index}: ${wrong}`;
    }
  }
  return undefined;
}

function wrongOf(host: Host, self: SelfInfo, lowest: Host, selves: Map<Host, SelfInfo>): string | undefined {
  if (!equalOctets(self.root, lowest.key)) return 'its root is not the lowest key';
  if (host === lowest) {
    if (!equalOctets(self.parent, host.key)) return 'the root has a parent';
    return self.coords.length === 0 ? undefined : 'the root has coordinates';
  }
  const parent = [...selves.keys()].find((other) => equalOctets(other.key, self.parent));
  if (parent === undefined) return 'its parent is not in its component';
  if (parent === host) return 'it is its own parent';
  const link = parent.node.links().find(({ key }) => key !== undefined && equalOctets(key, host.key));
  if (link === undefined) return 'its parent has no link to it';
  const expected = [...(selves.get(parent) as SelfInfo).coords, String(link.port)].join(' ');
  if (self.coords.join(' ') !== expected) return `its coordinates are ${self.coords.join(' ')}, not ${expected}`;
  return chainEnds(self, selves) ? undefined : 'the chain of its parents does not end';
}

function chainEnds(self: SelfInfo, selves: Map<Host, SelfInfo>): boolean {
  const byKey = new Map([...selves.values()].map((info) => [Buffer.from(info.key).toString('hex'), info]));
  let at: SelfInfo | undefined = self;
  for (let steps = 0; at !== undefined && steps <= selves.size; steps++) {
    if (equalOctets(at.key, at.parent)) return true;
    at = byKey.get(Buffer.from(at.parent).toString('hex'));
  }
  return false;
}

/** Runs until the trees agree; returns the virtual time it took. */
export function untilAgreed(sim: Sim, limitMs: number): number {
  const startMs = sim.nowMs;
  for (;;) {
    const wrong = disagreement(sim);
    if (wrong === undefined) return sim.nowMs - startMs;
    assert.ok(sim.nowMs - startMs < limitMs, `not agreed within ${limitMs} virtual ms: ${wrong}`);
    sim.run(1_000);
    checkBounds(sim);
  }
}

/** No table knows more than there is to know, and nobody thought ill of an honest neighbour. */
export function checkBounds(sim: Sim): void {
  const nodes = sim.hosts.length;
  for (const host of sim.up) {
    const { node } = host;
    assert.ok(node.tree().length <= nodes, 'the tree holds no more than all nodes');
    assert.ok(node.paths().length < nodes, 'there are no more paths than other nodes');
    for (const kind of ['ironwood', 'e2e']) {
      const sessions = node.sessions().filter((session) => session.kind === kind);
      assert.ok(sessions.length < nodes, `there are no more ${kind} sessions than other nodes`);
    }
    assert.ok(node.self().routingEntries <= nodes);
    const links = node.links();
    assert.ok(links.length <= 3 * host.cables.length, 'dead links do not pile up');
    for (const { queuedBytes } of links) assert.ok(queuedBytes <= 2 * 1024 * 1024, 'a queue keeps its cap');
    const { drops } = node.stats();
    for (const reason of DISHONEST_DROPS) assert.equal(drops[reason], 0, `host ${host.index} drops: ${reason}`);
  }
  for (const host of sim.hosts) {
    for (const reason of host.closes) assert.ok(HONEST_CLOSES.includes(reason), `host ${host.index} closed: ${reason}`);
  }
}

export type Pair = readonly [Host, Host];

export function allPairs(hosts: readonly Host[]): Pair[] {
  return hosts.flatMap((from) => hosts.filter((to) => to !== from).map((to) => [from, to] as const));
}

/** Pairs that differ: only the latest packet of one pair waits for a path or a session. */
export function somePairs(sim: Sim, hosts: readonly Host[], count: number): Pair[] {
  const pairs = new Map<string, Pair>();
  for (let i = 0; i < count; i++) {
    const from = sim.random.pick(hosts);
    const to = sim.random.pick(hosts.filter((host) => host !== from));
    pairs.set(`${from.index} ${to.index}`, [from, to]);
  }
  return [...pairs.values()];
}

export type Reach = { readonly perSecond?: number; readonly tries?: number; readonly waitMs?: number };

/**
 * Sends one packet along each pair, a few pairs at a time, and again where it was lost, as pings do; expects one of each
 * pair to arrive, and none twice (`Sim` sees to that). Returns how many pairs needed more than one: coordinates or
 * sessions known to one side only cost a packet, and so do two handshakes that cross at the turn of a second.
 */
export function checkReachable(sim: Sim, pairs: readonly Pair[], reach: Reach = {}): number {
  const { perSecond = 20, tries = 5, waitMs = 2_000 } = reach;
  let missing = pairs;
  let late = 0;
  for (let i = 0; i < tries && missing.length > 0; i++) {
    const sent = missing.map(([from, to]) => {
      sim.run(1_000 / perSecond);
      return sim.send(from, to);
    });
    sim.run(waitMs);
    missing = sent.filter(({ arrivedMs }) => arrivedMs === undefined).map(({ from, to }) => [from, to] as const);
    if (i === 0) late = missing.length;
  }
  const names = missing.slice(0, 5).map(([from, to]) => `${from.index} to ${to.index}`);
  assert.equal(missing.length, 0, `${missing.length} of ${pairs.length} pairs do not reach: ${names.join(', ')}`);
  return late;
}
