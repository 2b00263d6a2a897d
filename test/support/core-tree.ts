/** A node among peers whose keys are lower and higher than its own, for tests of the tree. */
import assert from 'node:assert/strict';
import { FRAME } from '../../daemon/wire/frame.ts';
import { readSigReq, type SigReq } from '../../daemon/wire/sigs.ts';
import { type Identity, identities } from './core.ts';
import { announced, RawPeer } from './core-peer.ts';
import { type Host, World } from './core-world.ts';

/** In the order of their keys: whoever is lower becomes the root. */
export const [lowest, lower, us, higher, highest] = identities(5) as [Identity, Identity, Identity, Identity, Identity];

export function start(): { world: World; host: Host } {
  const world = new World();
  return { world, host: world.host(us) };
}

export function lastRequest(peer: RawPeer): SigReq {
  const body = peer.take(FRAME.sigReq).at(-1);
  const request = body === undefined ? undefined : readSigReq(body);
  assert.ok(request, 'the node asked');
  return request;
}

/** Announcements a peer has been sent since the last time. */
export function told(peer: RawPeer): { key: string; parent: string; seq: bigint; port: bigint }[] {
  return peer.take(FRAME.announce).map(announced);
}

export const parentOf = (host: Host): string => hexOf(host.node.self().parent);

/** A node that is the child of a lower root. */
export function withParent(port = 7n): { world: World; host: Host; parent: RawPeer } {
  const { world, host } = start();
  const parent = RawPeer.up(host, lower, port);
  parent.announceSelf();
  world.run(1_000);
  assert.equal(parentOf(host), hexOf(lower.key));
  return { world, host, parent };
}

function hexOf(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}
