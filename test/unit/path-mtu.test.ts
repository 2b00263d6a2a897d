import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { NO_PING, PathMtu } from '../../daemon/core/link/datagram/path-mtu.ts';

/** Ids of PINGs are floating-point numbers to the engine, whatever their size; this one is beyond doubt. */
const LARGE_ID = 0xffff_fff0;

test('keeps its shape when a check is sent, or compiled code would go', () => {
  const haveSameMap = sameMap();
  const [idle, checked] = [new PathMtu(1_200, 1_472, 0), new PathMtu(1_200, 1_472, 0)];
  checked.checkSent(LARGE_ID, LARGE_ID + 1, 5_000);
  assert.ok(haveSameMap(idle, checked));
});

test('has an id for no PING that no PING has', () => {
  assert.ok(NO_PING > 0xffff_ffff);
});

/** Whether the engine describes two objects alike: only then does code compiled for one serve the other. */
function sameMap(): (a: object, b: object) => boolean {
  setFlagsFromString('--allow-natives-syntax');
  return new Function('a', 'b', 'return %HaveSameMap(a, b)') as (a: object, b: object) => boolean;
}
