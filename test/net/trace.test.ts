import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WhyAnswer } from '../../daemon/host/path-answers.ts';
import { withLab } from '../support/lab.ts';
import { at } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import { keysOf, reached, settledLine, traceVerb } from '../support/traces.ts';
import { waitFor } from '../support/wait.ts';

const ours = { skip: needsMesh('ratatosk'), timeout: 180_000 };

test(
  'in a line of four of our nodes every hop is told, with a round trip of its own',
  ours,
  withLab(async (lab) => {
    const { nodes } = await settledLine(lab, ['ratatosk', 'ratatosk', 'ratatosk', 'ratatosk']);
    const [first, last] = [at(nodes, 0), at(nodes, 3)];
    const { hops, text } = await reached(first, last);
    assert.deepEqual(
      hops.map(({ key }) => key),
      keysOf(nodes.slice(1)),
    );
    for (const { kind, how, latency } of hops) {
      assert.deepEqual([kind, how], ['ratatosk', 'told']);
      assert.ok((latency ?? 0) > 0);
    }
    assert.match(text ?? '', /^Reached, 3 hops away\.$/);

    const { code, stdout } = await traceVerb(first, last);
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 4);
    for (const [i, node] of nodes.slice(1).entries()) {
      assert.match(at(lines, i), new RegExp(`^  ${i + 1}  ${node.address} .* ms$`));
      assert.ok(at(lines, i).length <= 80);
    }
  }),
);

test(
  'a cut link changes what trace shows, and what why names',
  ours,
  withLab(async (lab) => {
    const { nodes, cables } = await settledLine(lab, ['ratatosk', 'ratatosk', 'ratatosk', 'ratatosk'], true);
    const [first, third] = [at(nodes, 0), at(nodes, 2)];
    const ways = [at(keysOf(nodes), 1), at(keysOf(nodes), 3)];
    const before = await reached(first, third, ({ hops }) => hops.length === 2);
    const used = ways.indexOf(before.hops[0]?.key ?? '');
    assert.notEqual(used, -1);
    await at(cables, used === 0 ? 0 : 3).cut();
    const other = ways[1 - used];
    const after = await reached(first, third, ({ hops }) => hops[0]?.key === other);
    assert.deepEqual(
      after.hops.map(({ key }) => key),
      [other, third.identity.publicKeyHex],
    );
    const why = await first.admin<WhyAnswer>('why', { target: third.address });
    assert.equal(why.next_hop?.key, other);
  }),
);

test(
  'a target that is nowhere is told in one line, with exit code 1',
  ours,
  withLab(async (lab) => {
    const { nodes } = await settledLine(lab, ['ratatosk', 'ratatosk']);
    const [first, second] = [at(nodes, 0), at(nodes, 1)];
    await reached(first, second);
    await second.kill();
    const outcome = await waitFor(
      'the end of the link',
      async () => {
        const { code, stdout } = await traceVerb(first, second);
        return code === 1 && stdout.startsWith('No link') ? stdout : undefined;
      },
      { limitMs: 60_000 },
    );
    assert.equal(outcome.trimEnd().split('\n').length, 1);
    const itself = await traceVerb(first, first);
    assert.deepEqual([itself.code, itself.stdout], [0, 'It is this node itself.\n']);
  }),
);
