import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bech32m } from '@scure/base';
import fc from 'fast-check';
import { RatatoskError } from '../../daemon/core/error.ts';
import {
  type Endpoint,
  endpointUri,
  type Invitation,
  invitationText,
  readInvitation,
} from '../../daemon/host/invitation.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { repoRoot } from '../support/places.ts';
import { SELF_KEY } from './admin-fixture.ts';

type Good = {
  name: string;
  octets: string;
  string: string;
  uris: string[];
  groupPassword: string;
  nodeName: string;
};
type Vectors = { good: Good[]; bad: { name: string; string: string; fault: string }[] };

const vectors: Vectors = JSON.parse(readFileSync(join(repoRoot, 'test/vectors/invitations.json'), 'utf8'));

const textOf = (octets: Uint8Array): string => bech32m.encode('ratatosk', bech32m.toWords(octets), false);

const plain: Endpoint = { scheme: 'tcp', host: '192.0.2.1', port: 9001, path: '', password: '', psk: '' };
const small: Invitation = { key: SELF_KEY, endpoints: [plain], groupPassword: '', name: '' };

test('makes and reads the invitations of another implementation', () => {
  for (const { name, octets, string, uris, groupPassword, nodeName } of vectors.good) {
    const invitation = readInvitation(string);
    assert.deepEqual(
      invitation.endpoints.map((endpoint) => endpointUri(endpoint, invitation.key)),
      uris,
      name,
    );
    assert.deepEqual([invitation.groupPassword, invitation.name], [groupPassword, nodeName], name);
    assert.equal(invitationText(invitation), string, name);
    assert.equal(textOf(Buffer.from(octets, 'hex')), string, name);
    for (const uri of uris) assert.deepEqual(parseUri(uri, 'dial').options.keys, [invitation.key]);
  }
});

test('refuses what is no invitation in one line that says why and shows nothing of it', () => {
  for (const { name, string, fault } of vectors.bad) {
    assert.throws(
      () => readInvitation(string),
      (error: unknown) => {
        assert.ok(error instanceof RatatoskError, name);
        assert.equal(error.code, 'INVITATION');
        assert.match(error.message, new RegExp(`^this invitation cannot be used: [^\\n]*${fault}`), name);
        assert.ok(!error.message.includes(string.slice(10, 30)));
        return true;
      },
    );
  }
});

test('takes a string in capitals, with blanks, hyphens and broken lines', () => {
  const string = invitationText(small);
  const broken = ` ${string.toUpperCase().replace(/(.{20})/g, '$1\n - ')} \r\n`;
  assert.deepEqual(readInvitation(broken), readInvitation(string));
});

test('notices any one wrong digit, two that are swapped, and what is missing', () => {
  const string = invitationText(small);
  for (let i = 'ratatosk1'.length; i < string.length; i++) {
    const other = string[i] === 'q' ? 'p' : 'q';
    assert.throws(() => readInvitation(string.slice(0, i) + other + string.slice(i + 1)), { code: 'INVITATION' });
    assert.throws(() => readInvitation(string.slice(0, i)), { code: 'INVITATION' });
    const [a, b = ''] = [string[i] ?? '', string[i + 1]];
    if (a === b || b === '') continue;
    assert.throws(() => readInvitation(string.slice(0, i) + b + a + string.slice(i + 2)), { code: 'INVITATION' });
  }
});

test('holds what fits and no octet more', () => {
  const at = (change: Partial<Invitation>) => () => readInvitation(invitationText({ ...small, ...change }));
  const endpoints = (count: number, change: Partial<Endpoint> = {}) =>
    Array<Endpoint>(count).fill({ ...plain, ...change });
  assert.equal(at({ endpoints: endpoints(8) })().endpoints.length, 8);
  assert.throws(at({ endpoints: endpoints(9) }), /8 endpoints/);
  assert.equal(at({ endpoints: endpoints(1, { password: 'p'.repeat(64) }) })().endpoints[0]?.password.length, 64);
  assert.throws(at({ endpoints: endpoints(1, { password: 'p'.repeat(65) }) }), /65 octets/);
  assert.equal(at({ groupPassword: 'g'.repeat(64) })().groupPassword.length, 64);
  assert.throws(at({ groupPassword: 'g'.repeat(65) }), /65 octets/);
  assert.equal(at({ endpoints: endpoints(1, { host: 'h'.repeat(200) }) })().endpoints[0]?.host.length, 200);
  assert.throws(at({ endpoints: endpoints(1, { host: 'h'.repeat(201) }) }), /endpoint has/);
  const hosts = (last: number) => [200, 200, last].map((length) => ({ ...plain, host: 'h'.repeat(length) }));
  const longest = at({ endpoints: hosts(182) });
  assert.equal(longest().endpoints.length, 3);
  assert.throws(at({ endpoints: hosts(183) }), /1025/);
  assert.throws(() => readInvitation('q'.repeat(1_025)), /1025 characters/);
});

test('a long name is cut at a character, and loses what moves cursors', () => {
  const text = invitationText({ ...small, name: `\u001b${'ü'.repeat(40)}` });
  assert.equal(readInvitation(text).name, `\u00b7${'ü'.repeat(30)}`);
});

const endpoint: fc.Arbitrary<Endpoint> = fc.record(
  {
    scheme: fc.constantFrom('tcp', 'tls', 'ws', 'wss', 'udp'),
    host: fc.oneof(fc.ipV4(), fc.domain(), fc.constantFrom('2001:db8::1', 'fd00::7')),
    port: fc.integer({ min: 1, max: 65_535 }),
    path: fc.constantFrom('', '/mesh', '/a/b'),
    password: fc.string({ unit: 'binary', maxLength: 12 }),
    psk: fc.constant(''),
  },
  { noNullPrototype: true },
);

test('whatever is written is read as it was', () => {
  const any = fc.record(
    {
      key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      endpoints: fc.array(endpoint, { minLength: 1, maxLength: 4 }),
      groupPassword: fc.string({ unit: 'binary', maxLength: 16 }),
      name: fc.string({ maxLength: 20 }),
    },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(any, (invitation) => assert.deepEqual(readInvitation(invitationText(invitation)), invitation)));
});

test('arbitrary text, and arbitrary octets with a right checksum, are refused or read, never worse', () => {
  const attempt = (text: string): void => {
    try {
      const { key, endpoints } = readInvitation(text);
      for (const one of endpoints) assert.ok(!/[\s#]/.test(endpointUri(one, key)));
    } catch (error) {
      assert.ok(error instanceof RatatoskError && error.code === 'INVITATION', String(error));
    }
  };
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), attempt));
  const octets = fc.uint8Array({ minLength: 30, maxLength: 120 });
  fc.assert(fc.property(octets, (some) => attempt(textOf(some))));
  // Records at random behind a head that is right.
  const record = fc.tuple(fc.integer({ min: 0, max: 8 }), fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(record, { maxLength: 10 }), (records) => {
      const body = records.flatMap(([type, value]) => [type, value.length, ...value]);
      attempt(textOf(Uint8Array.of(1, ...SELF_KEY, ...body)));
    }),
    { numRuns: 500 },
  );
});
