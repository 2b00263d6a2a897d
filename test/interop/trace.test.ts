import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { at } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import { keysOf, reached, settledLine } from '../support/traces.ts';

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
