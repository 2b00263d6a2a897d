import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '../../daemon/wire/cursor.ts';
import {
  asksForAnswer,
  LINK_FRAME,
  LinkFrames,
  type Range,
  writeCack,
  writeChallenge,
  writeClose,
  writeCtrl,
  writeFnack,
  writeFragHead,
  writePing,
  writeProbe,
  writeRack,
} from '../../daemon/wire/link-frames.ts';
import { fromHex, linkVectors, toHex } from '../support/link-vectors.ts';
import { anyOctets, fc, join, keepsItsPromises } from './wire-property.ts';

type Fields = {
  id: number;
  size: number;
  offset: number;
  data: string;
  cumulative: number;
  ranges: { gap: number; length: number }[];
  ironwood: string;
  index: number;
  last: number;
  missing: number[];
  reason: number;
  text: string;
  highest: number;
  received: number[];
};

const vectorOf = (frame: string): { fields: Fields; bytes: string } => {
  const vector = linkVectors.frames.find((each) => each.frame === frame);
  if (vector === undefined) throw new Error(`no vector for ${frame}`);
  return { fields: vector.fields as Fields, bytes: vector.bytes };
};

const written = (write: (writer: Writer) => void): Uint8Array => {
  const writer = new Writer(new Uint8Array(2_000));
  write(writer);
  return writer.written().slice();
};

/** One frame as a plain object, with the fields that its type has. */
type Frame = Record<string, unknown> & { type: number };

const described = (frames: LinkFrames): Frame => {
  const { type, id, size, offset, index, last, reason, highest } = frames;
  const body = frames.buffer.subarray(frames.start, frames.end);
  switch (type) {
    case LINK_FRAME.ping:
    case LINK_FRAME.pong:
      return { type, id };
    case LINK_FRAME.probe:
    case LINK_FRAME.probed:
      return { type, id, size };
    case LINK_FRAME.ctrl:
      return { type, offset, body };
    case LINK_FRAME.cack:
      return { type, offset, ranges: frames.ranges.slice(0, frames.rangeCount).map(({ from, to }) => [from, to]) };
    case LINK_FRAME.frag:
      return { type, id, index, last, body };
    case LINK_FRAME.fnack:
      return { type, id, last, body };
    case LINK_FRAME.close:
      return { type, reason, body };
    case LINK_FRAME.silent:
      return { type, seconds: frames.seconds };
    case LINK_FRAME.rack:
      return { type, highest, body };
    default:
      return { type, body };
  }
};

const readAll = (octets: Uint8Array): { frames: Frame[]; fault: LinkFrames['fault'] } => {
  const reader = new LinkFrames();
  reader.open(octets, 0, octets.length);
  const frames: Frame[] = [];
  while (reader.next()) frames.push(described(reader));
  return { frames, fault: reader.fault };
};

const readsAs = (octets: Uint8Array, frame: Frame): void => {
  assert.deepEqual(readAll(octets), { frames: [frame], fault: undefined });
};

test('PING is as in the vectors, and PONG differs in its type', () => {
  const { fields, bytes } = vectorOf('PING');
  const octets = written((writer) => writePing(writer, LINK_FRAME.ping, fields.id));
  assert.equal(toHex(octets), bytes);
  readsAs(octets, { type: LINK_FRAME.ping, id: 7 });
  readsAs(
    written((writer) => writePing(writer, LINK_FRAME.pong, 0xffff_fffe)),
    { type: LINK_FRAME.pong, id: 0xffff_fffe },
  );
});

test('CTRL is as in the vectors', () => {
  const { fields, bytes } = vectorOf('CTRL');
  const body = fromHex(fields.data);
  const octets = written((writer) => writeCtrl(writer, fields.offset, body));
  assert.equal(toHex(octets), bytes);
  readsAs(octets, { type: LINK_FRAME.ctrl, offset: 300, body });
});

test('CACK is as in the vectors, with its ranges made absolute', () => {
  const { fields, bytes } = vectorOf('CACK');
  const ranges: Range[] = [];
  let at = fields.cumulative;
  for (const { gap, length } of fields.ranges) {
    ranges.push({ from: at + gap, to: at + gap + length });
    at += gap + length;
  }
  const octets = written((writer) => writeCack(writer, fields.cumulative, ranges));
  assert.equal(toHex(octets), bytes);
  const expected = [
    [1_024, 1_124],
    [1_125, 1_425],
  ];
  readsAs(octets, { type: LINK_FRAME.cack, offset: 1_000, ranges: expected });
});

