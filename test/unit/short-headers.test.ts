import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ShortHeadersIn, ShortHeadersOut } from '../../daemon/core/link/datagram/short-headers.ts';
import { BufferPool } from '../../daemon/core/pool.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import { flowOf, isShort, isShortOf, namesFlow } from '../../daemon/wire/short-traffic.ts';
import { writeTrafficHead } from '../../daemon/wire/traffic.ts';
import { Chance } from '../support/core.ts';
import { repoRoot } from '../support/places.ts';
import { anyKey, anyOctets, anyPath, fc } from './wire-property.ts';
import { octets } from './wire-vectors.ts';

const QUIET_MS = 1_000;
const hex = (some: Uint8Array): string => Buffer.from(some).toString('hex');

/** A message: type, head and payload, without the length before it. */
function traffic(source: number, payload: Uint8Array, hops = 5, watermark = 9): Uint8Array {
  const path = new Uint8Array(hops).fill(3);
  const writer = new Writer(new Uint8Array(2_000));
  const [from, to] = [new Uint8Array(32).fill(source), new Uint8Array(32).fill(1)];
  writeTrafficHead(writer, path, path, from, to, watermark, payload.length);
  const prefix = 1 + writer.pos + payload.length > 0x80 ? 2 : 1;
  return Uint8Array.of(...writer.written().subarray(prefix), ...payload);
}

class Link {
  out = new ShortHeadersOut(QUIET_MS);
  in = new ShortHeadersIn(new BufferPool());
  nowMs = 0;

  /** As it is on the air. */
  shorten(message: Uint8Array, isWhole = true): Uint8Array {
    const buffer = Uint8Array.of(0xff, ...message, 0xff);
    return this.out.shorten(buffer, 1, buffer.length - 1, isWhole, this.nowMs);
  }

  /** As it arrives; a string says why it does not. */
  expand(air: Uint8Array): Uint8Array | 'unknown' {
    if (flowOf(air[0] as number) < 0) return air;
    const buffer = Uint8Array.of(0xff, ...air, 0xff);
    if (!this.in.expand(buffer, 1, buffer.length - 1)) return 'unknown';
    return this.in.buffer.slice(this.in.start, this.in.end);
  }

  /** Sent, received and acknowledged. */
  carry(message: Uint8Array): Uint8Array {
    const air = this.shorten(message);
    assert.deepEqual(this.expand(air), message);
    this.out.arrived(air);
    return air;
  }
}

const PAYLOAD = Uint8Array.of(0x22, 1, 2, 3);
const KINDS = ['named', 'short'];
const kindOf = (air: Uint8Array): string => {
  const flow = flowOf(air[0] as number);
  return flow < 0 ? 'as always' : `${KINDS[isShort(air[0] as number) ? 1 : 0]} ${flow}`;
};

test('the head of a flow is said until it has arrived, then one octet stands for it', () => {
  const link = new Link();
  const message = traffic(7, PAYLOAD);
  const first = link.shorten(message);
  assert.equal(first.length, message.length);
  assert.deepEqual(link.expand(first), message);
  assert.equal(kindOf(link.shorten(message)), 'named 0', 'nobody has said that it came');
  link.out.arrived(first);
  const short = link.carry(message);
  assert.deepEqual([kindOf(short), short.length], ['short 0', 1 + PAYLOAD.length]);
  assert.equal(kindOf(link.shorten(traffic(8, PAYLOAD))), 'named 1');
  assert.equal(kindOf(link.shorten(traffic(7, PAYLOAD, 5, 8))), 'named 2', 'another watermark');
});

test('what leaves in fragments names no flow, and is short where it is known', () => {
  const link = new Link();
  const message = traffic(7, new Uint8Array(600));
  assert.equal(kindOf(link.shorten(message, false)), 'as always');
  link.carry(traffic(7, PAYLOAD));
  assert.equal(kindOf(link.shorten(message, false)), 'short 0');
  link.out.unknown(0);
  assert.equal(kindOf(link.shorten(message, false)), 'as always');
});

