import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { firstToConnect, interleaved } from '../../daemon/links/race.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';

const [A, B, C] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'] as const;

/** Attempts that the test ends; what came of all of them. */
function race(t: TestContext, ...addresses: string[]) {
  const time = new VirtualTime(t);
  const stop = new AbortController();
  const begun: string[] = [];
  const calledOff: string[] = [];
  const discarded: string[] = [];
  const ends = new Map<string, { connect: () => void; fail: () => void }>();
  const attempt = (address: string, signal: AbortSignal): Promise<string> => {
    begun.push(address);
    return new Promise((resolve, reject) => {
      ends.set(address, { connect: () => resolve(address), fail: () => reject(new Error(`${address} failed`)) });
      signal.addEventListener('abort', () => {
        calledOff.push(address);
        reject(new Error('called off'));
      });
    });
  };
  let outcome = 'running';
  firstToConnect(addresses, stop.signal, attempt, (address) => discarded.push(address)).then(
    (address) => {
      outcome = address;
    },
    (error: Error) => {
      outcome = error.message;
    },
  );
  const end = async (address: string, how: 'connect' | 'fail') => {
    ends.get(address)?.[how]();
    await turns(2);
  };
  return { time, stop, begun, calledOff, discarded, end, outcome: () => outcome };
}

for (const [given, expected] of [
  [[], []],
  [[A], [A]],
  [
    ['::1', A, B, '::2', '::3'],
    ['::1', A, '::2', B, '::3'],
  ],
  [
    [A, B, C, '::1'],
    [A, '::1', B, C],
  ],
  [
    ['::1', A, B, C],
    ['::1', A, B, C],
  ],
] as const) {
  test(`${given.join(' ') || 'nothing'} is tried as ${expected.join(' ') || 'nothing'}`, () => {
    assert.deepEqual(interleaved(given), expected);
  });
}

test('the next address is tried after 250 ms without an answer', (t) => {
  const { time, begun } = race(t, A, B, C);
  time.tick(249);
  assert.deepEqual(begun, [A]);
  time.tick(1);
  assert.deepEqual(begun, [A, B]);
  time.tick(250);
  assert.deepEqual(begun, [A, B, C]);
});

test('the next address is tried at once when the last has failed, and the one after it 250 ms later', async (t) => {
  const { time, begun, end } = race(t, A, B, C);
  time.tick(100);
  await end(A, 'fail');
  assert.deepEqual(begun, [A, B]);
  time.tick(249);
  assert.deepEqual(begun, [A, B]);
  time.tick(1);
  assert.deepEqual(begun, [A, B, C]);
});

test('the first to connect wins and the others are called off, whichever was begun first', async (t) => {
  const { time, calledOff, begun, end, outcome } = race(t, A, B, C);
  time.tick(250);
  await end(B, 'connect');
  assert.equal(outcome(), B);
  assert.ok(calledOff.includes(A));
  time.tick(10_000);
  assert.deepEqual(begun, [A, B]);
});

test('an address that was slow may still win', async (t) => {
  const { time, end, outcome } = race(t, A, B);
  time.tick(250);
  await end(B, 'fail');
  await end(A, 'connect');
  assert.equal(outcome(), A);
});

test('two that connect in one moment leave one connection', async (t) => {
  const { time, discarded, end, outcome } = race(t, A, B);
  time.tick(250);
  await Promise.all([end(A, 'connect'), end(B, 'connect')]);
  assert.deepEqual([outcome(), discarded], [A, [B]]);
});

test('when all have failed the error of the last one is told', async (t) => {
  const { time, end, outcome } = race(t, A, B);
  time.tick(250);
  await end(B, 'fail');
  assert.equal(outcome(), 'running');
  await end(A, 'fail');
  assert.equal(outcome(), `${A} failed`);
});

test('eight addresses are tried, a ninth is not', (t) => {
  const addresses = Array.from({ length: 9 }, (_, i) => `192.0.2.${i}`);
  const { time, begun } = race(t, ...addresses);
  time.tick(60_000);
  assert.deepEqual(begun, addresses.slice(0, 8));
});

test('calling it off ends all attempts and begins none', async (t) => {
  const { time, stop, begun, calledOff, outcome } = race(t, A, B, C);
  time.tick(250);
  stop.abort();
  await turns(2);
  assert.equal(outcome(), 'the attempt was called off');
  assert.deepEqual(calledOff, [A, B]);
  time.tick(10_000);
  assert.deepEqual(begun, [A, B]);
});

test('a race that has ended leaves no timer and no listener behind', async (t) => {
  const { time, stop, end } = race(t, A, B, C);
  await end(A, 'connect');
  const before = time.fired;
  time.tick(10_000);
  stop.abort();
  await turns(2);
  assert.equal(time.fired, before);
});
