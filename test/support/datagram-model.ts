/**
 * The model of test L13: two nodes that both want a link, over a medium as bad as the seed says, with packets of before
 * replayed and processes that die and come back, their clocks set back.
 */
import assert from 'node:assert/strict';
import { identity } from './core.ts';
import { type DatagramHost, DatagramWorld, type Flight } from './datagram-world.ts';

const YEAR_MS = 365 * 24 * 3_600_000;
const INIT = 0xa1;

export type ModelReport = {
  readonly lossShare: number;
  readonly rttMs: number;
  /** Until both routers had each other. */
  readonly upAfterMs: number;
  readonly restarts: number;
};

/** Two nodes as the dialler of a configuration drives them: what failed or ended is asked for again. */
export class DiallingPair {
  readonly world: DatagramWorld;
  readonly sides: readonly [DatagramHost, DatagramHost];
  readonly #seen = [0, 0];

  constructor(seed: number) {
    this.world = new DatagramWorld(seed);
    this.sides = [this.world.host(identity(2 * (seed % 8))), this.world.host(identity(2 * (seed % 8) + 1))];
    for (const side of this.sides) side.open();
  }

  /** After a time, as redialling does; what was asked for before the process died is forgotten. */
  dial(i: 0 | 1, afterMs: number): void {
    const side = this.sides[i];
    const life = side.life;
    this.world.schedule.after(afterMs, () => {
      if (side.isUp && side.life === life) side.dial(this.sides[1 - i] as DatagramHost);
    });
  }

  /** What the owner of dials does with events. Call it often. */
  redial(): void {
    for (const i of [0, 1] as const) {
      const { events } = this.sides[i];
      for (const event of events.slice(this.#seen[i])) {
        if (event.kind === 'dialFailed') this.dial(i, 1_000);
        const mayRedial = event.kind === 'datagramLinkDown' && event.dial !== undefined;
        if (mayRedial && Number.isFinite(event.retryAfterMs)) this.dial(i, event.retryAfterMs);
      }
      this.#seen[i] = events.length;
    }
  }

  /** Both routers have the other one as a peer. */
  get isUp(): boolean {
    return this.sides.every((side, i) => {
      const other = this.sides[1 - i] as DatagramHost;
      return (
        side.isUp && side.node.links().some(({ key, port }) => port > 0 && key !== undefined && same(key, other.key))
      );
    });
  }

  /** Links of each side; one and one when all is settled. */
  get linkCounts(): number[] {
    return this.sides.map((side) => side.node.links().length);
  }

  /** @returns how long it took; undefined: longer than that */
  untilUp(limitMs: number): number | undefined {
    const startMs = this.world.nowMs;
    const isDone = this.world.runUntil(
      () => {
        this.redial();
        return this.isUp;
      },
      limitMs,
      20,
    );
    return isDone ? this.world.nowMs - startMs : undefined;
  }

  run(ms: number): void {
    for (const untilMs = this.world.nowMs + ms; this.world.nowMs < untilMs; ) {
      this.world.run(Math.min(100, untilMs - this.world.nowMs));
      this.redial();
    }
  }
}

/** One life of the model. Throws what is wrong. */
export function runModel(seed: number): ModelReport {
  const pair = new DiallingPair(seed);
  const { world, sides } = pair;
  const { chance } = world;
  const isLossless = chance.below(4) === 0;
  const lossShare = isLossless ? 0 : chance.below(36) / 100;
  const rttMs = Math.round(10 * 350 ** (chance.below(1_000) / 1_000));
  const jitterMs = isLossless ? 0 : rttMs / 4;
  world.lossShare = lossShare;
  world.repeatShare = isLossless ? 0 : 0.1;
  world.delayMs = () => rttMs / 2 + (jitterMs > 0 ? chance.below(Math.ceil(jitterMs)) : 0);
  const old: Flight[] = [];
  world.watch = (flight) => {
    if (old.length < 200) old.push(flight);
    return true;
  };
  const limitMs = isLossless ? 2 * rttMs + 2_500 : 60_000;
  pair.dial(0, 0);
  pair.dial(1, isLossless ? 0 : chance.below(2_000));
  const upAfterMs = pair.untilUp(limitMs);
  assert.ok(upAfterMs !== undefined, `up within ${limitMs} ms`);
  checkSettled(pair, rttMs);

  const restarts = isLossless ? 0 : chance.below(3);
  for (let i = 0; i < restarts; i++) {
    const who = chance.below(2) as 0 | 1;
    const side = sides[who];
    side.skewMs -= chance.below(2) * chance.below(YEAR_MS);
    side.stop();
    pair.run(chance.below(10_000));
    side.restart();
    pair.dial(who, 0);
    replay(world, old);
    assert.ok(pair.untilUp(60_000) !== undefined, 'up within 60 s after a restart');
  }
  replay(world, old);
  checkSettled(pair, rttMs);
  return { lossShare, rttMs, upAfterMs, restarts };
}

/** Without loss, what stands stays, and it is one link with the same keys on both sides. */
function checkSettled(pair: DiallingPair, rttMs: number): void {
  const { world, sides } = pair;
  const { lossShare, repeatShare } = world;
  world.lossShare = 0;
  world.repeatShare = 0;
  pair.run(15_000 + 4 * rttMs);
  assert.ok(pair.isUp, 'still up');
  const downs = sides.map((side) => side.of('datagramLinkDown').length);
  assert.deepEqual(pair.linkCounts, [1, 1], 'one link on each side');
  pair.run(10_000);
  assert.deepEqual(
    sides.map((side) => side.of('datagramLinkDown').length),
    downs,
    'nothing is lost later without loss',
  );
  world.lossShare = lossShare;
  world.repeatShare = repeatShare;
}

/** What was recorded comes again, at once, to where it went. */
function replay(world: DatagramWorld, old: readonly Flight[]): void {
  for (const flight of old) if (flight.octets[0] === INIT || world.chance.below(4) === 0) world.arrive(flight);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((octet, i) => octet === b[i]);
}
