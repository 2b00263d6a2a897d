import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinHalves, Writer } from '../../daemon/wire/cursor.ts';
import { FRAME, FRAME_MAX, readFrameHead } from '../../daemon/wire/frame.ts';
import { PATH_MAX_HOPS } from '../../daemon/wire/path.ts';
import {
  lowerWatermark,
  readTraffic,
  TRAFFIC_HEAD_MAX,
  type TrafficView,
  trafficHeadSize,
  trafficView,
  writeTrafficHead,
} from '../../daemon/wire/traffic.ts';
import {
  anyKey,
  anyOctets,
  anyPath,
  anyRecord,
  anyU64,
  encodePorts,
  encodeUvarint,
  fc,
  join,
  keepsItsPromises,
} from './wire-property.ts';
import { hex, need, octets, vectors } from './wire-vectors.ts';

type Traffic = {
  path: Uint8Array;
  from: Uint8Array;
  source: Uint8Array;
  dest: Uint8Array;
  watermark: bigint;
  payload: Uint8Array;
};

const END = Uint8Array.of(0);

const anyTraffic: fc.Arbitrary<Traffic> = anyRecord({
  path: anyPath,
  from: anyPath,
  source: anyKey,
  dest: anyKey,
  watermark: anyU64,
  payload: anyOctets(0, 100),
});

/** We send a distance in the tree as the watermark. */
const anySentTraffic = fc
  .tuple(anyTraffic, fc.nat({ max: 600 }))
  .map(([traffic, distance]) => ({ ...traffic, watermark: BigInt(distance) }));

function bodyOf(traffic: Traffic): Uint8Array {
  const { path, from, source, dest, watermark, payload } = traffic;
  return join(path, END, from, END, source, dest, encodeUvarint(watermark), payload);
}

function read(body: Uint8Array, start = 0, end = body.length): TrafficView | undefined {
  const view = trafficView();
  return readTraffic(body, start, end, view) ? view : undefined;
}

function fieldsOf(view: TrafficView): Traffic {
  return {
    path: view.path,
    from: view.from,
    source: view.buffer.subarray(view.sourceAt, view.sourceAt + 32),
    dest: view.buffer.subarray(view.destAt, view.destAt + 32),
    watermark: joinHalves(view.watermarkHigh, view.watermarkLow),
    payload: view.buffer.subarray(view.payloadAt, view.end),
  };
}

function frameOf(traffic: Traffic): Uint8Array {
  const { path, from, source, dest, watermark, payload } = traffic;
  const mark = Number(watermark);
  const size = trafficHeadSize(path, from, mark, payload.length);
  const writer = new Writer(new Uint8Array(size + payload.length));
  writeTrafficHead(writer, path, from, source, dest, mark, payload.length);
  assert.equal(writer.pos, size);
  return writer.octets(payload).written();
}

const items = vectors.routing_messages.items
  .filter((item) => item.type_octet === FRAME.traffic)
  .map(({ note, fields, body, frame }) => ({
    note,
    body,
    frame,
    traffic: {
      path: encodePorts(need(fields.path).map(BigInt)),
      from: encodePorts(need(fields.from).map(BigInt)),
      source: octets(need(fields.source)),
      dest: octets(need(fields.dest)),
      watermark: BigInt(need(fields.watermark)),
      payload: octets(need(fields.payload)),
    },
  }));

test('reads the fields of every Traffic body of the vectors', () => {
  assert.equal(items.length, 2);
  for (const { note, body, traffic } of items) assert.deepEqual(fieldsOf(need(read(octets(body)))), traffic, note);
});

test('writes the forwarded Traffic frame of the vectors', () => {
  const forwarded = need(items.find(({ traffic }) => traffic.watermark === 1n));
  assert.equal(hex(frameOf(forwarded.traffic)), forwarded.frame);
});

