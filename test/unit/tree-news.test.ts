import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TreeNews } from '../../daemon/tree-news.ts';
import { keyOf } from './admin-fixture.ts';

const OWN = keyOf(5);

function news() {
  const tree = new TreeNews(OWN);
  let nowMs = 0;
  const heard = (event: Parameters<TreeNews['heard']>[0]): string[] => {
    const line = tree.heard(event, nowMs);
    return line === undefined ? [] : [`${line.level} ${line.text}`];
  };
  return {
    root: (fill: number) => heard({ kind: 'rootChanged', root: keyOf(fill), isSelf: fill === 5 }),
    parent: (fill: number) => heard({ kind: 'parentChanged', parent: keyOf(fill) }),
    down: (fill: number) => heard({ kind: 'peerDown', key: keyOf(fill), port: 1 }),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

const short = (fill: number): string => Buffer.from(keyOf(fill)).toString('hex').slice(0, 16);

test('the first root and joining a tree are no trouble', () => {
  const { root, parent } = news();
  assert.deepEqual(root(5), ['info this node is the root of the tree']);
  parent(3);
  assert.deepEqual(root(1), [`info the root of the tree is ${'01'.repeat(32)}`]);
});

test('a change of the root says what was before, and that the link to it has ended', () => {
  const { root, parent, down } = news();
  parent(3);
  root(1);
  down(3);
  assert.deepEqual(parent(4), [
    `debug the parent in the tree is ${short(4)}, after ${short(3)}: the link to ${short(3)} has ended`,
  ]);
  assert.deepEqual(root(2), [
    `warn the root of the tree changed from ${short(1)} to ${short(2)}: the link to ${short(3)} has ended, which led to it`,
  ]);
});

test('a lower key is the cause of its own, and who is alone says so', () => {
  const { root, parent, pass } = news();
  parent(3);
  root(2);
  assert.deepEqual(root(1), [
    `warn the root of the tree changed from ${short(2)} to ${short(1)}: a node with a lower key has come`,
  ]);
  pass(60_000);
  assert.match(parent(5)[0] ?? '', /is none, after .*: another way is better/);
  assert.deepEqual(root(5), [
    `warn the root of the tree changed from ${short(1)} to this node: it is gone, or nothing leads to it any more`,
  ]);
});

test('a peer that was lost long ago is no cause', () => {
  const { root, parent, down, pass } = news();
  parent(3);
  root(1);
  down(3);
  pass(10_001);
  assert.match(root(2)[0] ?? '', /it is gone, or nothing leads to it/);
});
