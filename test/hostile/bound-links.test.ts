/**
 * C1 of the link document: a greeting that was recorded on another connection. On a link whose carrier proves a key it is
 * found out at once; on any other it gets nothing before a signature for that very link, and never the place of a link
 * that is bound.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import type { LinkFacts } from '../../daemon/core/port.ts';
import { identityCertificate } from '../../daemon/links/certificate.ts';
import { FRAME } from '../../daemon/wire/frame.ts';
import { type Identity, identity, NOTHING, pathOf, UNIX_MS } from '../support/core.ts';
import { Mesh, others, root, trafficTo, us } from '../support/core-mesh.ts';
import { greetingOf, RawPeer } from '../support/core-peer.ts';
import { World } from '../support/core-world.ts';
import { portOf } from '../support/dial-suite.ts';
import { shell, until } from '../support/shell.ts';
import { VirtualTime } from '../support/virtual-time.ts';

const [childOf, farOf] = others as [Identity, Identity];
const boundTo = ({ key }: Identity): Partial<LinkFacts> => ({ boundKey: key });

// The rule

test('C1: a replayed greeting on a link bound to another key is refused', () => {
  const mesh = new Mesh();
  const stranger = new RawPeer(mesh.host, identity(9_999), boundTo(identity(9_999)));
  stranger.send(greetingOf(childOf));
  assert.equal(stranger.closed, 'key not bound');
  assert.equal(mesh.host.node.stats().closes['key not bound'], 1);
});

test('C1: a greeting on a link bound to its key is taken', () => {
  const mesh = new Mesh();
  assert.equal(RawPeer.up(mesh.host, childOf, 1n, boundTo(childOf)).closed, undefined);
});

test('C1: an unbound link never forwards before SigRes', () => {
  const mesh = new Mesh();
  const bound = RawPeer.up(mesh.host, childOf, 1n, boundTo(childOf));
  bound.request(1n, 1n);
  bound.announce(childOf, us, { seq: 1n, port: mesh.portOf(bound) });
  mesh.world.run(2_000);
  const to = pathOf(7, Number(mesh.portOf(bound)));
  const stranger = new RawPeer(mesh.host, identity(9_999));
  stranger.send(greetingOf(childOf));
  const before = mesh.host.drops('link unproven');
  stranger.traffic(farOf.key, root.key, NOTHING, { to: pathOf(), from: NOTHING, watermark: 99 });
  assert.equal(mesh.host.drops('link unproven'), before + 1);
  assert.deepEqual(trafficTo(mesh.parent), []);
  mesh.parent.traffic(farOf.key, childOf.key, new Uint8Array(100), { to, from: NOTHING, watermark: 99 });
  assert.deepEqual(trafficTo(stranger), []);
  assert.equal(trafficTo(bound).length, 1);
  mesh.host.detach(bound.link);
  mesh.parent.traffic(farOf.key, childOf.key, new Uint8Array(100), { to, from: NOTHING, watermark: 99 });
  assert.deepEqual(trafficTo(stranger), []);
});

// Over TLS

/** A node that listens over tls, and a stranger who has recorded the greeting of another. */
async function replayed(t: TestContext, certified: Identity | undefined) {
  const node = shell(t, 0);
  await node.peering.reload([], ['tls://127.0.0.1:0']);
  const own = certified === undefined ? undefined : identityCertificate(certified.seed, UNIX_MS);
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port: portOf(node.peering.listening[0] as string),
    rejectUnauthorized: false,
    ...(own === undefined ? {} : { cert: own.certificate, key: own.key }),
  });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  let octets = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    octets = Buffer.concat([octets, chunk]);
  });
  socket.write(greetingOf(identity(5)));
  return { node, heard: () => octets, isEnded: () => socket.readableEnded || socket.destroyed };
}

test('C1: over tls, with a certificate of another key, it ends the link at once', async (t) => {
  const { node, isEnded } = await replayed(t, identity(6));
  await until('the end', isEnded);
  await until('the report', () => node.reports.some((line) => /key not bound/.test(line)));
  assert.ok(node.reports.every((line) => line.startsWith('debug')));
});

test('C1: over tls, with the certificate of the key itself, it is a link', async (t) => {
  const { node } = await replayed(t, identity(5));
  await until('the link', () => node.rows()[0]?.isUp === true);
  assert.equal(node.rows()[0]?.link?.isBound, true);
});

