import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goJson } from '../../daemon/host/admin-json.ts';
import { readForeignJson } from '../../daemon/host/foreign-json.ts';
import { anyOctets, fc } from './wire-property.ts';

const read = (text: string) => readForeignJson(new TextEncoder().encode(text));

test('reads an object, with space around it', () => {
  assert.deepEqual(read(' {"a":[1,{"b":null}]}\n'), { a: [1, { b: null }] });
  assert.deepEqual(read('{}'), {});
});

for (const text of ['', '[]', '"x"', '1', 'null', '{', '{}{}', '{} x', 'x{}', '{"a":}', '{]', '\u0000{}']) {
  test(`${JSON.stringify(text)} is nothing`, () => assert.equal(read(text), undefined));
}

test('takes eight levels and not nine, whatever they are made of', () => {
  const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  assert.ok(read(nested(8)));
  assert.equal(read(nested(9)), undefined);
  assert.equal(read(`{"a":${'['.repeat(30_000)}`), undefined);
});

test('names of the prototype are members like others, and change nothing', () => {
  const value = read('{"__proto__":{"x":1},"constructor":2}');
  assert.ok(value);
  assert.deepEqual(JSON.parse(goJson(value)), JSON.parse('{"__proto__":{"x":1},"constructor":2}'));
  assert.equal(Reflect.get({}, 'x'), undefined);
});

test('what is shown of it moves no cursor: control characters and marks of direction are escaped', () => {
  const evil = '\u001b[2J\u0007\u007f\u009b31m\u202e\u2066\u200f\u061c\r\n';
  const value = read(JSON.stringify({ [evil]: evil })) ?? null;
  const shown = goJson(value);
  assert.doesNotMatch(shown.replaceAll('\n', ''), /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u);
  assert.deepEqual(JSON.parse(shown), { [evil]: evil });
});

test('never throws, whatever the octets, and what it takes can be shown', () => {
  const outcome = (octets: Uint8Array): void => {
    const value = readForeignJson(octets);
    if (value !== undefined) JSON.parse(goJson(value));
  };
  fc.assert(fc.property(anyOctets(0, 80), outcome));
  fc.assert(fc.property(fc.json(), (text) => outcome(new TextEncoder().encode(`{"a":${text}}`))));
});
