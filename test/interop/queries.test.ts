/** Questions between nodes (section 6.1), asked with the real control tool. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Lab, withLab } from '../support/lab.ts';
import { at, settle, startMesh } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { yggdrasilTool } from '../support/places.ts';
import { type Outcome, run } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

const options = { skip: needsMesh('ratatosk', 'yggdrasil'), timeout: 60_000 };

describe('questions between nodes', { concurrency: 2 }, () => {
  test('each kind of node asks itself and the other, two hops away', options, withLab(askEachOther));
  test('privacy: no build is told, and no debug question answered', options, withLab(keepQuiet));
});

/** A line, ratatosk – yggdrasil – ratatosk – yggdrasil, so that some are direct peers and some are not. */
async function askEachOther(lab: Lab): Promise<void> {
  const { nodes } = await startMesh(lab, {
    kinds: ['ratatosk', 'yggdrasil', 'ratatosk', 'yggdrasil'],
    node: (index) => ({
      config: { NodeInfo: { name: `node ${index}`, deep: { list: [1, 'ä'] } }, NodeInfoPrivacy: false },
    }),
  });
  await settle(nodes);
  for (const asking of [at(nodes, 0), at(nodes, 3)]) {
    for (const [i, asked] of nodes.entries()) {
      // The real daemon sends a question about itself into the mesh, where it is lost twice.
      if (asked === asking && asked.kind === 'yggdrasil') continue;
      const key = asked.identity.publicKeyHex;
      const info = (await ask<Record<string, NodeInfo>>(asking, 'getnodeinfo', key))[key];
      assert.deepEqual([info?.name, info?.deep], [`node ${i}`, { list: [1, 'ä'] }]);
      assert.deepEqual([info?.buildname, info?.buildplatform], [asked.kind, 'linux']);

      const self = (await ask<Record<string, Self>>(asking, 'debug_remotegetself', key))[asked.address];
      assert.deepEqual(self, { key, routing_entries: String((await asked.self()).routing_entries) });

      const neighbours = [nodes[i - 1], nodes[i + 1]].filter((node) => node !== undefined);
      const peers = (await ask<Record<string, Keys>>(asking, 'debug_remotegetpeers', key))[asked.address];
      assert.deepEqual(peers?.keys?.sort(), neighbours.map((node) => node.identity.publicKeyHex).sort());

      const tree = (await ask<Record<string, Keys>>(asking, 'debug_remotegettree', key))[asked.address];
      assert.deepEqual(tree?.keys?.sort(), (await asked.tree()).map((entry) => entry.key).sort());
    }
  }
}

async function keepQuiet(lab: Lab): Promise<void> {
  const { nodes } = await startMesh(lab, {
    kinds: ['ratatosk', 'yggdrasil'],
    node: (index) =>
      index === 0 ? { config: { NodeInfo: { name: 'owl' }, Limits: { debugAnswersPerSecond: 0 } } } : {},
  });
  await settle(nodes);
  const [quiet, asking] = [at(nodes, 0), at(nodes, 1)];
  const key = quiet.identity.publicKeyHex;
  assert.deepEqual(await ask(asking, 'getnodeinfo', key), { [key]: { name: 'owl' } });
  const outcome = await control(asking, ['debug_remotegetpeers', `key=${key}`]);
  assert.equal(outcome.code, 1, outcome.stdout);
  // The other way, a node that is nowhere: the real tool shows our error.
  const nobody = await control(quiet, ['getnodeinfo', `key=${'1'.repeat(64)}`]);
  assert.equal(nobody.code, 1);
  assert.match(nobody.stdout + nobody.stderr, /no answer from 1{64} in time/);
}

type NodeInfo = { name: string; deep: unknown; buildname: string; buildplatform: string };
type Self = { key: string; routing_entries: string };
type Keys = { keys?: string[] };

/** A tree that has just settled may lack a path for a moment. */
function ask<T>(node: TestNode, command: string, key: string): Promise<T> {
  return waitFor(
    `${node.kind} ${node.label} to answer ${command} about ${key.slice(0, 8)}`,
    async () => {
      const outcome = await control(node, ['-json', command, `key=${key}`]);
      if (outcome.code !== 0) throw new Error(outcome.stdout + outcome.stderr);
      return JSON.parse(outcome.stdout) as T;
    },
    { limitMs: 20_000 },
  );
}

function control(node: TestNode, words: readonly string[]): Promise<Outcome> {
  return run([yggdrasilTool('yggdrasilctl') ?? 'yggdrasilctl', `-endpoint=unix://${node.adminPath}`, ...words]);
}
