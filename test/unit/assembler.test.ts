import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Assembler } from '../../daemon/core/link/assembler.ts';
import { Chance } from '../support/core.ts';
import { encodeUvarint, fc, join } from './wire-property.ts';

const nothing = (): void => {};

function frame(body: Uint8Array, padding = 0): Uint8Array {
  return join(encodeUvarint(BigInt(body.length), padding), body);
}

/** The bodies that come out when octets go in by chunks. */
function cut(chunks: readonly Uint8Array[], assembler = new Assembler()): Uint8Array[] | 'malformed' {
  const bodies: Uint8Array[] = [];
  for (const chunk of chunks) {
    const take = (buffer: Uint8Array, bodyAt: number, end: number): boolean => {
      bodies.push(buffer.slice(bodyAt, end));
      return true;
    };
    if (!assembler.push(chunk.slice(), take, nothing)) return 'malformed';
  }
  return bodies;
}

test('frames come out the same however the stream is cut', () => {
  const body = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 20 }),
    fc.integer({ min: 100, max: 20_000 }).map((size) => new Uint8Array(size).fill(size & 0xff)),
  );
  fc.assert(
    fc.property(fc.array(body, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 30 }), (bodies, cuts) => {
      const stream = join(...bodies.map((octets) => frame(octets)));
      const places = [0, ...cuts.map((at) => at % (stream.length + 1)).sort((a, b) => a - b), stream.length];
      const chunks = places.slice(1).map((end, i) => stream.slice(places[i], end));
      const expected = bodies.map((octets) => Uint8Array.from(octets));
      assert.deepEqual(cut(chunks), expected);
    }),
  );
});

test('frames come out octet by octet', () => {
  const bodies = [new Uint8Array(1), new Uint8Array(200).fill(3), new Uint8Array(20_000).fill(4)];
  const stream = join(...bodies.map((body) => frame(body)));
  assert.deepEqual(cut(Array.from(stream, (octet) => Uint8Array.of(octet))), bodies);
});

test('the largest frame passes', () => {
  const body = new Chance(1).octets(131_070);
  const stream = frame(body);
  assert.deepEqual(cut([stream.slice(0, 70_000), stream.slice(70_000)]), [body]);
});

for (const { what, octets } of [
  { what: 'of zero', octets: Uint8Array.of(0) },
  { what: 'above 131070', octets: encodeUvarint(131_071n) },
  { what: 'of eleven octets', octets: new Uint8Array(11).fill(0x80) },
]) {
  test(`a length ${what} is malformed`, () => {
    assert.equal(cut([octets]), 'malformed');
  });

  test(`a length ${what} is malformed when it comes octet by octet`, () => {
    assert.equal(cut(Array.from(octets, (octet) => Uint8Array.of(octet))), 'malformed');
  });
}

test('a length may be longer than necessary', () => {
  const body = Uint8Array.of(1, 2, 3);
  const stream = frame(body, 6);
  assert.deepEqual(cut([stream]), [body]);
  assert.deepEqual(cut([stream.slice(0, 4), stream.slice(4)]), [body]);
});

test('a whole frame is handed over where it lies', () => {
  const chunk = join(frame(Uint8Array.of(1)), frame(Uint8Array.of(2, 3)));
  const buffers: Uint8Array[] = [];
  new Assembler().push(
    chunk,
    (buffer) => {
      buffers.push(buffer);
      return true;
    },
    nothing,
  );
  assert.ok(buffers.length === 2 && buffers.every((buffer) => buffer === chunk));
});

test('nothing more is cut once the taker says so', () => {
  let taken = 0;
  const chunk = join(frame(Uint8Array.of(1)), frame(Uint8Array.of(2)), frame(Uint8Array.of(3)));
  new Assembler().push(chunk, () => ++taken < 2, nothing);
  assert.equal(taken, 2);
});

test('a chunk may be spoilt once it is pushed', () => {
  const assembler = new Assembler();
  const stream = frame(Uint8Array.of(1, 2, 3, 4));
  const first = stream.slice(0, 3);
  assembler.push(first, () => true, nothing);
  first.fill(0xdb);
  assert.deepEqual(cut([stream.slice(3)], assembler), [Uint8Array.of(1, 2, 3, 4)]);
});

test('a frame that spanned two chunks stays whole while the next one begins', () => {
  const assembler = new Assembler();
  const stream = join(frame(Uint8Array.of(1, 2, 3, 4)), frame(Uint8Array.of(9, 9, 9, 9)));
  let kept: Uint8Array | undefined;
  const take = (buffer: Uint8Array, bodyAt: number, end: number): boolean => {
    kept = buffer.subarray(bodyAt, end);
    return true;
  };
  assembler.push(stream.slice(0, 2), take, nothing);
  assembler.push(stream.slice(2, 8), take, nothing);
  assert.deepEqual(kept, Uint8Array.of(1, 2, 3, 4));
});

test('what was handed over is settled before its buffer is filled again', () => {
  const assembler = new Assembler();
  const events: string[] = [];
  const push = (octets: Uint8Array): boolean =>
    assembler.push(
      octets,
      () => events.push('take') > 0,
      () => events.push('settle'),
    );
  const stream = join(frame(Uint8Array.of(1, 2)), frame(Uint8Array.of(3, 4)));
  push(stream.slice(0, 5));
  assert.deepEqual(events, ['take', 'settle']);
});

test('says how many octets wait for the rest of their frame', () => {
  const assembler = new Assembler();
  const stream = frame(new Uint8Array(100));
  cut([stream.slice(0, 40)], assembler);
  assert.equal(assembler.pending, 40);
  cut([stream.slice(40)], assembler);
  assert.equal(assembler.pending, 0);
});

test('an empty chunk changes nothing', () => {
  const assembler = new Assembler();
  assert.deepEqual(cut([new Uint8Array(0)], assembler), []);
  assert.equal(assembler.pending, 0);
});
