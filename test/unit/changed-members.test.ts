import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedMembers } from '../../daemon/cli/changed-members.ts';
import { defaultConfig, type LoadedConfig } from '../../daemon/host/config.ts';
import { newIdentity } from '../../daemon/host/keys.ts';

const identity = newIdentity();

function loaded(changes: Partial<LoadedConfig['config']> = {}, owner = identity): LoadedConfig {
  return { config: { ...defaultConfig(), ...changes }, identity: owner, warnings: [] };
}

const said = (changes: Partial<LoadedConfig['config']>, hasLogLevel = false): string[] =>
  changedMembers(loaded(), loaded(changes), { hasLogLevel });

test('names each member that needs a restart, and no other', () => {
  assert.deepEqual(said({}), []);
  assert.deepEqual(said({ IfMTU: 1_280, Peers: ['tcp://a:1'], Metrics: '127.0.0.1:9464' }), [
    'IfMTU has changed: it takes effect after a restart',
  ]);
  assert.deepEqual(changedMembers(loaded(), loaded({}, newIdentity()), { hasLogLevel: false }), [
    'PrivateKey has changed: it takes effect after a restart',
  ]);
});

test('says what is in force although it shows nowhere else', () => {
  assert.deepEqual(said({ NodeInfo: { name: 'owl' }, AllowedPublicKeys: ['ab'.repeat(32)] }), [
    'AllowedPublicKeys has changed: links that came in from other nodes have ended',
    'NodeInfo has changed: the new one is told from now on',
  ]);
  assert.deepEqual(said({ LogLevel: 'debug' }), ['LogLevel has changed: it holds from now on']);
  assert.deepEqual(said({ LogLevel: 'debug' }, true), ['LogLevel has changed: --log-level goes before it']);
});
