import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../../daemon/core/context.ts';
import { type PublicKey, publicKey } from '../../daemon/core/port.ts';
import { type Info, Tree } from '../../daemon/core/routing/tree.ts';
import type { Announce } from '../../daemon/wire/announce.ts';
import { pathPorts, treeDistance } from '../../daemon/wire/path.ts';
import { contextOf, identity, vectorsOf } from '../support/core.ts';
import { octets } from './wire-vectors.ts';

const us = identity(0);

function key(number: number): PublicKey {
  return publicKey(Uint8Array.of(number >> 8, number & 0xff, ...new Uint8Array(30)));
}

/** Trees do not verify: that was done before. */
function announce(child: Uint8Array, parent: Uint8Array, changes: Partial<Announce> = {}): Announce {
  const sig = new Uint8Array(64);
  return { key: child, parent, seq: 1n, nonce: 1n, port: 1n, psig: sig, sig, ...changes };
}

function setUp(): { context: Context; tree: Tree } {
  const context = contextOf(us);
  return { context, tree: new Tree(context) };
}

function put(tree: Tree, child: Uint8Array, parent: Uint8Array, port = 1n): Info | undefined {
  return tree.put(announce(child, parent, { port }), [])?.stored;
}

/** 1 is the root, 2 its child at port 20, 3 that one's at 30, and so on. */
function chain(tree: Tree, length: number): void {
  put(tree, key(1), key(1), 0n);
  for (let i = 2; i <= length; i++) put(tree, key(i), key(i - 1), BigInt(10 * i));
}

type Stated = { seq: number; parent: string; nonce: number };
const merges = vectorsOf<{ items: { stored: Stated; incoming: Stated; accept: boolean }[] }>('announce_merge');
for (const { stored, incoming, accept } of merges.items) {
  const name = ({ seq, parent, nonce }: Stated): string => `${seq}/${parent.slice(0, 2)}/${nonce}`;
  test(`${accept ? 'takes' : 'refuses'} ${name(incoming)} over ${name(stored)}`, () => {
    const { tree } = setUp();
    const from = ({ seq, parent, nonce }: Stated): Announce =>
      announce(key(1), octets(parent), { seq: BigInt(seq), nonce: BigInt(nonce) });
    tree.put(from(stored), []);
    assert.equal(tree.accepts(from(incoming)), accept);
  });
}

test('takes the first announcement of any key', () => {
  assert.ok(setUp().tree.accepts(announce(key(1), key(2))));
});

test('ports and signatures do not make an announcement better', () => {
  const { tree } = setUp();
  tree.put(announce(key(1), key(2)), []);
  const sig = new Uint8Array(64).fill(1);
  assert.ok(!tree.accepts(announce(key(1), key(2), { port: 9n, sig, psig: sig })));
});

test('sequence numbers are compared as 64-bit numbers', () => {
  const { tree } = setUp();
  tree.put(announce(key(1), key(2), { seq: 2n ** 63n }), []);
  assert.ok(!tree.accepts(announce(key(1), key(2), { seq: 2n ** 63n - 1n })));
  assert.ok(tree.accepts(announce(key(1), key(2), { seq: 2n ** 64n - 1n })));
});

test('keeps copies, not views into a link’s buffer', () => {
  const { tree } = setUp();
  const child = key(1).slice();
  tree.put(announce(child, key(2)), []);
  child.fill(9);
  assert.deepEqual(tree.get(key(1))?.key, key(1));
});

test('tells what an announcement replaced', () => {
  const { tree } = setUp();
  const first = put(tree, key(1), key(2));
  assert.equal(tree.put(announce(key(1), key(3), { seq: 2n }), [])?.replaced, first);
  assert.equal(tree.size, 1);
});

test('coordinates are the ports from the root down', () => {
  const { tree } = setUp();
  chain(tree, 4);
  assert.deepEqual(pathPorts(tree.coords(key(4))), ['20', '30', '40']);
});

test('a root has no coordinates', () => {
  const { tree } = setUp();
  chain(tree, 1);
  assert.equal(tree.coords(key(1)).length, 0);
});

