/** In which order messages leave over radio. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constantsOf } from '../../daemon/core/link/datagram/classes.ts';
import { RadioTraffic } from '../../daemon/core/link/datagram/radio/traffic.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import { contextOf, identity } from '../support/core.ts';

const ROOM = 200;
const NEVER = Number.POSITIVE_INFINITY;

/** The mark is the first octet of each message, behind its type. */
function traffic() {
  const all = new RadioTraffic(contextOf(identity(1)), constantsOf('R', false), undefined);
  return {
    all,
    put(mark: number, length: number, isOrdered = false, source = 2): void {
      const prefix = length < 0x80 ? 1 : 2;
      all.reserve(prefix + length, 1, source, { isUrgent: false, isOrdered, room: ROOM });
      new Writer(all.target).uvarint(length).u8(9).u8(mark);
    },
    /** Records as a composer asks for them: what is short first. */
    marks(): string[] {
      const marks: string[] = [];
      for (;;) {
        const quick = all.takeQuick(ROOM, NEVER);
        const cargo = quick ?? all.takeFragment(ROOM, ROOM, NEVER);
        if (cargo === undefined) return marks;
        if (cargo.kind === 'message') marks.push(`${cargo.octets[1]}`);
        else if (cargo.kind === 'fragment' && cargo.index === 0) marks.push(`${cargo.octets[1]} in ${cargo.last + 1}`);
      }
    },
  };
}

test('what is short goes before what is long, of the same two nodes as well', () => {
  const { put, marks } = traffic();
  put(1, 900);
  put(2, 60);
  assert.deepEqual(marks(), ['2', '1 in 5']);
});

test('what must keep its order keeps it: short ones go in fragments, numbered with the long ones', () => {
  const { put, marks } = traffic();
  put(1, 900, true);
  put(2, 60, true);
  put(3, 900, true);
  put(4, 60, false, 77);
  assert.deepEqual(marks(), ['4', '1 in 5', '2 in 1', '3 in 5']);
});

test('two short messages are talk, one is not, nor are bare acknowledgements', () => {
  const { all, put, marks } = traffic();
  put(1, 47);
  put(2, 47);
  put(3, 48);
  marks();
  assert.ok(!all.isTalkative(1_000));
  put(4, 48);
  marks();
  assert.ok(all.isTalkative(1_000));
});
