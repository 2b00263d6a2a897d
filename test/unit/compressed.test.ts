import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressForKey, subnetForKey } from '../../daemon/core/identity.ts';
import {
  COMPRESSED,
  COMPRESSED_MAX,
  isLike,
  isNear,
  NONE,
  readCompressed,
  writeLike,
  writePlain,
} from '../../daemon/wire/compressed.ts';
import { type Ends, Headers, packetSize, RULE, readHeaders, writePacket } from '../../daemon/wire/headers.ts';
import { identity } from '../support/core.ts';
import { SecondReader } from '../support/expand.ts';
import { icmpPacket, ipPacket, tcpPacket, timesOption, udpPacket } from '../support/ip-packets.ts';
import { repoRoot } from '../support/places.ts';
import { anyOctets, anyU32, fc, keepsItsPromises } from './wire-property.ts';
import { octets } from './wire-vectors.ts';

const [a, b] = [identity(1), identity(2)];
const ends: Ends = {
  source: addressForKey(a.key),
  sourceSubnet: subnetForKey(a.key),
  dest: addressForKey(b.key),
  destSubnet: subnetForKey(b.key),
};
const rest = Uint8Array.of(0xfe, 1, 2, 3, 4, 5, 6, 7);
const inSubnet = (subnet: Uint8Array): Uint8Array => Uint8Array.of(...subnet, ...rest);

// Packets

const anyU8 = fc.nat({ max: 255 });
const anyU16 = fc.nat({ max: 0xffff });
const often = <T>(usual: T, any: fc.Arbitrary<T>) => fc.oneof(fc.constant(usual), any);
const anyIp = fc.record({
  source: fc.constantFrom(ends.source, inSubnet(ends.sourceSubnet)),
  dest: fc.constantFrom(ends.dest, inSubnet(ends.destSubnet)),
  trafficClass: often(0, anyU8),
  label: often(0, fc.nat({ max: 0xf_ffff })),
  hopLimit: often(64, anyU8),
});
const anyOff = often(0, anyU16);
const anyData = anyOctets(0, 60);
const anyPair = fc.tuple(anyU16, anyU16);
const anyOptions = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc.tuple(anyU32, anyU32).map(([value, echo]) => timesOption(value, echo)),
  fc.tuple(anyU32, fc.nat({ max: 7 })).map(([value, words]) => {
    return Uint8Array.of(...timesOption(value, value), ...new Uint8Array(4 * words).fill(1));
  }),
  fc.nat({ max: 10 }).chain((words) => anyOctets(4 * words, 4 * words)),
);
const anyTcp = fc.record({
  ports: anyPair,
  seq: anyU32,
  acknowledged: anyU32,
  flags: often(0x10, anyU8),
  window: anyU16,
  urgent: often(0, anyU16),
  options: anyOptions,
  data: anyData,
  checksumOff: anyOff,
});
const anyPacket = fc.oneof(
  fc.tuple(anyIp, anyTcp).map(([ip, tcp]) => tcpPacket(ip, tcp)),
  fc.tuple(anyIp, anyPair, anyData, anyOff).map(([ip, ports, data, off]) => udpPacket(ip, ports, data, off)),
  fc
    .tuple(anyIp, anyU8, anyPair, anyData, anyOff)
    .map(([ip, type, words, data, off]) => icmpPacket(ip, type, words, data, off)),
  fc.tuple(anyIp, often(6, anyU8), anyData).map(([ip, next, payload]) => ipPacket(ip, next, payload)),
);
/** The same with something changed that a maker of packets would never do. */
const anyOddPacket = fc
  .tuple(anyPacket, fc.array(fc.tuple(fc.nat({ max: 80 }), anyU8), { maxLength: 3 }), fc.nat({ max: 3 }))
  .map(([packet, changes, cut]) => {
    const odd = packet.slice(0, packet.length - (cut === 1 ? 1 : 0));
    for (const [at, value] of changes) if (at < odd.length) odd[at] = value;
    return odd;
  });