test('lowers a fresh watermark to the forwarded frame of the vectors', () => {
  const forwarded = need(items.find(({ traffic }) => traffic.watermark === 1n));
  const body = bodyOf({ ...forwarded.traffic, watermark: 2n ** 64n - 1n });
  const start = lowerWatermark(need(read(body)), 0, 1);
  assert.equal(hex(body.subarray(start)), forwarded.body);
});

test('reads what it wrote, inside a larger buffer', () => {
  fc.assert(
    fc.property(anySentTraffic, anyOctets(0, 9), anyOctets(0, 9), (traffic, before, after) => {
      const frame = frameOf(traffic);
      const head = { prefix: 0, length: 0 };
      assert.equal(readFrameHead(frame, 0, frame.length, head), 'complete');
      assert.equal(head.prefix + head.length, frame.length);
      assert.equal(frame[head.prefix], FRAME.traffic);
      const start = before.length + head.prefix + 1;
      const view = read(join(before, frame, after), start, before.length + frame.length);
      assert.deepEqual(fieldsOf(need(view)), traffic);
    }),
  );
});

test('reads any watermark exactly', () => {
  fc.assert(fc.property(anyTraffic, (traffic) => assert.deepEqual(fieldsOf(need(read(bodyOf(traffic)))), traffic)));
});

test('lowers any watermark in place and touches nothing else', () => {
  const lower = fc.tuple(anyTraffic, fc.nat({ max: 600 })).filter(([traffic, mark]) => traffic.watermark > mark);
  fc.assert(
    fc.property(lower, anyOctets(0, 9), ([traffic, mark], before) => {
      const buffer = join(before, bodyOf(traffic));
      const view = need(read(buffer, before.length));
      const start = lowerWatermark(view, before.length, mark);
      assert.deepEqual(buffer.subarray(start), bodyOf({ ...traffic, watermark: BigInt(mark) }));
      assert.deepEqual(buffer.subarray(0, before.length), before);
    }),
  );
});

test('lowers a watermark and keeps padded ports as they came', () => {
  const padded = join(encodeUvarint(5n, 2), END, encodeUvarint(6n, 1), END, new Uint8Array(64));
  const body = join(padded, encodeUvarint(300n, 1), Uint8Array.of(42));
  const view = need(read(body));
  assert.deepEqual([view.path, view.from], [Uint8Array.of(5), Uint8Array.of(6)]);
  const start = lowerWatermark(view, 0, 299);
  assert.deepEqual(body.subarray(start), join(padded, encodeUvarint(299n), Uint8Array.of(42)));
});

test('rejects a truncated head; an empty payload is none', () => {
  const body = bodyOf(need(items[0]).traffic).subarray(0, -193);
  for (let length = 0; length < body.length; length++) assert.equal(read(body.subarray(0, length)), undefined);
  assert.equal(fieldsOf(need(read(body))).payload.length, 0);
});

test('does not read a head that runs past its end into the rest of the buffer', () => {
  const body = bodyOf(need(items[0]).traffic);
  const payloadAt = need(read(body)).payloadAt;
  for (let end = 0; end < payloadAt; end++) assert.equal(read(body, 0, end), undefined);
});

test('needs no more room for a head than it says, and no more than a frame for the largest payload', () => {
  const deepest = encodePorts(Array.from({ length: PATH_MAX_HOPS }, () => 2n ** 64n - 1n));
  const head = trafficHeadSize(deepest, deepest, 2 * PATH_MAX_HOPS, 100_000);
  assert.ok(head <= TRAFFIC_HEAD_MAX && head > TRAFFIC_HEAD_MAX - 10);
  const none = new Uint8Array(0);
  const prefix = 3;
  assert.ok(trafficHeadSize(none, none, 0, 130_993) + 130_993 <= prefix + FRAME_MAX);
});

test('decodes arbitrary octets without throwing or copying more than they are', () => {
  keepsItsPromises(read, anyTraffic.map(bodyOf));
});
