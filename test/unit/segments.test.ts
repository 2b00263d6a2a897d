import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Cutter } from '../../daemon/core/port.ts';
import { nativeCutter } from '../../daemon/host/tun.ts';
import { segmentCount } from '../../daemon/wire/segments.ts';
import { findAddon } from '../../native-bindings/addon.ts';
import { repoRoot } from '../support/places.ts';
import {
  assertChecksum,
  assertSegments,
  cutAll,
  portableCutter,
  superPacket,
  TCP,
  UDP,
} from '../support/super-packets.ts';
import { anyOctets, anyU32, fc } from './wire-property.ts';
import { hex, octets } from './wire-vectors.ts';

type Vector = { name: string; content: string; segments?: string[] };
const vectors: Vector[] = JSON.parse(readFileSync(join(repoRoot, 'test/vectors/super-packets.json'), 'utf8'));

const { addon, problem } = findAddon(process.env.RATATOSK_TEST_ADDON);
const native = addon === undefined ? undefined : nativeCutter(addon);
const skip = native === undefined ? `needs the addon: ${problem}` : false;
const cutters: [string, Cutter, string | false][] = [
  ['portable', portableCutter, false],
  ['native', native ?? portableCutter, skip],
];

const anyAddress = anyOctets(16, 16);
const anySpec = fc.record({
  protocol: fc.constantFrom<typeof TCP | typeof UDP>(TCP, UDP),
  source: anyAddress,
  dest: anyAddress,
  data: anyOctets(1, 700),
  segmentSize: fc.integer({ min: 1, max: 800 }),
  flags: fc.nat({ max: 255 }),
  seq: anyU32,
  options: fc.nat({ max: 10 }).map((words) => new Uint8Array(4 * words).fill(1)),
});

