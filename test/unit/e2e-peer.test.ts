import assert from 'node:assert/strict';
import { test } from 'node:test';
import { E2E_ASK_AFTER, E2E_DEAD_AFTER, E2E_PATIENCE_MAX } from '../../daemon/core/limits.ts';
import { Bucket } from '../../daemon/core/policy.ts';
import type { E2eKeys } from '../../daemon/core/session/e2e-keys.ts';
import { E2ePeer } from '../../daemon/core/session/e2e-peer.ts';
import { identity } from '../support/core.ts';

function peerOn(isSlow: boolean): E2ePeer {
  const peer = new E2ePeer(identity(1).key, new Bucket({ perSecond: 1, burst: 1 }, 0), 0);
  peer.current = { isCompressing: isSlow } as E2eKeys;
  return peer;
}

/** How long after a packet without an answer it is asked, and given up. */
function patience(peer: E2ePeer): [askMs: number, deadMs: number] {
  peer.heard(0);
  peer.packetSent(1, 0);
  const when = (isTrue: (ms: number) => boolean): number => {
    for (let ms = 0; ; ms += 500) if (isTrue(ms)) return ms;
  };
  return [when((ms) => peer.isQuiet(ms)), when((ms) => peer.isSilent(ms))];
}

test('on a slow path who only answers is asked ever more rarely, up to a cap, and as before when it speaks', () => {
  const peer = peerOn(true);
  const { slowMs: askMs } = E2E_ASK_AFTER;
  const { slowMs: deadMs } = E2E_DEAD_AFTER;
  assert.deepEqual(patience(peer), [askMs, deadMs]);
  peer.answeredOnly();
  assert.deepEqual(patience(peer), [2 * askMs, 2 * deadMs]);
  for (let i = 0; i < 20; i++) peer.answeredOnly();
  assert.deepEqual(patience(peer), [E2E_PATIENCE_MAX * askMs, E2E_PATIENCE_MAX * deadMs]);
  peer.packetReceived(1, 0);
  assert.deepEqual(patience(peer), [askMs, deadMs]);
});

test('elsewhere it is asked after two seconds however often it has only answered', () => {
  const peer = peerOn(false);
  for (let i = 0; i < 20; i++) peer.answeredOnly();
  assert.deepEqual(patience(peer), [E2E_ASK_AFTER.ms, E2E_DEAD_AFTER.ms]);
});

test('an unanswered question is repeated each second, on a slow path each 15 s', () => {
  for (const [isSlow, everyMs] of [
    [false, 1_000],
    [true, 15_000],
  ] as const) {
    const peer = peerOn(isSlow);
    peer.packetSent(1, 0);
    peer.askedMs = 30_000;
    assert.deepEqual([peer.wantsQuestion(30_000 + everyMs - 1), peer.wantsQuestion(30_000 + everyMs)], [false, true]);
  }
});
