/** Links come back by themselves, whatever happens to the network or to the machine. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { testIdentity } from '../support/identity.ts';
import { type Lab, withLab } from '../support/lab.ts';
import { startPair } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { assertPings, firstAnswerMs, ping, startPing } from '../support/ping.ts';
import { mustRun } from '../support/process.ts';
import { keepsPeerOverCables } from '../support/scenarios-life.ts';
import { waitFor } from '../support/wait.ts';

const options = { skip: needsMesh('ratatosk'), timeout: 90_000 };
const two = ['ratatosk', 'ratatosk'] as const;
/** With the system's news 3 s at most, on a machine that has nothing else to do. */
const BACK_MS = 8_000;
const TAKEOVER_MS = 2_500;

describe('links come back by themselves', { concurrency: 3 }, () => {
  test('when the address they used is taken away and another one given', options, withLab(changeAddress));
  test('when the cable is out for a while', options, withLab(pullCable));
  test('when the way to the peer is another', options, withLab(changeRoute));
  test('when the machine was stopped for longer than its peers wait', options, withLab(stopProcess));
  test(
    'a peer with two cables keeps up when one is cut, then the other',
    options,
    keepsPeerOverCables(two, TAKEOVER_MS),
  );
});

/** From now until the first answer. */
async function backWithin(t: TestContext, from: TestNode, to: TestNode, limitMs: number): Promise<void> {
  const tookMs = await firstAnswerMs(from, to, limitMs + 10_000);
  t.diagnostic(`back after ${tookMs.toFixed(0)} ms`);
  assert.ok(tookMs <= limitMs, `it took ${tookMs} ms`);
}

async function changeAddress(lab: Lab, t: TestContext): Promise<void> {
  const { a, b, cable } = await startPair(lab, two, { isIpv6: true });
  await assertPings(a, b);
  const change = (verb: string, address: string) =>
    mustRun(['ip', '-n', b.netns.name, 'addr', verb, `${address}/64`, 'dev', cable.b.device, 'nodad']);
  await change('del', cable.b.ipv6);
  await change('add', cable.b.ipv6.replace('::2', '::7'));
  await backWithin(t, b, a, BACK_MS);
  assert.match(b.log, /address gone: fd99::2 is no longer an address of this machine/);
  assert.ok((await a.peers()).some(({ up, remote }) => up && remote?.includes('::7]')));
}

async function pullCable(lab: Lab, t: TestContext): Promise<void> {
  const { a, b, cable } = await startPair(lab, two);
  await assertPings(a, b);
  await cable.cut();
  // Who says nothing need not notice for 40 s.
  await Promise.all([ping(a, b), ping(b, a)]);
  await waitFor(
    'the link to end at both ends',
    async () => !(await a.hasPeer(b.identity)) && !(await b.hasPeer(a.identity)),
  );
  // Longer than the first waits of a dialler.
  await waitFor('the third attempt', () => (b.log.match(/not connected/g) ?? []).length >= 3, { limitMs: 30_000 });
  await cable.restore();
  await backWithin(t, b, a, BACK_MS);
}

/** The listening node is reached by an address behind either of two cables. */
async function changeRoute(lab: Lab, t: TestContext): Promise<void> {
  const [far, near] = [await lab.netns('far'), await lab.netns('near')];
  const cables = [await lab.cable(far, near), await lab.cable(far, near)] as const;
  const address = '10.98.0.1';
  await mustRun(['ip', '-n', far.name, 'addr', 'add', `${address}/32`, 'dev', 'lo']);
  const route = (...words: string[]) => mustRun(['ip', '-n', near.name, 'route', 'replace', ...words]);
  await route(address, 'via', cables[0].a.ipv4);
  const uri = `tcp://${address}:9100`;
  const a = lab.node('far', { kind: 'ratatosk', netns: far, identity: testIdentity(0), listen: [uri] });
  const b = lab.node('near', { kind: 'ratatosk', netns: near, identity: testIdentity(1), peers: [uri] });
  await a.start();
  await b.start();
  await assertPings(b, a);
  await route('blackhole', address);
  await waitFor('the link to end', async () => !(await b.hasPeer(a.identity)));
  await route(address, 'via', cables[1].a.ipv4);
  // Routes are heard every 3 s.
  await backWithin(t, b, a, BACK_MS + 3_000);
}

async function stopProcess(lab: Lab, t: TestContext): Promise<void> {
  const { a, b } = await startPair(lab, two);
  await assertPings(a, b);
  const pings = await startPing(lab, a, b, 200);
  b.signal('SIGSTOP');
  await waitFor('the peer to be given up', async () => !(await a.hasPeer(b.identity)));
  const startMs = performance.now();
  await waitFor('a gap that is noticed', () => performance.now() - startMs > 10_000, { limitMs: 15_000 });
  b.signal('SIGCONT');
  await backWithin(t, a, b, BACK_MS);
  await pings.finish();
  assert.match(b.log, /links are probed reason="?nothing happened here for 1\d s/);
}
