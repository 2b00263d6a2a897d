import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type Json, Pseudonyms } from '../../daemon/cli/redaction/pseudonyms.ts';
import { secretsOf, strike, withoutSecrets } from '../../daemon/cli/redaction/secrets.ts';
import { bundleText } from '../../daemon/cli/report.ts';
import { loadConfig } from '../../daemon/host/config.ts';
import { Events } from '../../daemon/host/events.ts';
import { testIdentity } from '../support/identity.ts';
import { privateFolders } from '../support/node.ts';
import { ratatoskMain } from '../support/places.ts';
import { type Outcome, run } from '../support/process.ts';
import { linkedPeer, lonelyRouter, startAdmin, temporaryFolder } from './admin-fixture.ts';

const OWN = testIdentity(1);
const OTHER = testIdentity(2);

/** Each of them in its own place and writing. */
const SECRETS = {
  group: 'group-secret-1',
  multicast: 'multicast "secret" 2',
  peer: 'peer%20secret+3',
  psk: 'a5'.repeat(32),
  slip: 'slip-secret-5',
  user: 'proxyuser6:proxy-secret-6',
  listener: 'listener-secret-7',
  lost: 'lost-secret-8',
  interface: 'interface-secret-9',
  info: 'info-secret-10',
  call: 'DL1SECRET',
} as const;

const CONFIG = {
  PrivateKey: OWN.privateKeyHex,
  Peers: [
    `tls://peer.example.org:1?password=${SECRETS.peer}&key=${OTHER.publicKeyHex}`,
    `udp://192.0.2.7:2?psk=${SECRETS.psk}&key=${OTHER.publicKeyHex}`,
    `tcp://[2001:db8::77]:3?pasword=${SECRETS.slip}`,
    `socks://${SECRETS.user}@proxy.example.net:4/behind.example.com:5`,
    `tcp://192.0.2.8:6password=${SECRETS.lost}`,
    `kiss:///dev/serial/by-id/usb-SERIAL123?rate=1200&call=${SECRETS.call}`,
  ],
  InterfacePeers: { eth0: [`tcp://192.0.2.9:7?password=${SECRETS.interface}`] },
  Listen: [`tcp://0.0.0.0:8?password=${SECRETS.listener}`],
  GroupPassword: SECRETS.group,
  MulticastInterfaces: [{ Regex: 'eth.*', Beacon: true, Listen: true, Password: SECRETS.multicast }],
  NodeInfo: { contact: SECRETS.info },
  Name: 'annas-laptop',
  Names: { 'bobs-server': OTHER.publicKeyHex },
  IfName: 'none',
};

const FORBIDDEN = [
  ...Object.values(SECRETS),
  'peer secret 3',
  'peer secret+3',
  'proxy-secret-6',
  OWN.privateKeyHex,
  OWN.seed.toString('hex'),
];
const HIDDEN = [
  OWN.publicKeyHex,
  OTHER.publicKeyHex,
  OTHER.publicKeyHex.slice(0, 16),
  OTHER.address,
  '192.0.2.7',
  '2001:db8::77',
  'peer.example.org',
  'proxy.example.net',
  'behind.example.com',
  'annas-laptop',
  'bobs-server',
  'SERIAL123',
];

function assertNowhere(text: string, forbidden: readonly string[]): void {
  for (const word of forbidden) assert.ok(!text.toLowerCase().includes(word.toLowerCase()), `${word} is in it`);
}

function loaded(t: TestContext) {
  const path = join(temporaryFolder(t), 'node.conf');
  writeFileSync(path, JSON.stringify(CONFIG), { mode: 0o600 });
  return loadConfig(path);
}

test('a configuration full of secrets keeps none of them, and all the rest', (t) => {
  const config = loaded(t);
  const text = bundleText({ configuration: withoutSecrets(config.config) as Json }, config, true);
  assertNowhere(text, FORBIDDEN);
  assert.match(text, new RegExp(`tls://peer.example.org:1\\?password=\\(removed\\)&key=${OTHER.publicKeyHex}`));
  assert.match(text, /rate=1200/);
  assert.match(text, /"contact"/);
});

test('secrets are struck wherever they stand, however they are written', (t) => {
  const config = loaded(t);
  const leaks = { events: FORBIDDEN.map((secret) => ({ text: `it said ${secret}, and more` })) };
  const struck = strike(JSON.stringify(leaks), secretsOf(config));
  assertNowhere(
    struck,
    FORBIDDEN.filter((secret) => secret !== SECRETS.info && secret !== OWN.privateKeyHex),
  );
  assert.ok(!struck.includes(OWN.seed.toString('hex')), 'nor the private half of the key');
});