test('MSG, MSGL and FRAG are as in the vectors', () => {
  const msg = vectorOf('MSG');
  readsAs(fromHex(msg.bytes), { type: LINK_FRAME.msg, body: fromHex(msg.fields.ironwood) });
  const msgl = vectorOf('MSGL');
  readsAs(fromHex(msgl.bytes), { type: LINK_FRAME.msgl, body: fromHex(msgl.fields.ironwood) });
  const { fields, bytes } = vectorOf('FRAG');
  const body = fromHex(fields.data);
  const octets = written((writer) => {
    writeFragHead(writer, fields.id, fields.index, fields.last);
    writer.octets(body);
  });
  assert.equal(toHex(octets), bytes);
  readsAs(octets, { type: LINK_FRAME.frag, id: 258, index: 3, last: 10, body });
});

test('FNACK is as in the vectors', () => {
  const { fields, bytes } = vectorOf('FNACK');
  const octets = written((writer) =>
    writeFnack(writer, fields.id, fields.last, (index) => fields.missing.includes(index)),
  );
  assert.equal(toHex(octets), bytes);
  readsAs(octets, { type: LINK_FRAME.fnack, id: 258, last: 10, body: Uint8Array.of(0x09, 0x04) });
});

test('PCHAL and PROBE are as in the vectors; PRESP and PROBED differ in their types', () => {
  const challenge = vectorOf('PCHAL');
  const body = fromHex(challenge.fields.data);
  assert.equal(toHex(written((writer) => writeChallenge(writer, LINK_FRAME.pchal, body))), challenge.bytes);
  readsAs(fromHex(challenge.bytes), { type: LINK_FRAME.pchal, body });
  readsAs(
    written((writer) => writeChallenge(writer, LINK_FRAME.presp, body)),
    { type: LINK_FRAME.presp, body },
  );
  const { fields, bytes } = vectorOf('PROBE');
  const probe = written((writer) => writeProbe(writer, LINK_FRAME.probe, fields.id, fields.size));
  assert.equal(`${toHex(probe)}00`, bytes, 'the vector ends with the PAD that follows');
  readsAs(fromHex(bytes), { type: LINK_FRAME.probe, id: 9, size: 1_400 });
  readsAs(
    written((writer) => writeProbe(writer, LINK_FRAME.probed, 9, 65_507)),
    { type: LINK_FRAME.probed, id: 9, size: 65_507 },
  );
});

test('CLOSE is as in the vectors, and its text is cut to 64 octets', () => {
  const { fields, bytes } = vectorOf('CLOSE');
  const text = new TextEncoder().encode(fields.text);
  assert.equal(toHex(written((writer) => writeClose(writer, fields.reason, text))), bytes);
  readsAs(fromHex(bytes), { type: LINK_FRAME.close, reason: 3, body: text });
  const long = written((writer) => writeClose(writer, 1, new Uint8Array(100).fill(65)));
  assert.equal(long.length, 66);
  assert.equal(readAll(join(long, Uint8Array.of(65))).fault, 'malformed');
});

test('RACK is as in the vectors', () => {
  const { fields, bytes } = vectorOf('RACK');
  const bits = new Uint8Array(2);
  for (const counter of fields.received) {
    const behind = fields.highest - 1 - counter;
    bits[behind >> 3] = (bits[behind >> 3] as number) | (1 << (behind & 7));
  }
  const octets = written((writer) => writeRack(writer, fields.highest, bits));
  assert.equal(toHex(octets), bytes);
  readsAs(octets, { type: LINK_FRAME.rack, highest: 70_000 & 0xffff, body: bits });
});

test('several frames lie in one packet, and PAD ends it', () => {
  const { frames, fault } = readAll(fromHex('0100000007 0309026869 0602090a 0200000008 00ffffff'.replaceAll(' ', '')));
  assert.deepEqual(
    frames.map(({ type }) => type),
    [LINK_FRAME.ping, LINK_FRAME.ctrl, LINK_FRAME.msgl, LINK_FRAME.pong],
  );
  assert.equal(fault, undefined);
});

