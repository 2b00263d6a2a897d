import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinkFacts } from '../../daemon/core/port.ts';
import { type Identity, identity } from '../support/core.ts';
import { RawPeer } from '../support/core-peer.ts';
import { World } from '../support/core-world.ts';

const [us, them, third] = [identity(1), identity(2), identity(3)] as const;
const NODE_INFO = new TextEncoder().encode('{}');

/** A node with one link to each, and what allows these keys alone from now on. */
function node(facts: Partial<LinkFacts>) {
  const world = new World();
  const host = world.host(us);
  const peers = [them, third].map((owner) => RawPeer.up(host, owner, 1n, facts));
  const allow = (...owners: Identity[]): void => {
    host.feed({ kind: 'reconfigured', allowedKeys: owners.map(({ key }) => key), nodeInfo: NODE_INFO });
  };
  return { host, allow, closed: () => peers.map((peer) => peer.closed) };
}

test('who is no longer allowed loses the link that came in, and the others keep theirs', () => {
  const { host, allow, closed } = node({ isInbound: true });
  allow(them);
  assert.deepEqual(closed(), [undefined, 'key not allowed']);
  const again = new RawPeer(host, third, { isInbound: true });
  again.greet();
  assert.equal(again.closed, 'key not allowed');
  allow();
  assert.equal(RawPeer.up(host, third, 2n, { isInbound: true }).closed, undefined);
});

for (const [whose, facts] of [
  ['that we have dialled', { isInbound: false }],
  ['of discovery', { isInbound: true, isExemptFromAllowList: true }],
  ['of a configured peer', { isInbound: true, isConfigured: true }],
] as const) {
  test(`a link ${whose} stays, whoever is allowed`, () => {
    const { allow, closed } = node(facts);
    allow(us);
    assert.deepEqual(closed(), [undefined, undefined]);
  });
}
