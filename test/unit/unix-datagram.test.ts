import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { findAddon } from '../../native-bindings/addon.ts';
import { listenDatagrams } from '../support/datagrams.ts';
import { needs, needsTool } from '../support/needs.ts';
import { waitFor } from '../support/wait.ts';
import { temporaryFolder } from './admin-fixture.ts';

const { addon, problem } = findAddon(process.env.RATATOSK_TEST_ADDON);
const skip = needs(needsTool('python3'), addon === undefined ? `needs the addon: ${problem}` : undefined);

test('datagrams reach sockets with a path and abstract ones; where nobody listens that is an error', {
  skip,
}, async (t) => {
  const path = join(temporaryFolder(t), 'socket');
  for (const name of [path, `@ratatosk-test-${process.pid}`]) {
    const all = await listenDatagrams(t, name);
    addon?.sendUnixDatagram(name, Buffer.from('READY=1'));
    await waitFor('the datagram', () => all.heard.includes('[READY=1]'));
  }
  assert.throws(() => addon?.sendUnixDatagram(`${path}.none`, Buffer.from('x')), { code: 'DATAGRAM_SEND' });
  assert.throws(() => addon?.sendUnixDatagram('x'.repeat(108), Buffer.from('x')), RangeError);
});