function said() {
  return { makes: NONE, uses: NONE, got: NONE };
}

function headersOf(packet: Uint8Array): Headers | undefined {
  const headers = new Headers();
  return readHeaders(packet, 0, packet.length, ends, headers) ? headers : undefined;
}

/** Content of a record; undefined: no rule fits. */
function compress(packet: Uint8Array, makes = NONE, got = NONE, base?: Headers, id = 0): Uint8Array | undefined {
  const headers = headersOf(packet);
  if (headers === undefined) return undefined;
  const head = new Uint8Array(COMPRESSED_MAX);
  const size =
    base === undefined
      ? writePlain(headers, packet, makes, got, head)
      : writeLike(headers, base, id, packet, got, head);
  return Uint8Array.of(...head.subarray(0, size), ...packet.subarray(headers.dataAt));
}

function expand(content: Uint8Array, base?: Headers, id = 0): Uint8Array | string {
  const headers = new Headers();
  const contexts = { base: (asked: number) => (asked === id ? base : undefined) };
  const fault = readCompressed(content, 0, content.length, contexts, headers, said());
  if (fault !== undefined) return fault;
  const size = packetSize(headers, content.length - headers.dataAt);
  if (size === 0) return 'malformed';
  const packet = new Uint8Array(size);
  writePacket(headers, content, content.length, ends, packet, 0);
  return packet;
}

function secondReader(): SecondReader {
  return new SecondReader(ends, { source: ends.sourceSubnet, dest: ends.destSubnet });
}

