import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GREETING_HEADER, greetingSize, readGreeting, writeGreeting } from '../../daemon/wire/greeting.ts';
import { anyKey, anySig, fc, join, keepsItsPromises } from './wire-property.ts';
import { hex, octets, vectors } from './wire-vectors.ts';

const key = new Uint8Array(32).fill(0xaa);
const sig = new Uint8Array(64).fill(0xbb);

function field(type: number, value: Uint8Array): Uint8Array {
  return join(Uint8Array.of(type >> 8, type & 0xff, value.length >> 8, value.length & 0xff), value);
}

const MAJOR = field(0, Uint8Array.of(0, 0));
const MINOR = field(1, Uint8Array.of(0, 5));
const KEY = field(2, key);
const PRIORITY = field(3, Uint8Array.of(9));

function greeting(...parts: Uint8Array[]): Uint8Array {
  const body = join(...parts, sig);
  return join(Buffer.from('meta'), Uint8Array.of(body.length >> 8, body.length & 0xff), body);
}

test('reads and writes every greeting of the vectors', () => {
  for (const { priority, message } of vectors.handshake.items) {
    const wire = octets(message);
    assert.equal(greetingSize(wire.subarray(0, GREETING_HEADER)), wire.length);
    const read = readGreeting(wire);
    assert.ok(read?.key !== undefined);
    assert.deepEqual([read.major, read.minor, read.priority], [0, 5, priority]);
    assert.equal(hex(writeGreeting(read.key, priority, read.signature)), message);
  }
});

test('gives back the greeting it wrote', () => {
  fc.assert(
    fc.property(anyKey, fc.nat({ max: 255 }), anySig, (anyKeyOctets, priority, signature) => {
      const read = readGreeting(writeGreeting(anyKeyOctets, priority, signature));
      assert.deepEqual(read, { major: 0, minor: 5, key: anyKeyOctets, priority, signature });
    }),
  );
});

test('takes fields in any order and skips unknown types', () => {
  const unknown = field(99, new Uint8Array(7));
  const expected = { major: 0, minor: 5, key, priority: 9, signature: sig };
  assert.deepEqual(readGreeting(greeting(PRIORITY, unknown, KEY, MINOR, MAJOR, field(0xffff, key))), expected);
});

test('takes the last of a repeated field', () => {
  const read = readGreeting(greeting(MAJOR, MINOR, KEY, PRIORITY, field(3, Uint8Array.of(1))));
  assert.equal(read?.priority, 1);
});

test('reports absent fields: no key, versions -1, priority 0', () => {
  const expected = { major: -1, minor: -1, key: undefined, priority: 0, signature: sig };
  assert.deepEqual(readGreeting(greeting()), expected);
});

test('reports other versions for the caller to refuse', () => {
  const read = readGreeting(greeting(field(0, Uint8Array.of(1, 0)), field(1, Uint8Array.of(0, 4)), KEY));
  assert.deepEqual([read?.major, read?.minor], [256, 4]);
});

test('rejects a known field of a wrong length', () => {
  for (let type = 0; type < 4; type++) {
    for (const length of [0, 1, 2, 3, 31, 32, 33]) {
      const right = [2, 2, 32, 1][type] === length;
      const read = readGreeting(greeting(KEY, field(type, new Uint8Array(length))));
      assert.equal(read !== undefined, right, `type ${type}, ${length} octets`);
    }
  }
});

test('rejects a value that runs past the end, and one to three octets left over', () => {
  assert.equal(readGreeting(greeting(MAJOR, KEY.subarray(0, 35))), undefined);
  for (const left of [1, 2, 3])
    assert.equal(readGreeting(greeting(MAJOR, MINOR, KEY, new Uint8Array(left))), undefined);
});

test('does not let a field reach into the signature', () => {
  assert.equal(readGreeting(greeting(Uint8Array.of(0, 99, 0, 64))), undefined);
});

test('knows the size from the first six octets, and refuses a wrong magic or room for no signature', () => {
  const head = (length: number, magic = 'meta'): Uint8Array =>
    join(Buffer.from(magic), Uint8Array.of(length >> 8, length & 0xff));
  assert.equal(greetingSize(head(64)), 70);
  assert.equal(greetingSize(head(65_535)), 65_541);
  assert.equal(greetingSize(head(63)), undefined);
  assert.equal(greetingSize(head(117, 'metb')), undefined);
  assert.equal(greetingSize(head(117, 'Meta')), undefined);
  assert.equal(greetingSize(new Uint8Array(0)), undefined);
});

test('wants exactly one greeting, no more and no less', () => {
  const whole = greeting(MAJOR, MINOR, KEY);
  assert.ok(readGreeting(whole));
  assert.equal(readGreeting(join(whole, Uint8Array.of(0))), undefined);
  assert.equal(readGreeting(whole.subarray(0, -1)), undefined);
});

test('decodes arbitrary octets without throwing or copying', () => {
  const parts = fc.array(fc.constantFrom(MAJOR, MINOR, KEY, PRIORITY, field(77, key)), { maxLength: 6 });
  keepsItsPromises(
    readGreeting,
    parts.map((list) => greeting(...list)),
  );
});