for (const [name, cutter, skipped] of cutters) {
  for (const { name: what, content, segments } of vectors) {
    if (segments === undefined) continue;
    test(`${name}: ${what}`, { skip: skipped }, () => {
      const view = octets(content).slice(1);
      if (view[1] !== 0) return assert.deepEqual(cutAll(cutter, view).map(hex), segments);
      assert.ok(cutter.complete(view, 0, view.length));
      assert.deepEqual([hex(view.subarray(10))], segments);
    });
  }

  test(`${name}: segments are whole packets that carry the same stream`, { skip: skipped }, () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const view = superPacket(spec);
        assertSegments(view, cutAll(cutter, view));
        assert.equal(segmentCount(view, 0, view.length), Math.ceil(spec.data.length / spec.segmentSize));
      }),
      { numRuns: 500 },
    );
  });

  test(`${name}: at every segment size, with arenas and columns that hold only some`, { skip: skipped }, () => {
    const data = Uint8Array.from({ length: 300 }, (_, i) => i * 7);
    const [source, dest] = [new Uint8Array(16).fill(2), new Uint8Array(16).fill(3)];
    for (let segmentSize = 1; segmentSize <= 301; segmentSize++) {
      for (const protocol of [TCP, UDP] as const) {
        const view = superPacket({ protocol, source, dest, data, segmentSize, flags: 0x99, seq: 0xffff_ff00 });
        const whole = cutAll(cutter, view);
        assertSegments(view, whole);
        assert.deepEqual(cutAll(cutter, view, 450), whole);
        assert.deepEqual(cutAll(cutter, view, 5_000, 3), whole);
      }
    }
  });

  test(`${name}: the largest there is, in segments of every usual size`, { skip: skipped }, () => {
    const [source, dest] = [new Uint8Array(16).fill(0xff), new Uint8Array(16).fill(0xfe)];
    // All ones: sums that are large.
    const data = new Uint8Array(65_535 - 60).fill(0xff);
    for (const segmentSize of [536, 1_208, 1_220, 1_360, 8_940, 32_768, 65_474]) {
      const view = superPacket({ protocol: TCP, source, dest, data, segmentSize });
      assertSegments(view, cutAll(cutter, view));
    }
  });

  test(`${name}: a checksum is completed whatever the packet's length`, { skip: skipped }, () => {
    const [source, dest] = [new Uint8Array(16).fill(0x21), new Uint8Array(16).fill(0xfe)];
    for (const length of [...Array.from({ length: 200 }, (_, i) => i), 1_399, 1_400, 65_475]) {
      for (const protocol of [TCP, UDP] as const) {
        const data = Uint8Array.from({ length }, (_, i) => i * i + length);
        const view = superPacket({ protocol, source, dest, data, segmentSize: 0 });
        assert.ok(cutter.complete(view, 0, view.length));
        assertChecksum(view.subarray(10));
      }
    }
  });

  test(`${name}: extension headers are copied, and the checksum is that of the kernel's pseudo header`, {
    skip: skipped,
  }, () => {
    const [source, dest] = [new Uint8Array(16).fill(0x21), new Uint8Array(16).fill(0xfe)];
    const data = Uint8Array.from({ length: 100 }, (_, i) => i);
    const plain = superPacket({ protocol: TCP, source, dest, data, segmentSize: 33 });
    const options = Buffer.from('0600010400000000', 'hex');
    const view = Buffer.concat([plain.subarray(0, 50), options, plain.subarray(50)]);
    view.writeUInt8(60, 16);
    view.writeUInt16BE(plain.length - 50 + 8, 14);
    view.writeUInt16LE(48, 6);
    const without = cutAll(cutter, plain);
    const withOptions = cutAll(cutter, view);
    for (const [i, segment] of withOptions.entries()) {
      assert.deepEqual(Buffer.from(segment.subarray(40, 48)), options);
      assert.equal(Buffer.from(segment).readUInt16BE(4), segment.length - 40);
      assert.deepEqual(segment.subarray(48), without[i]?.subarray(40));
    }
  });

  test(`${name}: arbitrary octets make nothing but segments inside the arena`, { skip: skipped }, () => {
    fc.assert(
      fc.property(
        anySpec,
        fc.array(fc.tuple(fc.nat({ max: 75 }), fc.nat({ max: 255 }))),
        fc.nat(200),
        (spec, changes, cut) => {
          const whole = superPacket(spec);
          const view = Uint8Array.from(whole.subarray(0, Math.max(1, whole.length - (cut > 120 ? 0 : cut))));
          for (const [at, value] of changes) if (at < view.length) view[at] = value;
          const room = { arena: new Uint8Array(2_000), offsets: new Int32Array(9), lengths: new Int32Array(9) };
          const into = { ...room, used: 0, count: 0 };
          const twin = {
            ...room,
            arena: new Uint8Array(2_000),
            offsets: new Int32Array(9),
            lengths: new Int32Array(9),
          };
          const twinInto = { ...twin, used: 0, count: 0 };
          assert.equal(
            cutter.cut(view, 0, view.length, 0, 10, into),
            portableCutter.cut(view, 0, view.length, 0, 10, twinInto),
          );
          assert.deepEqual(into, twinInto);
          const [one, other] = [view.slice(), view.slice()];
          assert.equal(cutter.complete(one, 0, view.length), portableCutter.complete(other, 0, view.length));
          assert.deepEqual(one, other);
        },
      ),
      { numRuns: 3_000 },
    );
  });
}

test('native: a call outside of its buffers is our mistake', { skip }, () => {
  const view = superPacket({
    protocol: TCP,
    source: new Uint8Array(16),
    dest: new Uint8Array(16),
    data: new Uint8Array(50),
    segmentSize: 20,
  });
  const column = new Int32Array(4);
  const cut = (at: number, end: number, used = 0, count = 0, arena = new Uint8Array(500)) =>
    addon?.cutSegments(view, at, end, 0, 64, arena, used, column, column, count);
  assert.equal(cut(0, view.length), 3);
  assert.throws(() => cut(0, view.length + 1), RangeError);
  assert.throws(() => cut(-1, view.length), RangeError);
  assert.throws(() => cut(view.length, view.length), RangeError);
  assert.throws(() => cut(0, view.length, 501), RangeError);
  assert.throws(() => cut(0, view.length, 0, 5), RangeError);
  assert.throws(() => addon?.completeChecksum(view, 0, view.length + 1), RangeError);
  // No room is no mistake.
  assert.equal(cut(0, view.length, 500, 2), 2);
  assert.equal(cut(0, view.length, 0, 4), 4);
});
