import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultConfig } from '../../daemon/host/config.ts';
import { nodeInfoOctets } from '../../daemon/host/node-info.ts';
import type { Config } from '../../daemon/host/schema.ts';

const infoOf = (changes: Partial<Config>) => {
  return JSON.parse(Buffer.from(nodeInfoOctets({ ...defaultConfig(), ...changes }, '1.2.3')).toString());
};

test('tells the build by default, in Go’s words', () => {
  const info = infoOf({});
  assert.deepEqual(Object.keys(info), ['buildname', 'buildversion', 'buildplatform', 'buildarch']);
  assert.deepEqual([info.buildname, info.buildversion], ['ratatosk', '1.2.3']);
  if (process.arch === 'x64') assert.equal(info.buildarch, 'amd64');
});

test('tells what the configuration says, and the truth about the build', () => {
  const info = infoOf({ NodeInfo: { name: 'owl', nested: { a: [1] }, buildname: 'other' } });
  assert.deepEqual([info.name, info.nested, info.buildname], ['owl', { a: [1] }, 'ratatosk']);
});

test('privacy leaves the build out, and nothing else', () => {
  assert.deepEqual(infoOf({ NodeInfo: { name: 'owl' }, NodeInfoPrivacy: true }), { name: 'owl' });
  assert.deepEqual(infoOf({ NodeInfoPrivacy: true }), {});
});

test('16384 octets are taken, one more is refused with what was found', () => {
  const sized = (octets: number) => ({ NodeInfo: { x: 'y'.repeat(octets - 8) }, NodeInfoPrivacy: true });
  assert.equal(nodeInfoOctets({ ...defaultConfig(), ...sized(16_384) }, '').length, 16_384);
  assert.throws(() => infoOf(sized(16_385)), {
    code: 'CONFIG_INVALID',
    message: /NodeInfo: found 16385 octets as JSON, expected at most 16384/,
  });
});
