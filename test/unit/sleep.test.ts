import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Node } from '../../daemon/core/node.ts';
import type { Input } from '../../daemon/core/port.ts';
import { Driver } from '../../daemon/driver.ts';
import { type Clock, type Gap, SleepWatch } from '../../daemon/sleep.ts';
import { identity, nodeOptions } from '../support/core.ts';
import { VirtualTime } from '../support/virtual-time.ts';

/** A clock that the test turns: `sleep` passes the monotonic one by, `stop` passes the process by. */
class HandClock implements Clock {
  #nowMs = 5_000;
  #sinceBootMs = 9_000_000;

  nowMs(): number {
    return this.#nowMs;
  }

  sinceBootMs(): number {
    return this.#sinceBootMs;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    this.#sinceBootMs += ms;
  }

  sleep(ms: number): void {
    this.#sinceBootMs += ms;
  }
}

function watched(): { clock: HandClock; watch: SleepWatch } {
  const clock = new HandClock();
  return { clock, watch: new SleepWatch(clock) };
}

test('time that passes as it should is no gap, however long it goes on', () => {
  const { clock, watch } = watched();
  for (let second = 0; second < 100; second++) {
    clock.pass(1_000 + second);
    assert.equal(watch.look(), undefined);
  }
});

test('a process that was stopped for more than 10 s notices, and its clock has missed nothing', () => {
  const { clock, watch } = watched();
  clock.pass(10_000);
  assert.equal(watch.look(), undefined);
  clock.pass(10_001);
  assert.deepEqual(watch.look(), { lengthMs: 10_001, missedMs: 0 });
  clock.pass(1_000);
  assert.equal(watch.look(), undefined);
});

test('a sleep of more than 10 s is noticed, although the monotonic clock stood still', () => {
  const { clock, watch } = watched();
  clock.pass(1_000);
  clock.sleep(10_000);
  assert.equal(watch.look(), undefined);
  clock.pass(1_000);
  clock.sleep(10_001);
  assert.deepEqual(watch.look(), { lengthMs: 11_001, missedMs: 10_001 });
  clock.pass(1_000);
  assert.equal(watch.look(), undefined);
});

test('a sleep is noticed at the first look a second after it began', () => {
  const { clock, watch } = watched();
  clock.pass(400);
  clock.sleep(3_600_000);
  assert.equal(watch.look(), undefined);
  clock.pass(600);
  assert.deepEqual(watch.look(), { lengthMs: 3_601_000, missedMs: 3_600_000 });
});

test('a clock since boot that goes back is nothing', () => {
  const { clock, watch } = watched();
  clock.pass(2_000);
  clock.sleep(-60_000);
  assert.equal(watch.look(), undefined);
});

/** Remembers what it was given and when; wants to be woken every second. */
class WakefulNode extends Node {
  readonly inputs: { kind: Input['kind']; nowMs: number }[] = [];

  constructor() {
    super(nodeOptions(identity(0)));
  }

  override handle({ kind }: Input, nowMs: number): void {
    this.inputs.push({ kind, nowMs });
  }

  override drain(): void {}

  override deadline(): number {
    return (this.inputs.at(-1)?.nowMs ?? 0) + 1_000;
  }
}

test('the driver tells of a gap before the node hears of the time, and the node’s time has slept too', (t) => {
  const time = new VirtualTime(t);
  let sleptMs = 0;
  const clock: Clock = { nowMs: () => time.nowMs, sinceBootMs: () => time.nowMs + sleptMs };
  const node = new WakefulNode();
  const driver = new Driver(node, undefined, () => {}, clock);
  const gaps: Gap[] = [];
  driver.onGap = (gap) => {
    gaps.push(gap);
    driver.probe(() => false);
  };
  driver.start();
  time.tick(5_000);
  assert.deepEqual(gaps, []);
  sleptMs = 600_000;
  const before = node.inputs.splice(0).at(-1)?.nowMs ?? 0;
  time.tick(1_000);
  assert.deepEqual(gaps, [{ lengthMs: 601_000, missedMs: 600_000 }]);
  const after = before + 601_000;
  assert.deepEqual(node.inputs, [
    { kind: 'probeLinks', nowMs: after },
    { kind: 'wallClock', nowMs: after },
    { kind: 'timer', nowMs: after },
  ]);
  time.tick(10_000);
  assert.equal(node.inputs.at(-1)?.nowMs, after + 10_000);
  assert.equal(gaps.length, 1);
  driver.stop();
});
