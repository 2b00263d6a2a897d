import assert from 'node:assert/strict';
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NOTHING_KEPT } from '../../daemon/host/firewall-rules.ts';
import { ruleStore } from '../../daemon/host/kept-rules.ts';
import { keyOf, temporaryFolder } from './admin-fixture.ts';

const KEPT = { allow: ['22', '80 from laptop'], deny: ['5353/udp'] };

test('gives back what was saved, for one key, in a folder that it makes', (t) => {
  const folder = join(temporaryFolder(t), 'state');
  const store = ruleStore(folder, keyOf(1));
  assert.deepEqual(store.load(), NOTHING_KEPT);
  store.save(KEPT);
  store.save(KEPT);
  assert.deepEqual(ruleStore(folder, keyOf(1)).load(), KEPT);
  assert.deepEqual(ruleStore(folder, keyOf(2)).load(), NOTHING_KEPT);
  assert.deepEqual(readdirSync(folder), ['firewall-0101010101010101.json']);
  assert.equal(statSync(join(folder, 'firewall-0101010101010101.json')).mode & 0o777, 0o600);
});

test('reads rules in any writing', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'firewall-0101010101010101.json'), '{"deny":[],"allow":["22/TCP","7-7/udp"]}', {
    mode: 0o600,
  });
  assert.deepEqual(ruleStore(folder, keyOf(1)).load(), { allow: ['22', '7/udp'], deny: [] });
});

test('refuses a damaged file as a whole and says which', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'firewall-0101010101010101.json');
  for (const text of ['', '[]', '{}', '{"allow":["22"]}', '{"allow":[22],"deny":[]}', '{"allow":["x"],"deny":[]}']) {
    writeFileSync(path, text, { mode: 0o600 });
    assert.throws(() => ruleStore(folder, keyOf(1)).load(), {
      code: 'FIREWALL_KEPT',
      message: /firewall-0101010101010101\.json are not used: .*: correct or remove it/,
    });
  }
});

test('says what was attempted when the file cannot be written', (t) => {
  const folder = temporaryFolder(t);
  const blocked = join(folder, 'file');
  writeFileSync(blocked, '');
  chmodSync(blocked, 0o400);
  assert.throws(() => ruleStore(blocked, keyOf(1)).save(KEPT), { code: 'FILE_WRITE', message: /cannot write .*file/ });
});
