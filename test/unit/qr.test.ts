import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inItsColours, qrLines } from '../../daemon/cli/qr.ts';
import { needs } from '../support/needs.ts';
import { needsQrReader, readQr } from '../support/qr.ts';

const DIGITS = 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L';
const textOf = (length: number): string => {
  return `RATATOSK1${Array.from({ length: length - 9 }, (_, i) => DIGITS[(i * 7 + (i >> 3)) % 32]).join('')}`;
};

test('codes of every size are read by another implementation', { skip: needs(needsQrReader()) }, async () => {
  for (const length of [20, 83, 150, 300, 600, 1024]) {
    const text = textOf(length);
    assert.equal(await readQr(qrLines(text).join('\n')), text);
  }
});

test('the code of an invitation with four endpoints, a password and a name fits 80 columns', () => {
  const lines = qrLines(textOf(260));
  assert.ok(lines.every((line) => line.length === lines[0]?.length && line.length <= 80));
  // A frame of light modules: all of the first two lines.
  assert.match(lines.slice(0, 2).join(''), /^\u2588+$/);
  assert.equal(inItsColours('x'), '\u001b[97;40mx\u001b[0m');
});
