import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portableMask } from '../../daemon/links/mask.ts';
import {
  closeFrame,
  type Fault,
  FrameReader,
  HEAD_MAX,
  MESSAGE_MAX,
  OPCODE,
  writeHead,
} from '../../daemon/links/ws-frames.ts';
import { fc, join } from './wire-property.ts';

type Heard = { octets: number[]; controls: [number, number[]][]; fault: Fault | undefined };

/** What comes out when octets go in by chunks. */
function read(isMasked: boolean, chunks: readonly Uint8Array[], stopsAt = Number.POSITIVE_INFINITY): Heard {
  const heard: Heard = { octets: [], controls: [], fault: undefined };
  let isStopped = false;
  const user = {
    octets: (octets: Uint8Array) => {
      assert.ok(octets.length > 0);
      for (const octet of octets) heard.octets.push(octet);
      isStopped = heard.octets.length >= stopsAt;
      return !isStopped;
    },
    control: (opcode: number, payload: Uint8Array) => {
      heard.controls.push([opcode, [...payload]]);
      isStopped = opcode === OPCODE.close;
      return !isStopped;
    },
  };
  const reader = new FrameReader(isMasked, portableMask);
  for (const chunk of chunks) {
    heard.fault = reader.push(chunk.slice(), user);
    if (heard.fault !== undefined || isStopped) break;
  }
  return heard;
}

type Frame = { opcode: number; isLast?: boolean; payload: Uint8Array; key?: number | undefined };

function frame({ opcode, isLast = true, payload, key }: Frame): Uint8Array {
  const octets = new Uint8Array(HEAD_MAX + payload.length);
  const at = writeHead(octets, 0, opcode, payload.length, key);
  if (!isLast) octets[0] = opcode;
  if (key === undefined) octets.set(payload, at);
  else portableMask(payload, 0, payload.length, octets, at, key);
  return octets.subarray(0, at + payload.length);
}

const binary = (size: number, key?: number): Uint8Array =>
  frame({ opcode: OPCODE.binary, payload: new Uint8Array(size).fill(7), key });

const anyPayload = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.integer({ min: 65_530, max: 65_540 }).map((size) => new Uint8Array(size).map((_, i) => i)),
);

for (const isMasked of [true, false]) {
  const way = isMasked ? 'with masks' : 'without masks';

  test(`the stream comes out the same however frames ${way} are cut`, () => {
    const anyMessage = fc.array(anyPayload, { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(
        fc.array(fc.record({ parts: anyMessage, key: fc.nat(0xffff_ffff), pinged: fc.boolean() }), { maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (messages, cuts) => {
          const frames = messages.flatMap(({ parts, key, pinged }) => {
            const masked = isMasked ? { key } : {};
            const data = parts.map((payload, i) => {
              const isLast = i === parts.length - 1;
              return frame({ opcode: i === 0 ? OPCODE.binary : OPCODE.continuation, isLast, payload, ...masked });
            });
            const ping = frame({ opcode: OPCODE.ping, payload: Uint8Array.of(1, 2, 3), ...masked });
            return pinged ? [...data.slice(0, 1), ping, ...data.slice(1)] : data;
          });
          const stream = join(...frames);
          const places = [0, ...cuts.map((at) => at % (stream.length + 1)).sort((a, b) => a - b), stream.length];
          const chunks = places.slice(1).map((end, i) => stream.slice(places[i], end));
          const heard = read(isMasked, chunks);
          assert.equal(heard.fault, undefined);
          assert.deepEqual(Buffer.from(heard.octets), Buffer.concat(messages.flatMap(({ parts }) => parts)));
          const pings = messages.filter(({ pinged }) => pinged);
          assert.deepEqual(
            heard.controls,
            pings.map(() => [OPCODE.ping, [1, 2, 3]]),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  test(`arbitrary octets where frames come ${way} never throw`, () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (chunks) => {
        const { fault } = read(isMasked, chunks);
        if (fault !== undefined) assert.ok([1002, 1003, 1009].includes(fault.code));
      }),
      { numRuns: 500 },
    );
  });
}

test('lengths are written in as few octets as they need', () => {
  for (const [size, head] of [
    [0, 2],
    [125, 2],
    [126, 4],
    [65_535, 4],
    [65_536, 10],
    [MESSAGE_MAX, 10],
  ] as const) {
    const octets = binary(size);
    assert.equal(octets.length, head + size);
    assert.equal(read(false, [octets]).octets.length, size);
    assert.equal(read(true, [binary(size, 5)]).octets.length, size);
  }
});

const BROKEN: readonly [string, boolean, Uint8Array, number][] = [
  ['a frame without a mask from a client', true, binary(1), 1002],
  ['a frame with a mask from a server', false, binary(1, 9), 1002],
  ['a reserved bit', false, Uint8Array.of(0xc2, 0), 1002],
  ['an opcode for messages that means nothing', false, Uint8Array.of(0x83, 0), 1002],
  ['an opcode for control that means nothing', false, Uint8Array.of(0x8b, 0), 1002],
  ['a ping in fragments', false, Uint8Array.of(0x09, 0), 1002],
  ['a ping of 126 octets', false, frame({ opcode: OPCODE.ping, payload: new Uint8Array(126) }), 1002],
  ['a continuation of nothing', false, Uint8Array.of(0x80, 0), 1002],
  ['a message within another', false, Uint8Array.of(0x02, 0, 0x82, 0), 1002],
  ['text', false, Uint8Array.of(0x81, 0), 1003],
  ['a message one octet too large', false, binary(MESSAGE_MAX + 1), 1009],
  ['a message of 2^32 octets', false, Uint8Array.of(0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0), 1009],
  ['a message of 2^64 - 1 octets', false, Uint8Array.of(0x82, 127, ...new Uint8Array(8).fill(255)), 1009],
];

for (const [what, isMasked, octets, code] of BROKEN) {
  test(`${what} is a fault with ${code}, and tells of nothing`, () => {
    const heard = read(isMasked, [octets]);
    assert.equal(heard.fault?.code, code);
    assert.deepEqual([heard.octets, heard.controls], [[], []]);
  });
}

test('fragments count as one message: 131080 octets pass, one more does not', () => {
  const first = { opcode: OPCODE.binary, isLast: false, payload: new Uint8Array(MESSAGE_MAX - 1) };
  for (const [rest, isTaken] of [
    [1, true],
    [2, false],
  ] as const) {
    const last = frame({ opcode: OPCODE.continuation, payload: new Uint8Array(rest) });
    const { fault } = read(false, [frame(first), last]);
    assert.equal(fault === undefined, isTaken);
  }
});

test('nothing is told of after a user who stops, in the middle of a chunk', () => {
  assert.equal(read(false, [join(binary(3), binary(4), closeFrame(1000))], 3).octets.length, 3);
  const { octets, controls } = read(false, [join(closeFrame(1001), binary(4))]);
  assert.deepEqual([octets, controls], [[], [[OPCODE.close, [0x03, 0xe9]]]]);
});
