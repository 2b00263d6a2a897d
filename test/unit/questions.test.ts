import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Node } from '../../daemon/core/node.ts';
import type { Input } from '../../daemon/core/port.ts';
import { Driver } from '../../daemon/driver.ts';
import { Questions } from '../../daemon/questions.ts';
import { identity, nodeOptions } from '../support/core.ts';

const { key } = identity(1);
const BODY = Uint8Array.of(7);

/** Remembers what was asked; nobody answers. */
class DeafNode extends Node {
  readonly asked: Input[] = [];

  constructor() {
    super(nodeOptions(identity(0)));
  }

  override handle(input: Input): void {
    if (input.kind === 'query') this.asked.push(input);
  }
}

function scene() {
  const questions = new Questions();
  const node = new DeafNode();
  const driver = new Driver(node, undefined, () => {});
  return { questions, node, ask: (topic: 'self' | 'tree') => questions.ask(driver, { key, topic }) };
}

test('a question becomes one of the core, and its answer comes back', async () => {
  const { questions, node, ask } = scene();
  const asked = ask('self');
  assert.deepEqual(node.asked, [{ kind: 'query', key, topic: 'self' }]);
  questions.heard({ kind: 'queryAnswered', key, topic: 'self', body: BODY });
  assert.equal(await asked, BODY);
});

test('all who asked the same get the answer, others wait for theirs', async () => {
  const { questions, ask } = scene();
  const all = [ask('self'), ask('self')];
  const other = ask('tree');
  questions.heard({ kind: 'queryAnswered', key, topic: 'self', body: BODY });
  assert.deepEqual(await Promise.all(all), [BODY, BODY]);
  questions.heard({ kind: 'queryFailed', key, topic: 'tree', reason: 'no answer' });
  await assert.rejects(other, { code: 'NO_ANSWER' });
});

test('why there is no answer is told', async () => {
  const { questions, ask } = scene();
  const asked = ask('self');
  questions.heard({ kind: 'queryFailed', key, topic: 'self', reason: 'too many' });
  await assert.rejects(asked, { code: 'QUERIES_FULL' });
});

test('an answer that nobody waits for is nothing', () => {
  scene().questions.heard({ kind: 'queryAnswered', key, topic: 'self', body: BODY });
});

test('a question that the node answers at once is answered', async () => {
  const questions = new Questions();
  const node = new Node(nodeOptions(identity(0), { nodeInfo: BODY }));
  const driver = new Driver(node, undefined, (event) => questions.heard(event));
  assert.deepEqual(await questions.ask(driver, { key: identity(0).key, topic: 'nodeInfo' }), BODY);
  driver.stop();
});
