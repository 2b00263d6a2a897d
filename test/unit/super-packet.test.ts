import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isSuperPacket, isUnfinished, prepareSuperPacket, segmentLength } from '../../daemon/wire/super-packet.ts';
import { repoRoot } from '../support/places.ts';
import { brokenRule, FLAG, superPacket, TCP, UDP } from '../support/super-packets.ts';
import { anyOctets, fc, keepsItsPromises } from './wire-property.ts';
import { octets } from './wire-vectors.ts';

type Vector = { name: string; content: string; segments?: string[]; breaks?: number };
const vectors: Vector[] = JSON.parse(readFileSync(join(repoRoot, 'test/vectors/super-packets.json'), 'utf8'));

const anyAddress = anyOctets(16, 16);
const anySpec = fc.record({
  protocol: fc.constantFrom<typeof TCP | typeof UDP>(TCP, UDP),
  source: anyAddress,
  dest: anyAddress,
  data: anyOctets(0, 400),
  segmentSize: fc.nat({ max: 410 }),
  flags: fc.nat({ max: 255 }),
  options: fc.nat({ max: 10 }).map((words) => new Uint8Array(4 * words)),
});
const anySuperPacket = anySpec.map((spec) => Uint8Array.from(superPacket(spec)));

const isValid = (view: Uint8Array): boolean => isSuperPacket(view, 0, view.length);

for (const { name, content, breaks } of vectors) {
  test(`${breaks === undefined ? 'takes' : 'refuses'}: ${name}`, () => {
    const view = octets(content).subarray(1);
    assert.equal(isValid(view), breaks === undefined);
    // Where it lies, and what lies around it, changes nothing.
    const buffer = new Uint8Array(view.length + 50).fill(0xff);
    buffer.set(view, 7);
    assert.equal(isSuperPacket(buffer, 7, 7 + view.length), breaks === undefined);
    assert.equal(brokenRule(view) === undefined, breaks === undefined, 'the second reading agrees');
  });
}

test('is of one opinion with a second reading of the rules, whatever comes', () => {
  const any = fc.tuple(anySuperPacket, fc.array(fc.tuple(fc.nat({ max: 70 }), fc.nat({ max: 255 })), { maxLength: 2 }));
  let valid = 0;
  fc.assert(
    fc.property(any, fc.nat({ max: 3 }), ([view, changes], cut) => {
      const changed = view.slice(0, view.length - (cut === 0 ? 1 : 0));
      for (const [at, value] of changes) if (at < changed.length) changed[at] = value;
      assert.equal(isValid(changed), brokenRule(changed) === undefined);
      if (isValid(changed)) valid++;
    }),
    { numRuns: 20_000 },
  );
  assert.ok(valid > 1_000, `of 20000 only ${valid} were valid: nothing is compared`);
});

test('every single octet of both headers is looked at, or may be anything', () => {
  const address = new Uint8Array(16);
  for (const protocol of [TCP, UDP] as const) {
    const view = superPacket({ protocol, source: address, dest: address, data: new Uint8Array(90), segmentSize: 30 });
    for (let at = 0; at < 10 + 40 + 20; at++) {
      for (let value = 0; value < 256; value++) {
        const changed = Uint8Array.from(view);
        changed[at] = value;
        assert.equal(isValid(changed), brokenRule(changed) === undefined, `octet ${at} is ${value}`);
      }
    }
  }
});

test('neither throws on arbitrary octets nor changes them', () => {
  keepsItsPromises((view) => isSuperPacket(view, 0, view.length), anySuperPacket);
  keepsItsPromises((view) => segmentLength(view, 0, view.length), anySuperPacket);
});

test('takes 65535 octets and not one more', () => {
  const address = new Uint8Array(16);
  for (const [size, isTaken] of [
    [65_535, true],
    [65_536, false],
  ] as const) {
    const data = new Uint8Array(size - 60);
    const view = superPacket({ protocol: TCP, source: address, dest: address, data, segmentSize: 1_220 });
    assert.equal(isValid(view), isTaken);
  }
});

test('a kernel’s hint becomes the header length', () => {
  const address = new Uint8Array(16);
  for (const protocol of [TCP, UDP] as const) {
    const view = superPacket({ protocol, source: address, dest: address, data: new Uint8Array(90), segmentSize: 30 });
    const expected = Uint8Array.from(view);
    for (const hint of [0, 40, 129, 0xffff]) {
      view.writeUInt16LE(hint, 2);
      assert.ok(prepareSuperPacket(view, 0, view.length));
      assert.deepEqual(Uint8Array.from(view), expected);
    }
    view[0] = 3;
    assert.ok(prepareSuperPacket(view, 0, view.length), 'other flags mean nothing to a peer');
    assert.deepEqual(Uint8Array.from(view), expected);
  }
});

test('what a peer would refuse is not prepared for it', () => {
  fc.assert(
    fc.property(anySuperPacket, fc.nat({ max: 60 }), fc.nat({ max: 255 }), (view, at, value) => {
      view[at] = value;
      const isPrepared = prepareSuperPacket(view, 0, view.length);
      assert.equal(isPrepared, brokenRule(view) === undefined);
    }),
  );
});

test('a header that asks for nothing is not unfinished', () => {
  assert.equal(isUnfinished(new Uint8Array(10), 0), false);
  // The kernel has seen that the checksum is right.
  assert.equal(isUnfinished(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0), false);
  assert.equal(isUnfinished(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0), true);
  assert.equal(isUnfinished(Uint8Array.of(2, 4, 0, 0, 0, 0, 0, 0, 0, 0), 0), true);
});

test('its size is that of its largest segment', () => {
  const address = new Uint8Array(16);
  const spec = { source: address, dest: address, data: new Uint8Array(90), flags: FLAG.ack };
  const sizeOf = (protocol: typeof TCP | typeof UDP, segmentSize: number): number => {
    const view = superPacket({ ...spec, protocol, segmentSize });
    return segmentLength(view, 0, view.length);
  };
  assert.deepEqual([sizeOf(TCP, 30), sizeOf(UDP, 30), sizeOf(TCP, 0), sizeOf(UDP, 0)], [90, 78, 150, 138]);
});