test('an empty packet is well formed', () => {
  assert.deepEqual(readAll(new Uint8Array(0)), { frames: [], fault: undefined });
});

test('types of the future are skipped, all others end the packet', () => {
  for (const type of [0x12, 0x2a, 0x3f]) {
    const { frames, fault } = readAll(join(Uint8Array.of(type, 2, 1, 1), fromHex('0100000007')));
    assert.deepEqual([frames.length, fault], [1, undefined]);
    assert.equal(readAll(Uint8Array.of(type, 2, 1)).fault, 'malformed');
  }
  for (const type of [0x0e, 0x40, 0x80, 0xff]) {
    const { frames, fault } = readAll(join(fromHex('0100000007'), Uint8Array.of(type), fromHex('0100000008')));
    assert.deepEqual([frames.length, fault], [1, 'unknown']);
  }
});

const WHOLE: [string, string][] = [
  ['PING', '0100000007'],
  ['PONG', '0200000007'],
  ['CTRL', '03ac020568656c6c6f'],
  ['CACK', '04e80702186401ac02'],
  ['MSG', '0509'],
  ['MSGL', '060309aabb'],
  ['FRAG', '070102030aca'],
  ['FNACK', '0801020a0904'],
  ['PCHAL', '090102030405060708'],
  ['PRESP', '0a0102030405060708'],
  ['PROBE', '0b00000009057800'],
  ['PROBED', '0c000000090578'],
  ['CLOSE', '0d03'],
  ['RACK', '0f1170020502'],
  ['SILENT', '1002012c'],
];

for (const [name, bytes] of WHOLE) {
  test(`a ${name} that is cut off ends the packet; what came before stands`, () => {
    const whole = fromHex(name === 'PROBE' ? bytes.slice(0, 14) : bytes);
    for (let length = 1; length < whole.length; length++) {
      const { frames, fault } = readAll(join(fromHex('0200000001'), whole.subarray(0, length)));
      assert.deepEqual([frames.length, fault], [1, 'malformed'], `${length} octets`);
    }
  });
}

test('malformed bodies are no frames', () => {
  const malformed = [
    '0600', // MSGL of nothing
    '0701020b0aca', // FRAG with an index above the last
    `040009${'0101'.repeat(9)}`, // CACK with more than 8 ranges
    `0f000021${'00'.repeat(33)}`, // RACK with more than 32 octets
    '03ffffffffffffffffff0101aa', // CTRL at an offset of 2^63 and more
    '04ffffffffffffffff0f0101ff', // CACK whose range ends above 2^53
    '03808080808080808080800101', // an uvarint of more than 10 octets
  ];
  for (const bytes of malformed) assert.deepEqual(readAll(fromHex(bytes)), { frames: [], fault: 'malformed' }, bytes);
});

test('who is asked answers: PING, CTRL, messages, challenges, probes', () => {
  const asking = Object.entries(LINK_FRAME).filter(([, type]) => asksForAnswer(type));
  assert.deepEqual(
    asking.map(([name]) => name),
    ['ping', 'ctrl', 'msg', 'msgl', 'frag', 'pchal', 'probe'],
  );
});

const anyRanges = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 1, max: 2 ** 20 })), { maxLength: 12 })
  .map((steps) => {
    let at = 0;
    return steps.map(([gap, length]): Range => {
      const from = at + gap;
      at = from + length;
      return { from, to: at };
    });
  });

test('gives back the CACK it wrote, cut to 8 ranges', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 40 }), anyRanges, (offset, ranges) => {
      const absolute = ranges.map(({ from, to }) => ({ from: from + offset, to: to + offset }));
      const octets = written((writer) => writeCack(writer, offset, absolute));
      const pairs = absolute.slice(0, 8).map(({ from, to }) => [from, to]);
      readsAs(octets, { type: LINK_FRAME.cack, offset, ranges: pairs });
    }),
  );
});

test('decodes arbitrary octets without throwing or copying', () => {
  const vectors = WHOLE.map(([, bytes]) => fromHex(bytes));
  const packets = fc
    .array(fc.oneof(fc.constantFrom(...vectors), anyOctets(0, 20)), { maxLength: 12 })
    .map((parts) => join(...parts));
  keepsItsPromises(readAll, packets);
});
