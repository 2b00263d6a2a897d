import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reader, Writer } from '../../daemon/wire/cursor.ts';
import { commonHops, hopCount, pathPorts, readPath, treeDistance, writePath } from '../../daemon/wire/path.ts';
import {
  anyOctets,
  anyPorts,
  encodePorts,
  encodeUvarint,
  fc,
  join,
  keepsItsPromises,
  U64_EDGES,
} from './wire-property.ts';
import { vectors } from './wire-vectors.ts';

const END = Uint8Array.of(0);

function readWhole(octets: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(octets);
  const path = readPath(reader);
  return reader.isDone ? path : undefined;
}

test('gives back the path it wrote, with 64-bit ports exact', () => {
  fc.assert(
    fc.property(anyPorts, (ports) => {
      const path = encodePorts(ports);
      const writer = new Writer(new Uint8Array(path.length + 1));
      writePath(writer, path);
      assert.deepEqual(readWhole(writer.written()), path);
      assert.deepEqual(pathPorts(path), ports.map(String));
      assert.equal(hopCount(path), ports.length);
    }),
  );
});

test('reads ports longer than needed as their shortest form', () => {
  const padded = fc.tuple(anyPorts, fc.array(fc.nat({ max: 9 }), { minLength: 20, maxLength: 20 }));
  fc.assert(
    fc.property(padded, fc.nat({ max: 9 }), ([ports, paddings], endPadding) => {
      const octets = ports.map((port, i) => {
        const room = 10 - encodeUvarint(port).length;
        return encodeUvarint(port, Math.min(room, paddings[i] ?? 0));
      });
      assert.deepEqual(readWhole(join(...octets, encodeUvarint(0n, endPadding))), encodePorts(ports));
    }),
  );
});

test('points into the input when the path is in its shortest form', () => {
  const input = join(encodePorts([1n, 300n]), END);
  assert.equal(readWhole(input)?.buffer, input.buffer);
});

test('leaves what follows the terminator to the caller', () => {
  const reader = new Reader(Uint8Array.of(5, 0, 7));
  assert.deepEqual(readPath(reader), Uint8Array.of(5));
  assert.equal(reader.u8(), 7);
});

test('fails without a terminator, or on a malformed port', () => {
  assert.equal(readWhole(new Uint8Array(0)), undefined);
  assert.equal(readWhole(Uint8Array.of(1, 2, 3)), undefined);
  assert.equal(readWhole(Uint8Array.of(1, 0x80)), undefined);
  assert.equal(readWhole(join(new Uint8Array(9).fill(0xff), Uint8Array.of(2, 0))), undefined);
});

test('decodes arbitrary octets without throwing or copying more than they are', () => {
  keepsItsPromises(
    readWhole,
    anyPorts.map((ports) => join(encodePorts(ports), END)),
  );
});

test('shortens the padded ports of a largest frame', () => {
  const input = new Uint8Array(131_069);
  for (let i = 0; i + 2 < input.length; i += 2) input.set([0x81, 0], i);
  assert.deepEqual(readWhole(input), new Uint8Array(65_534).fill(1));
});

test('measures the tree distances of the vectors', () => {
  for (const { a, b, distance } of vectors.tree_distance.items) {
    const from = encodePorts(a.map(BigInt));
    const to = encodePorts(b.map(BigInt));
    assert.equal(treeDistance(from, to), distance);
    assert.equal(treeDistance(to, from), distance);
  }
});

test('measures distances port by port, not octet by octet', () => {
  const alphabet = fc.array(fc.constantFrom(1n, 2n, 129n, 130n, 257n, ...U64_EDGES.slice(5)), { maxLength: 8 });
  fc.assert(
    fc.property(alphabet, alphabet, (a, b) => {
      let common = 0;
      while (common < a.length && common < b.length && a[common] === b[common]) common++;
      assert.equal(commonHops(encodePorts(a), encodePorts(b)), common);
      assert.equal(treeDistance(encodePorts(a), encodePorts(b)), a.length + b.length - 2 * common);
    }),
  );
});

test('counts hops inside a larger buffer', () => {
  fc.assert(
    fc.property(anyPorts, anyOctets(0, 5), anyOctets(0, 5), (ports, before, after) => {
      const path = encodePorts(ports);
      const buffer = join(before, path, after);
      const end = before.length + path.length;
      assert.equal(hopCount(buffer, before.length, end), ports.length);
      assert.equal(commonHops(path, buffer, before.length, end), ports.length);
    }),
  );
});
