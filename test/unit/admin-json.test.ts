import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { goJson, JsonSplitter } from '../../daemon/host/admin-json.ts';

/** All texts that come out of octets given in these pieces. */
function split(...pieces: readonly Uint8Array[]): { texts: string[]; splitter: JsonSplitter } {
  const splitter = new JsonSplitter();
  const texts: string[] = [];
  for (const piece of pieces) {
    splitter.push(piece);
    for (let text = splitter.next(); text !== undefined; text = splitter.next()) texts.push(text);
  }
  return { texts, splitter };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('cuts values that follow each other with and without space', () => {
  const { texts, splitter } = split(bytes(' {"a":1}{"b":"}{"}\r\n\t{"c":["\\"}",{}]} '));
  assert.deepEqual(texts, ['{"a":1}', '{"b":"}{"}', '{"c":["\\"}",{}]}']);
  assert.equal(splitter.refusal, undefined);
});

test('gives back what was put together, however it is cut', () => {
  const values = fc.array(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3 })), {
    maxLength: 5,
  });
  fc.assert(
    fc.property(values, fc.array(fc.nat(2000)), (objects, cuts) => {
      const whole = bytes(objects.map((object) => JSON.stringify(object)).join('\n'));
      const edges = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
      const pieces = edges.slice(1).map((edge, i) => whole.subarray(edges[i], edge));
      assert.deepEqual(
        split(...pieces).texts.map((text) => JSON.parse(text)),
        objects.map((o) => JSON.parse(JSON.stringify(o))),
      );
    }),
  );
});

test('never throws and never keeps more than it may, on arbitrary octets', () => {
  const noise = fc.array(
    fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constantFrom(...'{}[]"\\ '.split('').map(bytes))),
  );
  fc.assert(
    fc.property(noise, (pieces) => {
      const { texts, splitter } = split(...pieces);
      for (const text of texts) assert.ok(text.startsWith('{'));
      assert.ok(splitter.refusal === undefined || splitter.next() === undefined);
    }),
  );
});

test('refuses what begins otherwise, such as a request of a browser', () => {
  for (const text of ['POST / HTTP/1.1\r\n', '[1]', '"a"', '7'])
    assert.equal(split(bytes(text)).splitter.refusal, 'not JSON');
});

test('takes a request of 64 KiB and refuses one octet more, also if it never ends', () => {
  const of = (length: number): Uint8Array => bytes(`{"a":"${'x'.repeat(length - 8)}"}`);
  assert.equal(split(of(65_536)).texts.length, 1);
  assert.equal(split(of(65_537)).splitter.refusal, 'too large');
  assert.equal(split(bytes(`{"${'x'.repeat(70_000)}`)).splitter.refusal, 'too large');
});

test('takes eight levels and refuses nine', () => {
  const of = (depth: number): Uint8Array => bytes(`${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`);
  assert.equal(split(of(8)).texts.length, 1);
  assert.equal(split(of(9)).splitter.refusal, 'too deep');
});

test('prints as Go does: two spaces, no undefined members, its escapes, whole 64-bit numbers', () => {
  const value = {
    a: [1, { b: null }],
    empty: [],
    none: {},
    left: undefined,
    big: 18446744073709551615n,
    html: '<&>\u2028"',
  };
  assert.equal(
    goJson(value),
    [
      '{',
      '  "a": [',
      '    1,',
      '    {',
      '      "b": null',
      '    }',
      '  ],',
      '  "empty": [],',
      '  "none": {},',
      '  "big": 18446744073709551615,',
      '  "html": "\\u003c\\u0026\\u003e\\u2028\\""',
      '}',
    ].join('\n'),
  );
});

test('prints what parses to the same', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) =>
      assert.deepEqual(JSON.parse(goJson(value as never)), JSON.parse(JSON.stringify(value))),
    ),
  );
});
