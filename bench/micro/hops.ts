/** The choice of the next hop: how it grows with peers and with the depth of the tree. */
import { bench, do_not_optimize, group } from 'mitata';
import { publicKey } from '../../daemon/core/port.ts';
import { Forwarder } from '../../daemon/core/routing/forward.ts';
import { Peers } from '../../daemon/core/routing/peers.ts';
import { Tree } from '../../daemon/core/routing/tree.ts';
import { contextOf, FakePipe, identity } from '../../test/support/core.ts';

const PEERS = [4, 16, 100];
const DEPTHS = [6, 12, 20];
const ROOT = new Uint8Array(32);
const SIG = new Uint8Array(64);

export function hops(): void {
  group('next hop', () => {
    for (const peers of PEERS) {
      for (const depth of DEPTHS) {
        const forwarder = placeAmong(peers, depth);
        // A leaf as deep as we are, in another branch of the root.
        const path = Uint8Array.from({ length: depth }, (_, i) => (i === 0 ? 90 : 1 + (i % 7)));
        forwarder.nextHop(path, 0, 1_000);
        bench(`${peers} peers, depth ${depth}`, () => do_not_optimize(forwarder.nextHop(path, 0, 1_000)));
      }
    }
  });
}

/** One peer is our parent, half of the others our children, the rest lies beside us in the tree. */
function placeAmong(count: number, depth: number): Forwarder {
  const us = identity(1);
  const context = contextOf(us);
  const peers = new Peers(context);
  const tree = new Tree(context);
  let between = 0;
  const announce = (key: Uint8Array, parent: Uint8Array, port: number): void => {
    tree.put({ key, parent, seq: 1n, nonce: 1n, port: BigInt(port), psig: SIG, sig: SIG }, []);
  };
  /** A chain from the root down; the last but one is the parent of `key`. */
  const settle = (key: Uint8Array, length: number, branch: number): Uint8Array => {
    let parent: Uint8Array = ROOT;
    for (let i = 0; i < length - 1; i++) {
      const child = numbered(++between);
      announce(child, parent, i === 0 ? branch : 1);
      parent = child;
    }
    announce(key, parent, 1);
    return parent;
  };
  announce(ROOT, ROOT, 0);
  const parent = settle(us.key, depth, 1);
  for (let i = 0; i < count; i++) {
    const key = i === 0 ? parent : identity(100 + i).key;
    if (i > 0 && i % 2 === 0) announce(key, us.key, i);
    else if (i > 0) settle(key, depth, 2 + (i % 80));
    const link = peers.add(new FakePipe(publicKey(key), 0), () => ({ seq: 1n, nonce: 1n }), 0);
    if (typeof link === 'string') throw new Error(link);
    peers.prove(link);
  }
  return new Forwarder(tree, peers, us.key);
}

function numbered(number: number): Uint8Array {
  const key = new Uint8Array(32).fill(0xee);
  new DataView(key.buffer).setUint32(0, number);
  return key;
}
