import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { at, layMesh, settle } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { keysOf, reached, settledLine, traceVerb } from '../support/traces.ts';

const mixed = { skip: needsMesh('ratatosk', 'yggdrasil'), timeout: 180_000 };

test(
  'behind a plain node the hop follows from its peers, and the plain node is told to be one',
  mixed,
  withLab(async (lab) => {
    const { nodes } = await settledLine(lab, ['ratatosk', 'yggdrasil', 'ratatosk']);
    const { hops } = await reached(at(nodes, 0), at(nodes, 2), ({ hops: rows }) => rows[0]?.kind === 'plain');
    assert.deepEqual(
      hops.map(({ key, kind, how }) => [key, kind, how]),
      [
        [at(nodes, 1).identity.publicKeyHex, 'plain', 'told'],
        [at(nodes, 2).identity.publicKeyHex, 'ratatosk', 'follows'],
      ],
    );
    for (const { latency } of hops) assert.ok((latency ?? 0) > 0);
  }),
);

test(
  'two plain nodes on the way are both found, by the places of their peers',
  mixed,
  withLab(async (lab) => {
    const { nodes } = await settledLine(lab, ['ratatosk', 'yggdrasil', 'yggdrasil', 'ratatosk']);
    const { hops } = await reached(at(nodes, 0), at(nodes, 3), ({ hops: rows }) => rows.length === 3);
    assert.deepEqual(
      hops.map(({ key, how }) => [key, how]),
      keysOf(nodes.slice(1)).map((key, i) => [key, i === 0 ? 'told' : 'follows']),
    );
  }),
);

/**
 * Of six nodes the fourth has the lowest key, so it is the root. In this order each node finds its parent closer to it, and the one
 * before the fork comes last: both ways are closer, and only plain nodes know which is cheaper. The second of a pair dials.
 */
const ORDER = [3, 5, 2, 4, 1, 0] as const;
const FORK = [
  [3, 5],
  [5, 2],
  [5, 4],
  [2, 1],
  [4, 1],
  [1, 0],
] as const;

test(
  'where plain nodes fork, what follows is marked as a guess, and what is certain is not',
  mixed,
  withLab(async (lab) => {
    const kinds = ['ratatosk', 'yggdrasil', 'yggdrasil', 'ratatosk', 'yggdrasil', 'yggdrasil'] as const;
    const { nodes } = await layMesh(lab, { kinds, edges: FORK });
    const started: TestNode[] = [];
    for (const node of ORDER.map((i) => at(nodes, i))) {
      await node.start();
      started.push(node);
      await settle(started);
    }
    const [from, to] = [at(nodes, 0), at(nodes, 3)];
    const [near, one, other, far] = [1, 2, 4, 5].map((i) => at(keysOf(nodes), i));
    const { hops } = await reached(from, to, ({ hops: rows }) => rows.length === 4);
    assert.deepEqual(
      hops.map(({ key, kind, how, candidates }) => [key, kind, how, candidates]),
      [
        [near, 'plain', 'told', 2],
        [hops[1]?.key, 'plain', 'guess', 1],
        [far, 'plain', 'follows', 1],
        [to.identity.publicKeyHex, 'ratatosk', 'follows', 0],
      ],
    );
    assert.ok([one, other].includes(hops[1]?.key));

    const { code, stdout } = await traceVerb(from, to);
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.match(at(lines, 0), /^ {2}1 .* plain, 2 ways$/);
    assert.match(at(lines, 1), /^\? 2 .* plain \(guess\)$/);
    for (const line of lines.slice(2, 4)) assert.match(line, /^\? [34] /);
    assert.match(lines.slice(4).join(' '), /^Reached, 4 hops away\. The lines with \? are guesses\.$/);
  }),
);
