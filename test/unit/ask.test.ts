import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { RatatoskError } from '../../daemon/core/error.ts';
import { RouterLine } from '../../daemon/host/ask.ts';
import type { RouterNotice } from '../../daemon/host/commands.ts';

type Question = { id: number; name: string; args: object };

function pair(t: TestContext, notices: RouterNotice[] = []): { line: RouterLine; router: MessagePort } {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  return { line: new RouterLine(port1, (notice) => notices.push(notice)), router: port2 };
}

test('brings each answer to its question, in whatever order they come', async (t) => {
  const { line, router } = pair(t);
  const questions: Question[] = [];
  router.on('message', (question: Question) => {
    questions.push(question);
    if (questions.length < 2) return;
    for (const { id, name } of [...questions].reverse())
      router.postMessage({ id, answer: name === 'tun' ? { mtu: 5 } : [] });
  });
  const [tun, paths] = await Promise.all([line.ask('tun', {}), line.ask('paths', {})]);
  assert.deepEqual([tun, paths], [{ mtu: 5 }, []]);
});

test('rejects with the code and the words of the router', async (t) => {
  const { line, router } = pair(t);
  router.on('message', ({ id }: Question) =>
    router.postMessage({ id, error: { code: 'PEER_EXISTS', message: 'known' } }),
  );
  await assert.rejects(line.ask('addPeer', { uri: 'tcp://a:1', sourceInterface: '' }), {
    code: 'PEER_EXISTS',
    message: 'known',
  });
});

test('hands on notices and takes no notice of answers nobody waits for', async (t) => {
  const notices: RouterNotice[] = [];
  const { line, router } = pair(t, notices);
  router.on('message', ({ id }: Question) => {
    router.postMessage({ id: 999, answer: 'stray' });
    router.postMessage({ notice: { kind: 'log', level: 'info', message: 'hello' } });
    router.postMessage({ id, answer: [] });
  });
  assert.deepEqual(await line.ask('paths', {}), []);
  assert.deepEqual(notices, [{ kind: 'log', level: 'info', message: 'hello' }]);
});

test('gives up after the time a question may take', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { line } = pair(t);
  const asked = { paths: 10_000, stop: 3_000 } as const;
  for (const [name, limitMs] of Object.entries(asked) as ['paths' | 'stop', number][]) {
    const answer = line.ask(name, {});
    t.mock.timers.tick(limitMs - 1);
    assert.equal(await Promise.race([answer, Promise.resolve('waiting')]), 'waiting', name);
    t.mock.timers.tick(1);
    await assert.rejects(answer, { code: 'ROUTER_SILENT' });
  }
  const ping = line.ask('ping', { address: new Uint8Array(16), sequence: 1, size: 8, timeoutMs: 30_000 });
  t.mock.timers.tick(30_000);
  assert.equal(await Promise.race([ping, Promise.resolve('waiting')]), 'waiting');
  t.mock.timers.tick(2_000);
  await assert.rejects(ping, { code: 'ROUTER_SILENT' });
});

test('refuses the 257th question', async (t) => {
  const { line } = pair(t);
  const open = Array.from({ length: 256 }, () => line.ask('paths', {}));
  await assert.rejects(line.ask('paths', {}), { code: 'ROUTER_BUSY' });
  line.fail(new RatatoskError('ROUTER_GONE', 'over'));
  for (const answer of await Promise.allSettled(open)) assert.equal(answer.status, 'rejected');
});

test('fails open and later questions once the router is gone', async (t) => {
  const { line } = pair(t);
  const open = line.ask('paths', {});
  line.fail(new RatatoskError('ROUTER_GONE', 'over'));
  await assert.rejects(open, { code: 'ROUTER_GONE' });
  await assert.rejects(line.ask('tree', {}), { code: 'ROUTER_GONE' });
});
