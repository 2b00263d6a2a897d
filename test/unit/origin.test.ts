import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAllowedOrigin, matchesPattern } from '../../daemon/links/origin.ts';
import { fc } from './wire-property.ts';

for (const [text, pattern, doesMatch] of [
  ['mesh.example', 'mesh.example', true],
  ['MESH.example', 'mesh.EXAMPLE', true],
  ['mesh.example', 'mesh.exampl', false],
  ['mesh.example', 'esh.example', false],
  ['mesh.example:8080', 'mesh.example', false],
  ['mesh.example:8080', 'mesh.example:*', true],
  ['mesh-example', 'mesh.example', false],
  ['anything', '*', true],
  ['', '*', true],
  ['', '', true],
  ['a', '', false],
  ['', '?', false],
  ['a', '?', true],
  ['*', '?', true],
  ['ab', '?', false],
  ['a.example', '*.example', true],
  ['a.b.example', '*.example', true],
  ['example', '*.example', false],
  ['a.example', '*.example*', true],
  ['aXbXc', 'a*b*c', true],
  ['aXbXd', 'a*b*c', false],
  ['aab', '*ab', true],
  ['abab', 'a*ab', true],
  ['aba', 'ab*ba', false],
  ['a.example', '**.example', true],
  ['a+b', 'a+b', true],
  ['aab', 'a+b', false],
] as const) {
  test(`'${text}' is ${doesMatch ? '' : 'not '}matched by '${pattern}'`, () => {
    assert.equal(matchesPattern(text, pattern), doesMatch);
  });
}

test('patterns mean what the same regular expression means', () => {
  const some = (letters: string[]) => fc.string({ unit: fc.constantFrom(...letters), maxLength: 12 });
  fc.assert(
    fc.property(some(['a', 'b', '.', '*']), some(['a', 'b', '.', '*', '?']), (text, pattern) => {
      const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
      assert.equal(matchesPattern(text, pattern), new RegExp(`^${source}$`).test(text));
    }),
    { numRuns: 5_000 },
  );
});

test('a pattern made to be slow is not', () => {
  const startMs = performance.now();
  assert.equal(matchesPattern('a'.repeat(10_000), `${'*a'.repeat(50)}b`), false);
  assert.ok(performance.now() - startMs < 1_000);
});

test('who sends no origin is no browser, and allowed', () => {
  assert.equal(isAllowedOrigin({ host: 'mesh.example' }, []), true);
  assert.equal(isAllowedOrigin({ host: 'mesh.example', origin: '' }, []), true);
});

test('a page of our own host is allowed, of the same port only', () => {
  const from = (origin: string) => isAllowedOrigin({ host: 'Mesh.example:8080', origin }, []);
  assert.equal(from('https://mesh.example:8080'), true);
  assert.equal(from('https://mesh.example'), false);
  assert.equal(from('https://user@mesh.example:8080'), true);
  assert.equal(from('https://mesh.example:8080@elsewhere.example'), false);
});

test('without a host nothing is our own', () => {
  assert.equal(isAllowedOrigin({ origin: 'null' }, []), false);
  assert.equal(isAllowedOrigin({ origin: 'http://elsewhere.example' }, []), false);
});

test('an origin that is none is a host without a name', () => {
  for (const origin of ['null', 'mesh.example', '://', 'http://', 'file:///etc']) {
    assert.equal(isAllowedOrigin({ host: 'mesh.example', origin }, ['mesh.example', '?*']), false, origin);
    assert.equal(isAllowedOrigin({ host: 'mesh.example', origin }, ['*']), true, origin);
  }
});

test('whatever is sent as origin or host, there is an answer', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.string(), (origin, host, pattern) => {
      assert.equal(typeof isAllowedOrigin({ origin, host }, [pattern]), 'boolean');
    }),
    { numRuns: 1_000 },
  );
});