test('lookups, and Traffic that is cut off, go as they are', () => {
  const link = new Link();
  for (const message of [Uint8Array.of(6, 1, 2), traffic(1, PAYLOAD).subarray(0, 40)]) {
    assert.deepEqual(link.shorten(message), message);
  }
});

test('heads of 255 octets are remembered, and none of 256', () => {
  const link = new Link();
  const sized = (size: number): Uint8Array => traffic(1, PAYLOAD, (size - 67) / 2, size % 2 === 0 ? 200 : 9);
  const even = traffic(1, PAYLOAD, 94, 200);
  assert.equal(sized(255).length, 1 + 255 + 4);
  assert.equal(even.length, 1 + 256 + 4);
  assert.equal(kindOf(link.carry(sized(255))), 'named 0');
  assert.equal(kindOf(link.carry(sized(255))), 'short 0');
  assert.equal(kindOf(link.carry(even)), 'as always');
  link.expand(Uint8Array.of(namesFlow(5), ...even.subarray(1)));
  assert.equal(link.expand(Uint8Array.of(isShortOf(5), 1)), 'unknown');
});

test('of 64 flows none gives its number away before it has been quiet', () => {
  const link = new Link();
  for (let source = 0; source < 64; source++)
    assert.equal(kindOf(link.carry(traffic(source, PAYLOAD))), `named ${source}`);
  link.nowMs = QUIET_MS - 1;
  assert.equal(kindOf(link.carry(traffic(100, PAYLOAD))), 'as always');
  link.carry(traffic(0, PAYLOAD));
  link.nowMs = QUIET_MS;
  assert.equal(kindOf(link.carry(traffic(100, PAYLOAD))), 'named 1');
  assert.equal(kindOf(link.carry(traffic(100, PAYLOAD))), 'short 1');
  assert.equal(kindOf(link.carry(traffic(0, PAYLOAD))), 'short 0');
});

test('a receiver that does not know a flow says so once, and the sender names it again', () => {
  const link = new Link();
  const message = traffic(7, PAYLOAD);
  link.carry(message);
  link.in = new ShortHeadersIn(new BufferPool());
  assert.equal(link.in.hasUnknown, false);
  assert.equal(link.expand(link.shorten(message)), 'unknown');
  assert.equal(link.expand(link.shorten(message)), 'unknown');
  assert.equal(link.expand(Uint8Array.of(isShortOf(63), 1)), 'unknown');
  assert.equal(link.in.takeUnknown(0).length, 0);
  assert.deepEqual([...link.in.takeUnknown(1), ...link.in.takeUnknown(9)], [0, 63]);
  assert.equal(link.in.hasUnknown, false);
  for (const number of [0, 63, 200]) link.out.unknown(number);
  assert.equal(kindOf(link.carry(message)), 'named 0');
  assert.equal(kindOf(link.carry(message)), 'short 0');
});

test('a sender that begins anew names its flows before it is short', () => {
  const link = new Link();
  for (const source of [7, 8]) link.carry(traffic(source, PAYLOAD));
  link.out = new ShortHeadersOut(QUIET_MS);
  for (const source of [8, 7]) assert.match(kindOf(link.carry(traffic(source, PAYLOAD))), /named/);
  for (const source of [7, 8]) assert.match(kindOf(link.carry(traffic(source, PAYLOAD))), /short/);
});

test('an acknowledgement of short Traffic, or of something else, makes no flow known', () => {
  const link = new Link();
  const message = traffic(7, PAYLOAD);
  link.shorten(message);
  for (const type of [isShortOf(0), namesFlow(1), 9]) link.out.arrived(Uint8Array.of(type, 1));
  assert.equal(kindOf(link.shorten(message)), 'named 0');
});