test('what comes out of the plain form is what went in, and shorter on the way', () => {
  let compressed = 0;
  fc.assert(
    fc.property(fc.oneof(anyPacket, anyOddPacket), (packet) => {
      const before = packet.slice();
      const content = compress(packet);
      assert.deepEqual(packet, before);
      if (content === undefined) return;
      compressed++;
      assert.ok(content.length <= packet.length - 16, `${content.length} of ${packet.length}`);
      assert.deepEqual(expand(content), packet);
      const second = secondReader().expand(content);
      assert.deepEqual(typeof second === 'string' ? second : Uint8Array.from(second.packet), packet);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(compressed > 1_500, `${compressed}`);
});

/** Two packets of one flow. */
const anyTwo = fc.oneof(
  fc
    .tuple(anyIp, anyTcp, anyTcp, fc.boolean(), fc.tuple(anyU32, anyU32, anyU32, anyU32), anyU8, anyU8)
    .map(([ip, first, then, hasTimes, [value, echo, value2, echo2], trafficClass, hopLimit]) => {
      const times = (v: number, e: number) => (hasTimes ? timesOption(v, e) : new Uint8Array(0));
      const near = (number: number, step: number) =>
        (number + (step % ([1, 0x8000, 0xc0_0000][step % 3] as number)) - (step % 3) * 0x1000) >>> 0;
      const extra = then.options.length > 24 || hasTimesAlready(then.options) ? new Uint8Array(0) : then.options;
      return [
        tcpPacket(ip, { ...first, options: times(value, echo), checksumOff: 0 }),
        tcpPacket(
          {
            ...ip,
            trafficClass: trafficClass % 2 === 0 ? ip.trafficClass : trafficClass,
            hopLimit: hopLimit % 4 === 0 ? hopLimit : ip.hopLimit,
          },
          {
            ...then,
            ports: first.ports,
            seq: near(first.seq, then.seq),
            acknowledged: near(first.acknowledged, then.acknowledged),
            window: then.window % 2 === 0 ? first.window : then.window,
            options: Uint8Array.of(...times(near(value, value2), near(echo, echo2)), ...extra),
          },
        ),
      ] as const;
    }),
  fc
    .tuple(anyIp, anyPair, anyData, anyData, anyOff)
    .map(([ip, ports, one, two, off]) => [udpPacket(ip, ports, one), udpPacket(ip, ports, two, off)] as const),
  fc.tuple(anyIp, anyU8, anyPair, anyU16, anyData, anyOff).map(([ip, type, words, seq, data, off]) => {
    return [icmpPacket(ip, type, words, data), icmpPacket(ip, type, [words[0], seq], data, off)] as const;
  }),
);

function hasTimesAlready(options: Uint8Array): boolean {
  return Buffer.from(options).toString('hex').startsWith('0101080a');
}

test('what comes out of the context form is what went in', () => {
  fc.assert(
    fc.property(anyTwo, fc.nat({ max: 31 }), fc.nat({ max: 32 }), ([first, then], id, got) => {
      const base = headersOf(first) as Headers;
      const feedback = got === 32 ? NONE : got;
      const making = compress(first, id, feedback) as Uint8Array;
      const content = compress(then, NONE, feedback, base, id) as Uint8Array;
      assert.ok(content.length < then.length - 30);
      assert.deepEqual(expand(content, base, id), then);
      const second = secondReader();
      const made = second.expand(making);
      assert.ok(typeof made !== 'string' && made.makes === id && made.got === (got === 32 ? undefined : got));
      const like = second.expand(content);
      assert.deepEqual(typeof like === 'string' ? like : Uint8Array.from(like.packet), then);
    }),
    { numRuns: 3_000 },
  );
});

test('is of one opinion with a second reader, whatever comes', () => {
  const making = anyTwo.map(([first]) => first);
  const content = fc.oneof(
    anyOctets(0, 60),
    anyOctets(1, 60).map((some) => Uint8Array.of((some[0] as number) | COMPRESSED, ...some.subarray(1))),
    fc.tuple(anyTwo, anyOctets(0, 12)).map(([[first, then], noise]) => {
      const good = compress(then, NONE, NONE, headersOf(first), 3) as Uint8Array;
      return Uint8Array.of(0xc6 | (noise.length & 1), ...noise, ...good.subarray(1 + noise.length));
    }),
  );
  let taken = 0;
  fc.assert(
    fc.property(making, content, (first, some) => {
      const second = secondReader();
      second.expand(compress(first, 3) as Uint8Array);
      const theirs = second.expand(some);
      const ours = expand(some, headersOf(first), 3);
      assert.deepEqual(ours, typeof theirs === 'string' ? theirs : Uint8Array.from(theirs.packet));
      if (typeof theirs !== 'string') taken++;
    }),
    { numRuns: 10_000 },
  );
  assert.ok(taken > 1_500, `of 10000 only ${taken} were taken: nothing is compared`);
});

test('neither throws on arbitrary octets nor changes them', () => {
  const base = headersOf(tcpPacket(ends, { options: timesOption(1, 2) })) as Headers;
  const any = anyTwo.map(([, then]) => compress(then) ?? new Uint8Array(0));
  keepsItsPromises((content) => {
    expand(content, base, 5);
    return undefined;
  }, any);
  keepsItsPromises((packet) => {
    compress(packet);
    return undefined;
  }, anyOddPacket);
});

test('the longest headers are within what a writer may count on', () => {
  const ip = {
    source: inSubnet(ends.sourceSubnet),
    dest: inSubnet(ends.destSubnet),
    trafficClass: 1,
    label: 1,
    hopLimit: 1,
  };
  const options = new Uint8Array(40).fill(1);
  const packet = tcpPacket(ip, { flags: 0xff, urgent: 7, options, checksumOff: 1 });
  const content = compress(packet, NONE, 31) as Uint8Array;
  assert.equal(content.length, 84);
  assert.ok(content.length <= COMPRESSED_MAX);
  assert.deepEqual(expand(content), packet);
});

test('numbers at the edges of what so many octets can say', () => {
  const base = headersOf(tcpPacket(ends, { flags: 0x10, seq: 10 })) as Headers;
  const sizeAt = (seq: number): number => {
    const packet = tcpPacket(ends, { flags: 0x10, seq });
    const content = compress(packet, NONE, NONE, base) as Uint8Array;
    assert.deepEqual(expand(content, base), packet);
    return content.length - 2;
  };
  assert.equal(sizeAt(10), 0);
  assert.equal(sizeAt(10 + 0xbf), 1);
  assert.equal(sizeAt(10 + 0xc0), 2);
  assert.equal(sizeAt(10 - 0x40), 1);
  assert.equal(sizeAt(10 - 0x41), 2);
  assert.equal(sizeAt(10 + 0xbfff), 2);
  assert.equal(sizeAt(10 + 0xc000), 3);
  assert.equal(sizeAt(10 + 0xbf_ffff), 3);
  assert.equal(sizeAt(10 - 0x4000), 2);
  assert.equal(sizeAt(10 - 0x4001), 3);
  assert.equal(sizeAt(10 - 0x40_0000), 3);
  const like = (seq: number) => isLike(headersOf(tcpPacket(ends, { seq })) as Headers, base);
  assert.deepEqual([10 + 0xbf_ffff, 10 + 0xc0_0000, 10 - 0x40_0000, 10 - 0x40_0001].map(like), [
    true,
    false,
    true,
    false,
  ]);
  assert.equal(isNear(headersOf(tcpPacket(ends, { seq: 10 + 0xbfff })) as Headers, base), true);
  assert.equal(isNear(headersOf(tcpPacket(ends, { seq: 10 + 0xc000 })) as Headers, base), false);
});

test('packets of others, fragments of them and what follows a packet go as they are', () => {
  const good = udpPacket(ends, [1, 2], new Uint8Array(3));
  assert.notEqual(headersOf(good), undefined);
  assert.equal(headersOf(Uint8Array.of(...good, 0)), undefined, 'an octet behind it');
  assert.equal(headersOf(good.subarray(0, good.length - 1)), undefined, 'cut off');
  assert.equal(headersOf(udpPacket({ source: ends.dest, dest: ends.source }, [1, 2], rest)), undefined, 'not theirs');
  assert.equal(headersOf(Uint8Array.of(0x40, ...good.subarray(1))), undefined, 'version 4');
  const lying = good.slice();
  lying[45] = 4;
  assert.equal(headersOf(lying)?.rule, RULE.other, 'a UDP length that is another');
});

test('no packet has more than 65535 octets behind its first header', () => {
  const head = compress(udpPacket(ends, [1, 2], new Uint8Array(0))) as Uint8Array;
  const with_ = (data: number): Uint8Array | string => expand(Uint8Array.of(...head, ...new Uint8Array(data)));
  assert.equal(with_(65_527).length, 40 + 65_535);
  assert.equal(with_(65_528), 'malformed');
});

// Vectors

type Vector = { name: string; steps: { packet?: string; content: string; fault?: string }[] };
const vectors: Vector[] = JSON.parse(readFileSync(join(repoRoot, 'test/vectors/compressed.json'), 'utf8'));

for (const { name, steps } of vectors) {
  test(`vector: ${name}`, () => {
    const second = secondReader();
    const bases = new Map<number, Headers>();
    for (const { packet, content, fault } of steps) {
      const headers = new Headers();
      const notes = said();
      const octetsOf = octets(content);
      const found = readCompressed(octetsOf, 0, octetsOf.length, { base: (id) => bases.get(id) }, headers, notes);
      assert.equal(found, fault);
      const theirs = second.expand(octetsOf);
      if (packet === undefined) {
        assert.equal(theirs, fault);
        continue;
      }
      assert.equal(typeof theirs === 'string' ? theirs : theirs.packet.toString('hex'), packet);
      const ours = new Uint8Array(packetSize(headers, octetsOf.length - headers.dataAt));
      writePacket(headers, octetsOf, octetsOf.length, ends, ours, 0);
      assert.equal(Buffer.from(ours).toString('hex'), packet);
      const base = notes.uses === NONE ? undefined : bases.get(notes.uses);
      const again = compress(ours, notes.makes, notes.got, base, notes.uses);
      assert.equal(Buffer.from(again as Uint8Array).toString('hex'), content, 'written as it was');
      if (notes.makes === NONE) continue;
      const made = new Headers();
      made.keep(headers);
      bases.set(notes.makes, made);
    }
  });
}
