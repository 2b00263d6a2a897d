import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyLines } from '../../daemon/cli/why.ts';
import { VERDICTS } from '../../daemon/core/explain/facts.ts';
import { addressForKey } from '../../daemon/core/identity.ts';
import { linkId } from '../../daemon/core/port.ts';
import type { Commands } from '../../daemon/host/commands.ts';
import { foreignJson, whyJson } from '../../daemon/host/why-json.ts';
import { adminRequest } from '../support/admin.ts';
import { keyOf, lonelyRouter, startAdmin } from './admin-fixture.ts';

const queue = { bytes: 900_000, maxBytes: 1_048_576, full: 99_999, late: 99_999, lossAgoMs: 100 };
const far = keyOf(9);
const result: Commands['why']['answer'] = {
  verdict: 'reachable',
  facts: {
    target: { address: addressForKey(far), key: far },
    key: far,
    relation: 'other',
    links: { proven: 1, others: 0 },
    root: keyOf(1),
    distance: 12,
    path: { ports: ['18446744073709551615', '2'], ageMs: 61_000, brokenAgoMs: 3_000, isSuspect: true },
    lookup: { sinceMs: 12_345, asked: 12, askedAgoMs: 1_500, nextInMs: 4, isWaitedFor: true },
    reach: 3,
    session: {
      kind: 'e2e',
      isOpen: true,
      speaksE2e: true,
      keyAgeMs: 99_000,
      handshakeMs: 4_000,
      unansweredMs: 9,
      heardAgoMs: 12_000,
    },
    rule: 'product',
    candidates: [
      {
        link: linkId(1),
        uri: `tls://[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535`,
        key: keyOf(2),
        port: 1,
        state: 'chosen',
        rule: undefined,
        distance: 3,
        cost: 12.7,
        rttMs: 12.345,
        priority: 0,
        upMs: 9_000,
        hasOurRoot: true,
        isDoubtful: false,
        isBlocked: true,
        isRadio: false,
        mtu: 1_472,
        airWaitMs: 99_000,
        queue,
      },
    ],
    tunQueue: queue,
    isE2eRequired: false,
  },
  around: {
    busy: 0.999,
    peerDown: { uri: 'tcp://[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535', error: 'refused '.repeat(30) },
    anyDown: undefined,
    probe: { rttMs: 123.4, large: { size: 2_000, isAnswered: false, mtu: undefined } },
  },
};

for (const verdict of VERDICTS) {
  test(`'${verdict}' is said in one line, and all that follows fits 80 columns`, () => {
    for (const [state, refused] of [
      ['open', []],
      ['refused', []],
      ['some ports', ['60000/udp', '22']],
    ] as const) {
      const inbound = { state, rules: ['80'], refused: [...refused] };
      const answer = whyJson('9', { ...result, verdict }, inbound, addressForKey);
      assert.ok(answer.text.length <= 80, `${answer.text.length}: ${answer.text}`);
      assert.match(answer.text, /^[A-Z]/);
      const lines = whyLines(answer);
      assert.equal(lines[0], answer.text);
      for (const line of lines) assert.ok([...line].length <= 80, line);
    }
  });
}

test('a remedy is shown whole', () => {
  const answer = foreignJson('2001:db8::1', '2001:db8::1');
  const lines = whyLines(answer);
  assert.match(lines.join(' ').replaceAll(/ +/g, ' '), /`ratatosk status` shows our own$/);
  for (const line of lines) assert.ok([...line].length <= 80, line);
});

test('the request names what it was asked for, and passes the probe on', async (t) => {
  const asked: Commands['why']['args'][] = [];
  const why = (args: Commands['why']['args']): Commands['why']['answer'] => {
    asked.push(args);
    return result;
  };
  const path = await startAdmin(t, { ...lonelyRouter(), why });
  const answer = await adminRequest<Record<string, unknown>>(path, 'why', { target: 'laptop', probe: '0' });
  assert.equal(answer.verdict, 'reachable');
  assert.equal(answer.target, 'laptop');
  assert.deepEqual(asked, [{ target: { address: addressForKey(far), key: far }, probeMs: 0 }]);
  await adminRequest(path, 'why', { target: '200::1' });
  assert.equal(asked[1]?.target.key, undefined);
  assert.equal(asked[1]?.probeMs, 3_000);
  const foreign = await adminRequest<Record<string, unknown>>(path, 'why', { target: '192.0.2.1' });
  assert.equal(foreign.verdict, 'not in the mesh');
  for (const wrong of [{ target: 'nobody' }, { target: '' }, { target: '200::1', probe: '10001' }, { to: '200::1' }]) {
    await assert.rejects(adminRequest(path, 'why', wrong as Record<string, string>));
  }
  assert.equal(asked.length, 2);
});
