/** Plain sessions over paths on which handshakes take longer than what repeats them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance, type Identity } from '../support/core.ts';
import { aOf, bOf, passTime, Side } from '../support/core-session.ts';
import { PlainPeer } from '../support/plain-session.ts';

type End = Side | PlainPeer;
type Path = {
  /** Of each payload, in order. */
  readonly delayMs: number;
  /** Added by chance: what it is larger than the distance to the next one, they overtake. */
  readonly jitterMs?: number;
  readonly loss?: number;
  /** Between two packets of each side; undefined: it only listens. */
  readonly everyMs: readonly [number | undefined, number | undefined];
  readonly seed?: number;
};

const STEP_MS = 100;

/** Runs for so long; gives which of the packets sent in its last third have arrived at the other side, of a and of b. */
function shares(a: End, b: End, forMs: number, path: Path): [number, number] {
  const { delayMs, jitterMs = 0, loss = 0, everyMs, seed = 1 } = path;
  const chance = new Chance(seed);
  const air: { atMs: number; from: Identity; to: End; payload: Uint8Array }[] = [];
  const sent: [number, number] = [0, 0];
  for (let nowMs = 0; nowMs < forMs; nowMs += STEP_MS) {
    const isLast = nowMs >= (2 * forMs) / 3 && nowMs < forMs - 3 * (delayMs + jitterMs);
    for (const [i, side, other] of [
      [0, a, b],
      [1, b, a],
    ] as const) {
      const every = everyMs[i];
      if (every !== undefined && nowMs % every < STEP_MS) {
        side.send(other as Side & PlainPeer, isLast ? 'late' : 'early');
        if (isLast) sent[i]++;
      }
      for (const payload of side.take()) {
        if (chance.below(1_000) < 1_000 * loss) continue;
        air.push({ atMs: nowMs + delayMs + chance.below(jitterMs + 1), from: side.self, to: other, payload });
      }
    }
    for (const one of air.filter(({ atMs }) => atMs <= nowMs)) one.to.receive(one.from, one.payload);
    air.splice(0, air.length, ...air.filter(({ atMs }) => atMs > nowMs));
    for (const end of [a, b]) {
      if (end instanceof PlainPeer) end.passTime(STEP_MS);
      else passTime(STEP_MS, end);
    }
  }
  const late = (end: End): number => end.inbox.filter((text) => text === 'late').length;
  return [late(b) / Math.max(sent[0], 1), late(a) / Math.max(sent[1], 1)];
}

const KINDS = {
  'two of ours': () => [new Side(aOf), new Side(bOf)],
  'ours and a plain one': () => [new Side(aOf), new PlainPeer(bOf)],
  'a plain one and ours': () => [new PlainPeer(aOf), new Side(bOf)],
} satisfies Record<string, () => [End, End]>;

for (const [what, make] of Object.entries(KINDS)) {
  for (const delayMs of [100, 700, 2_500, 6_000]) {
    for (const everyMs of [
      [1_000, 1_000],
      [300, undefined],
      [5_000, 3_000],
    ] as const) {
      const when = `a packet takes ${delayMs / 1_000} s, and they leave each ${everyMs} ms`;
      test(`${what} agree and lose nothing more where ${when}`, () => {
        const [a, b] = make();
        const [fromA, fromB] = shares(a, b, 300_000, { delayMs, everyMs });
        assert.deepEqual([fromA, everyMs[1] === undefined ? 1 : fromB], [1, 1]);
      });
    }
  }

  test(`${what} agree where each fifth is lost, and where some overtake others`, () => {
    for (const [loss, jitterMs] of [
      [0.2, 0],
      [0.05, 1_500],
    ] as const) {
      const [a, b] = make();
      const [fromA, fromB] = shares(a, b, 400_000, { delayMs: 3_000, jitterMs, loss, everyMs: [2_000, 2_000] });
      assert.ok(Math.min(fromA, fromB) >= 0.6, `${fromA} and ${fromB}`);
    }
  });
}

test('two of ours agree where a round trip takes 40 s', () => {
  const [a, b] = KINDS['two of ours']();
  assert.deepEqual(shares(a, b, 600_000, { delayMs: 20_000, everyMs: [1_000, 1_000] }), [1, 1]);
});