test('ports of 64 bits are coordinates as any other', () => {
  const { tree } = setUp();
  put(tree, key(1), key(1), 0n);
  put(tree, key(2), key(1), 2n ** 64n - 1n);
  assert.deepEqual(pathPorts(tree.coords(key(2))), ['18446744073709551615']);
});

test('coordinates are empty while an ancestor is unknown', () => {
  const { tree } = setUp();
  put(tree, key(3), key(2));
  assert.equal(tree.coords(key(3)).length, 0);
});

test('coordinates are empty for a key that nobody announced', () => {
  assert.equal(setUp().tree.coords(key(1)).length, 0);
});

test('a loop of parents ends the walk and gives no coordinates', () => {
  const { tree } = setUp();
  for (const [child, parent] of [
    [1, 2],
    [2, 3],
    [3, 1],
  ] as const) {
    put(tree, key(child), key(parent));
  }
  assert.equal(tree.coords(key(1)).length, 0);
  assert.equal(tree.ancestry(key(1)).infos.length, 3);
});

test('a path of 255 hops is the deepest that counts', () => {
  const { tree } = setUp();
  chain(tree, 257);
  assert.equal(pathPorts(tree.coords(key(256))).length, 255);
  assert.equal(tree.coords(key(257)).length, 0);
});

test('a root that announces a port other than zero is a root all the same', () => {
  const { tree } = setUp();
  put(tree, key(1), key(1), 9n);
  put(tree, key(2), key(1), 5n);
  assert.deepEqual(pathPorts(tree.coords(key(2))), ['5']);
});

test('the root of a node is the end of its walk, as far as it is known', () => {
  const { tree } = setUp();
  chain(tree, 3);
  put(tree, key(50), key(49));
  assert.deepEqual(tree.rootOf(key(3)), key(1));
  assert.deepEqual(tree.rootOf(key(50)), key(50));
  assert.deepEqual(tree.rootOf(key(99)), key(99));
});

test('distances are those of the vectors', () => {
  const { items } = vectorsOf<{ items: { a: number[]; b: number[]; distance: number }[] }>('tree_distance');
  for (const { a, b, distance } of items) {
    const { tree } = setUp();
    const coords = [a, b].map((ports, branch) => {
      put(tree, key(1_000), key(1_000), 0n);
      let parent = key(1_000);
      for (const [i, port] of ports.entries()) {
        const child = key(1_001 + 100 * branch + i);
        put(tree, child, parent, BigInt(port));
        parent = child;
      }
      return tree.coords(parent);
    });
    assert.equal(treeDistance(coords[0] as Uint8Array, coords[1] as Uint8Array), distance);
  }
});

test('an announcement is forgotten five minutes after it was accepted', () => {
  const { context, tree } = setUp();
  const gone: Info[] = [];
  const info = put(tree, key(1), key(1));
  context.nowMs = 299_999;
  tree.expire((removed) => gone.push(removed));
  assert.equal(tree.size, 1);
  context.nowMs = 300_000;
  tree.expire((removed) => gone.push(removed));
  assert.equal(tree.size, 0);
  assert.deepEqual(gone, [info]);
});

test('a newer announcement lives five minutes of its own', () => {
  const { context, tree } = setUp();
  put(tree, key(1), key(1));
  context.nowMs = 200_000;
  tree.put(announce(key(1), key(1), { seq: 2n }), []);
  context.nowMs = 499_999;
  tree.expire(() => {});
  assert.equal(tree.size, 1);
});

test('our own announcement does not expire', () => {
  const { context, tree } = setUp();
  put(tree, us.key, us.key);
  context.nowMs = 3_600_000;
  tree.expire(() => {});
  assert.equal(tree.size, 1);
});

test('every change of the tree is a new version', () => {
  const { context, tree } = setUp();
  const versions = [tree.version];
  put(tree, key(1), key(1));
  versions.push(tree.version);
  tree.put(announce(key(1), key(1), { seq: 2n }), []);
  versions.push(tree.version);
  context.nowMs = 300_000;
  tree.expire(() => {});
  versions.push(tree.version);
  assert.equal(new Set(versions).size, 4);
});
