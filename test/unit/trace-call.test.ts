import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endLines, hopLine } from '../../daemon/cli/trace.ts';
import { hexText } from '../../daemon/host/address.ts';
import type { Commands, HopResult } from '../../daemon/host/commands.ts';
import type { TraceAnswer } from '../../daemon/host/path-answers.ts';
import { adminRequest } from '../support/admin.ts';
import { chosenHop, knownFacts } from '../support/why.ts';
import { type Answers, keyOf, lonelyRouter, startAdmin } from './admin-fixture.ts';

const [near, middle, far] = [keyOf(1), keyOf(2), keyOf(9)];
const PLAIN: HopResult = {
  kind: 'plain',
  rttMs: 2,
  state: 'next',
  next: far,
  how: 'follows',
  distance: 1,
  candidates: 1,
};

/** A router that has a path to `far` by `near`, and nodes that say this. */
function router(said: (asked: Commands['hop']['args']) => HopResult): Answers {
  const facts = { ...knownFacts, key: far, candidates: [{ ...chosenHop, key: near }] };
  return {
    ...lonelyRouter(),
    why: () => ({
      verdict: 'reachable',
      facts,
      around: { busy: 0, peerDown: undefined, anyDown: undefined, probe: undefined },
    }),
    hop: said,
    ping: () => ({ isAnswered: true, rttMs: 7 }),
  };
}

const told = (next: Uint8Array, distance: number): HopResult => ({
  ...PLAIN,
  kind: 'ratatosk',
  next,
  how: 'told',
  distance,
});
const here: HopResult = { ...PLAIN, state: 'here', next: undefined, candidates: 0 };
const silent: HopResult = { ...here, kind: 'silent', state: 'unknown', rttMs: undefined };

function way({ at }: Commands['hop']['args']): HopResult {
  return at[0] === 1 ? told(middle, 2) : at[0] === 2 ? PLAIN : here;
}

function trace(path: string, more: Record<string, string> = {}): Promise<TraceAnswer> {
  return adminRequest<TraceAnswer>(path, 'trace', { target: 'laptop', ...more });
}

test('goes from hop to hop with the watermark that the last one leaves', async (t) => {
  const asked: Commands['hop']['args'][] = [];
  const path = await startAdmin(
    t,
    router((args) => {
      asked.push(args);
      return way(args);
    }),
  );
  const { hops, end, latency } = await trace(path);
  assert.deepEqual(
    asked.map(({ at, dest, watermark }) => [at[0], dest[0], watermark]),
    [
      [1, 9, 3],
      [2, 9, 2],
      [9, 9, 1],
    ],
  );
  assert.deepEqual(
    hops.map(({ hop, key, kind, how }) => [hop, key, kind, how]),
    [
      [1, hexText(near), 'ratatosk', 'told'],
      [2, hexText(middle), 'plain', 'told'],
      [3, hexText(far), 'plain', 'follows'],
    ],
  );
  assert.deepEqual([end, latency], ['reached', 2_000_000]);
});

test('hop by hop gives the same as all at once', async (t) => {
  const path = await startAdmin(t, router(way));
  const whole = await trace(path);
  let part = await trace(path, { most: '1' });
  const hops = [...part.hops];
  while (part.next !== undefined) {
    part = await trace(path, { most: '1', ...part.next });
    hops.push(...part.hops);
  }
  assert.deepEqual([hops, part.end, part.text], [whole.hops, whole.end, whole.text]);
});

test('ends where nobody tells, where packets go back, and where they end', async (t) => {
  const [dark, loop, dead] = await Promise.all([
    startAdmin(
      t,
      router((args) => (args.at[0] === 1 ? told(middle, 2) : silent)),
    ),
    startAdmin(
      t,
      router((args) => told(args.at[0] === 1 ? middle : near, 2)),
    ),
    startAdmin(
      t,
      router(() => ({ ...here, state: 'dead end' })),
    ),
  ]);
  const unknown = await trace(dark);
  assert.deepEqual([unknown.end, unknown.latency, unknown.hops.at(-1)?.kind], ['unknown', 7_000_000, 'silent']);
  assert.equal((await trace(loop)).end, 'loop');
  assert.equal((await trace(dead)).end, 'dead end');
});

test('says why when not even the first hop is known, and of what is not in the mesh', async (t) => {
  const facts = { ...knownFacts, candidates: [], path: undefined };
  const around = { busy: 0, peerDown: undefined, anyDown: undefined, probe: undefined };
  const path = await startAdmin(t, { ...lonelyRouter(), why: () => ({ verdict: 'lookup nowhere', facts, around }) });
  const answer = await trace(path);
  assert.deepEqual([answer.end, answer.hops], ['nowhere', []]);
  assert.match(answer.text ?? '', /^No peer says/);
  assert.equal((await trace(path, { target: '192.0.2.1' })).end, 'nowhere');
  for (const wrong of [
    { most: '0' },
    { most: '65' },
    { at: 'x', how: 'told' },
    { at: '0'.repeat(64), how: 'so' },
    { to: 'x' },
  ]) {
    await assert.rejects(trace(path, wrong as Record<string, string>));
  }
});

test('more than 64 hops are not followed', async (t) => {
  const path = await startAdmin(
    t,
    router(({ at }) => told(keyOf(at[0] === 1 ? 2 : (at[0] ?? 0) + 2), 2)),
  );
  const { hops, end } = await trace(path);
  assert.deepEqual([hops.length, end], [64, 'too long']);
});

test('lines fit the terminal, and what is a guess begins with a question mark', () => {
  const address = '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff';
  const row = {
    hop: 64,
    address,
    key: '',
    kind: 'plain',
    how: 'guess',
    latency: 123_456_789,
    distance: 3,
    candidates: 12,
  } as const;
  for (const kind of ['ratatosk', 'plain', 'silent'] as const) {
    const line = hopLine({ ...row, kind }, false);
    assert.ok(line.startsWith('?64') && line.length <= 80, line);
  }
  assert.ok(hopLine({ ...row, how: 'told' }, true).startsWith(' 64'));
  const answer = { target: 'x', address, hops: [], end: 'reached', text: 'Reached, 3 hops away.' } as const;
  assert.deepEqual(endLines({ ...answer, hops: [] }, true), ['Reached, 3 hops away.']);
  assert.match(endLines({ ...answer, hops: [] }, false).join(' '), /guesses/);
  const long = endLines({ ...answer, hops: [], text: 'why '.repeat(60).trim() }, true);
  assert.equal(long.join(' ').split('why').length, 61);
  for (const line of long) assert.ok(line.length <= 80, line);
});
