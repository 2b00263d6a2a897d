import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RatatoskError } from '../../daemon/core/error.ts';
import { adminOctets, adminRequest } from '../support/admin.ts';
import { type Answers, keyOf, lonelyRouter, startAdmin } from './admin-fixture.ts';

const KEY = '03'.repeat(32);
const ADDRESS = '206:7e7e:7e7e:7e7e:7e7e:7e7e:7e7e:7e7e';
const encode = (text: string) => new TextEncoder().encode(text);

/** Answers of the mesh, by topic. */
function meshOf(answers: Partial<Record<string, Uint8Array>>, asked: string[] = []): Answers {
  return {
    ...lonelyRouter(),
    query: ({ key, topic }) => {
      asked.push(`${topic} ${Buffer.from(key).toString('hex')}`);
      const answer = answers[topic];
      if (answer === undefined) throw new RatatoskError('NO_ANSWER', 'no answer within 6 s');
      return answer;
    },
  };
}

test('getNodeInfo gives the object under the key', async (t) => {
  const asked: string[] = [];
  const path = await startAdmin(t, meshOf({ nodeInfo: encode('{"name":"owl","n":[1,2]}') }, asked));
  assert.deepEqual(await adminRequest(path, 'getNodeInfo', { key: KEY }), { [KEY]: { name: 'owl', n: [1, 2] } });
  assert.deepEqual(asked, [`nodeInfo ${KEY}`]);
});

test('debug_remoteGetSelf gives the object under the address', async (t) => {
  const path = await startAdmin(t, meshOf({ self: encode(`{"key":"${KEY}","routing_entries":"6"}`) }));
  const answer = await adminRequest(path, 'debug_remoteGetSelf', { key: KEY.toUpperCase() });
  assert.deepEqual(answer, { [ADDRESS]: { key: KEY, routing_entries: '6' } });
});

test('debug_remoteGetPeers and debug_remoteGetTree give keys under the address', async (t) => {
  const two = Uint8Array.from([...keyOf(1), ...keyOf(2)]);
  const path = await startAdmin(t, meshOf({ peers: two, tree: new Uint8Array(0) }));
  const peers = await adminRequest(path, 'debug_remoteGetPeers', { key: KEY });
  assert.deepEqual(peers, { [ADDRESS]: { keys: ['01'.repeat(32), '02'.repeat(32)] } });
  assert.deepEqual(await adminRequest(path, 'debug_remoteGetTree', { key: KEY }), { [ADDRESS]: {} });
});

test('no answer is an error in the words of the router', async (t) => {
  const path = await startAdmin(t, meshOf({}));
  await assert.rejects(adminRequest(path, 'getNodeInfo', { key: KEY }), /no answer within 6 s/);
});

test('what cannot be read is an error', async (t) => {
  const path = await startAdmin(t, meshOf({ nodeInfo: encode('[1]'), tree: new Uint8Array(33) }));
  await assert.rejects(adminRequest(path, 'getNodeInfo', { key: KEY }), /no JSON object of at most 8 levels/);
  await assert.rejects(adminRequest(path, 'debug_remoteGetTree', { key: KEY }), /no list of keys/);
});

test('a key is wanted', async (t) => {
  const path = await startAdmin(t, meshOf({}));
  for (const key of [undefined, '', 'x'.repeat(64), KEY.slice(1)]) {
    const args: Record<string, string> = key === undefined ? {} : { key };
    await assert.rejects(adminRequest(path, 'getNodeInfo', args), /arguments: key/);
  }
});

test('control characters of others reach no terminal', async (t) => {
  const path = await startAdmin(t, meshOf({ nodeInfo: encode('{"name":"\u009b2J\u202e","b":"\\u001b[2J"}') }));
  const shown = await adminOctets(path, `{"request":"getNodeInfo","arguments":{"key":"${KEY}"}}`);
  assert.doesNotMatch(shown.replaceAll('\n', ''), /[\p{Cc}\u202e]/u);
  assert.ok(shown.includes('\\u009b2J\\u202e'));
});