test('C1: over tls, without a certificate, it is told a request and nothing else, and is gone after 6 s', async (t) => {
  const time = new VirtualTime(t);
  const { node, heard, isEnded } = await replayed(t, undefined);
  await until('the request', () => heard().length > 123);
  assert.equal(node.rows()[0]?.link?.isBound, false);
  await time.advance(2_500);
  const types = new Set<number>();
  for (let at = 123; at < heard().length; at += 1 + (heard()[at] as number)) types.add(heard()[at + 1] as number);
  assert.deepEqual([...types], [FRAME.sigReq]);
  await time.advance(4_000);
  await until('the end', isEnded);
});

// Beside a bound link

/** A node between a parent and two links of one child: what goes to the child, link by link. */
function twoLinks(first: Partial<LinkFacts>, second: Partial<LinkFacts>) {
  const mesh = new Mesh();
  const links = [first, second].map((facts) => RawPeer.up(mesh.host, childOf, 1n, facts)) as [RawPeer, RawPeer];
  links[0].request(1n, 1n);
  links[0].announce(childOf, us, { seq: 1n, port: mesh.portOf(links[0]) });
  mesh.world.run(2_000);
  const to = pathOf(7, Number(mesh.portOf(links[0])));
  const send = (): number[] => {
    for (const link of links) link.take();
    mesh.parent.traffic(farOf.key, childOf.key, new Uint8Array(100), { to, from: NOTHING, watermark: 99 });
    return links.map((link) => trafficTo(link).length);
  };
  return { mesh, links, send };
}

for (const [what, bound, unbound] of [
  ['of equal standing', {}, {}],
  ['with a lower priority number', { priority: 9 }, { priority: 0 }],
  ['with a lower cost', { cost: 500 }, { cost: 1 }],
] as const) {
  test(`an unbound link ${what} never outranks a bound one, whichever came first`, () => {
    const first = twoLinks({ ...boundTo(childOf), ...bound }, unbound);
    assert.deepEqual(first.send(), [1, 0]);
    const last = twoLinks(unbound, { ...boundTo(childOf), ...bound });
    assert.deepEqual(last.send(), [0, 1]);
  });
}

test('when the bound link has gone the unbound one carries, and no longer when it is back', () => {
  const { mesh, links, send } = twoLinks(boundTo(childOf), {});
  mesh.host.detach(links[0].link);
  assert.deepEqual(send(), [0, 1]);
  const back = RawPeer.up(mesh.host, childOf, 1n, boundTo(childOf));
  mesh.world.run(10);
  assert.deepEqual(send(), [0, 0]);
  assert.equal(trafficTo(back).length, 1);
});

// Room

const fourth = (facts: Partial<LinkFacts>[]) => {
  const host = new World().host(us);
  const links = facts.map((own) => RawPeer.up(host, childOf, 1n, own));
  return { host, links, left: () => links.map(({ closed }) => closed === undefined) };
};

test('an unbound link does not get the place of a bound one, proven or not', () => {
  const { host, left } = fourth(new Array(4).fill(boundTo(childOf)));
  assert.equal(RawPeer.up(host, childOf, 1n).closed, 'too many links');
  assert.deepEqual(left(), [true, true, true, true]);
  const unproven = new World().host(us);
  const silent = Array.from({ length: 4 }, () => new RawPeer(unproven, childOf, boundTo(childOf)));
  for (const link of silent) link.greet();
  const late = new RawPeer(unproven, childOf);
  late.greet();
  assert.equal(late.closed, 'too many links');
});

test('a bound link gets the place of an unbound one, proven or not', () => {
  const { host, left } = fourth([boundTo(childOf), {}, boundTo(childOf), {}]);
  assert.equal(RawPeer.up(host, childOf, 1n, boundTo(childOf)).closed, undefined);
  assert.deepEqual(left(), [true, false, true, true]);
});

test('a bound link gets no place of four that are bound and proven', () => {
  const { host } = fourth(new Array(4).fill(boundTo(childOf)));
  assert.equal(RawPeer.up(host, childOf, 1n, boundTo(childOf)).closed, 'too many links');
});

// RequireBound

test('with RequireBound an unbound link is refused before a word is said', () => {
  const host = new World().host(us, { requiresBound: true });
  const peer = new RawPeer(host, childOf);
  assert.equal(peer.closed, 'link not bound');
  assert.equal(peer.greeting.length, 0);
  assert.equal(RawPeer.up(host, childOf, 1n, boundTo(childOf)).closed, undefined);
});