test('keys, addresses, hosts and names have others, the same for the same', () => {
  const names = new Pseudonyms([{ kind: 'name', text: 'bobs-server' }]);
  const bundle = {
    peers: [
      { key: OTHER.publicKeyHex, address: OTHER.address, remote: 'tls://peer.example.org:1' },
      { key: OWN.publicKeyHex, address: OWN.address, remote: 'tcp://[2001:db8::77]:3' },
    ],
    events: [
      { text: `the root changed from ${OTHER.publicKeyHex.slice(0, 16)} to ${OWN.publicKeyHex.slice(0, 16)}` },
      { text: `refused tcp port 22 to ${OTHER.address}; peer.example.org answers nothing, 192.0.2.7 neither` },
      { text: 'bobs-server is slow; at 22:40:26 fe80::1%eth0 came, 127.0.0.1 and [::]:9001 stay' },
      { text: 'tls://192.0.2.7:1 and socks://proxy.example.net:4/behind.example.com:5, 02:00:5e:10:00:ff' },
    ],
  };
  const shown = names.of(bundle) as { peers: Record<string, string>[]; events: { text: string }[] };
  const text = JSON.stringify(shown);
  assertNowhere(text, [...HIDDEN, 'fe80::1', '02:00:5e:10:00:ff']);
  const [first, second] = shown.peers;
  assert.deepEqual([first?.key, first?.address], ['key-1', 'address-of-key-1']);
  assert.deepEqual([second?.key, second?.address], ['key-2', 'address-of-key-2']);
  assert.equal(shown.events[0]?.text, 'the root changed from key-1 to key-2');
  assert.match(shown.events[1]?.text ?? '', /to address-of-key-1; (host-\d) answers nothing, ipv4-1 neither/);
  assert.equal(first?.remote, `tls://${/host-\d/.exec(shown.events[1]?.text ?? '')?.[0]}:1`);
  assert.match(
    shown.events[2]?.text ?? '',
    /^name-1 is slow; at 22:40:26 ipv6-\d%eth0 came, 127.0.0.1 and \[::\]:9001 stay$/,
  );
  assert.match(shown.events[3]?.text ?? '', /^tls:\/\/ipv4-1:1 and socks:\/\/host-\d:4\/host-\d:5, mac-1$/);
});

test('no key and no address survives, whatever stands around it', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((octets) => Buffer.from(octets).toString('hex'));
  const around = fc.constantFrom(' ', '"', '=', '/', '[', ']', ', ', '(', ')', '\n', '', '%eth0 ', '://');
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(fc.oneof(key, address), around, around, (secret, before, after) => {
      const shown = new Pseudonyms().text(`a${before === '' ? ' ' : before}${secret}${after}`);
      const isCommon = /^(127\.|0\.0\.0\.0$|255\.|::1?$|::ffff:127|ff|[0:]*1?$)/i.test(secret);
      return isCommon || !shown.includes(secret) || (secret.includes(':') && !isIPv6(secret));
    }),
    { numRuns: 2_000 },
  );
});

function report(folder: string, ...args: string[]): Promise<Outcome> {
  const env = privateFolders(folder);
  return run([process.execPath, ratatoskMain, 'report', ...args], { cwd: folder, env, limitMs: 60_000 });
}

test('writes one file for the owner alone, with a daemon and without', async (t) => {
  const folder = temporaryFolder(t);
  const config = join(folder, 'node.conf');
  // Peers that nobody answers would be dialled.
  writeFileSync(config, JSON.stringify({ ...CONFIG, Peers: [], InterfacePeers: {} }), { mode: 0o600 });
  const events = new Events({ unixMs: () => Date.now(), monotonicMs: () => 0 });
  events.add('link', 'warn', `not connected to ${OTHER.address} with ${SECRETS.listener}`, {
    peer: 'tls://peer.example.org:1',
  });
  const socket = await startAdmin(t, { ...lonelyRouter(), peers: () => [linkedPeer(3)] }, { events });
  const files: string[] = [];
  for (const args of [
    ['--socket', join(folder, 'none.sock')],
    ['--socket', socket],
  ]) {
    const { code, stdout, stderr } = await report(folder, '--config', config, ...args);
    assert.deepEqual([code, stderr], [0, '']);
    for (const line of stdout.split('\n').slice(1)) assert.ok(line.length <= 80, line);
    assert.match(stdout, /Look at it before you send it/);
    const path = stdout.split('\n')[0] ?? '';
    assert.equal(statSync(path).mode & 0o777, 0o600);
    files.push(path);
    const text = readFileSync(path, 'utf8');
    assertNowhere(
      text,
      [...FORBIDDEN, ...HIDDEN, hostname()].filter((word) => word !== 'localhost'),
    );
    const bundle = JSON.parse(text) as Record<string, Record<string, unknown>>;
    for (const member of ['version', 'system', 'doctor', 'configuration', 'daemon'])
      assert.ok(member in bundle, member);
  }
  const state = JSON.parse(readFileSync(files.at(-1) ?? '', 'utf8')).daemon;
  assert.deepEqual([state.peers.length, state.events.length, state.sizes], [1, 1, { tree: 1, paths: 0 }]);
  assert.equal(new Set(files).size, 2);
});

test('where nothing can be written it says so in one line', async (t) => {
  const env = privateFolders(temporaryFolder(t));
  const { code, stdout, stderr } = await run([process.execPath, ratatoskMain, 'report'], { cwd: '/proc', env });
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^ratatosk: cannot write \/proc\/ratatosk-report-[^\n]*: go to a folder where you may write\n$/);
});