test('whatever is lost, repeated or late: what arrives as Traffic is what was sent', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const chance = new Chance(seed);
    const link = new Link();
    const air: { air: Uint8Array; message: Uint8Array; untilMs: number }[] = [];
    const sent = { short: 0, all: 0 };
    for (let i = 0; i < 3_000; i++) {
      link.nowMs += chance.below(100);
      // Now and then other nodes speak, so that numbers change hands.
      const source = chance.below(20) + 70 * Math.floor(i / 1_000);
      const message = traffic(source, chance.octets(chance.below(40)), 3, 1 + chance.below(2));
      const leaves = link.shorten(message, chance.below(8) > 0);
      sent.all++;
      if (kindOf(leaves).startsWith('short')) sent.short++;
      if (chance.below(10) > 2) air.push({ air: leaves, message, untilMs: link.nowMs + QUIET_MS });
      if (chance.below(10) === 0) air.push({ air: leaves, message, untilMs: link.nowMs + QUIET_MS });
      while (air.length > 0 && (chance.below(3) > 0 || air.some(({ untilMs }) => untilMs <= link.nowMs))) {
        const late = air.findIndex(({ untilMs }) => untilMs <= link.nowMs);
        const [next] = air.splice(late >= 0 ? late : chance.below(air.length), 1);
        if (next === undefined || next.untilMs <= link.nowMs) continue;
        assert.deepEqual(link.expand(next.air.slice()), next.message, `seed ${seed}, message ${i}`);
        if (chance.below(3) > 0) link.out.arrived(next.air);
      }
      if (chance.below(500) === 0) {
        link.in = new ShortHeadersIn(new BufferPool());
        link.out = new ShortHeadersOut(QUIET_MS);
        air.length = 0;
      }
    }
    assert.ok(sent.short > sent.all / 2, `seed ${seed}: only ${sent.short} of ${sent.all} are short`);
  }
});

test('nothing that comes makes it throw, and what it gives is what came, or Traffic with a head that came', () => {
  const message = fc.tuple(fc.nat({ max: 255 }), anyOctets(0, 300));
  fc.assert(
    fc.property(fc.array(message, { maxLength: 20 }), (messages) => {
      const link = new Link();
      for (const [type, rest] of messages) {
        const whole = link.expand(Uint8Array.of(type, ...rest));
        if (whole === 'unknown') continue;
        assert.ok(whole.length <= 1 + 255 + 1 + rest.length);
        assert.ok(flowOf(type) < 0 || whole[0] === 9);
      }
      assert.ok(link.in.takeUnknown(1_000).length <= 64);
    }),
  );
});

test('every Traffic comes out as it went in', () => {
  const any = fc.tuple(anyPath, anyPath, anyKey, anyKey, fc.nat(), anyOctets(0, 100));
  fc.assert(
    fc.property(any, ([path, from, source, dest, watermark, payload]) => {
      const writer = new Writer(new Uint8Array(2_000));
      writeTrafficHead(writer, path, from, source, dest, watermark, payload.length);
      const written = writer.written();
      const prefix = written.findIndex((octet) => octet < 0x80) + 1;
      const whole = Uint8Array.of(...written.subarray(prefix), ...payload);
      const link = new Link();
      for (let i = 0; i < 2; i++) link.carry(whole);
    }),
  );
});

type Vector = { name: string; steps: { traffic: string; air: string }[] };
const vectors: Vector[] = JSON.parse(readFileSync(join(repoRoot, 'test/vectors/short-headers.json'), 'utf8'));

for (const { name, steps } of vectors) {
  test(`vector: ${name}`, () => {
    const link = new Link();
    // Once more, by the table and nothing else: both paths end with a zero, then two keys and a number.
    const heads = new Map<number, string>();
    for (const { traffic: message, air } of steps) {
      assert.equal(hex(link.carry(octets(message))), air);
      const type = Number.parseInt(air.slice(0, 2), 16);
      const head = /^(?:(?:[89a-f].)*[0-7].)*?00(?:(?:[89a-f].)*[0-7].)*?00.{128}(?:[89a-f].)*[0-7]./.exec(
        air.slice(2),
      )?.[0];
      if (type >> 6 === 2 && head !== undefined) heads.set(type & 63, head);
      const read = type >> 6 === 3 ? `09${heads.get(type & 63)}${air.slice(2)}` : `09${air.slice(2)}`;
      assert.equal(read, message);
    }
  });
}
