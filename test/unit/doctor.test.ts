import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { clockFinding } from '../../daemon/cli/checks/clock.ts';
import type { FindingState } from '../../daemon/cli/checks/finding.ts';
import { firewallFinding } from '../../daemon/cli/checks/firewall.ts';
import { limitFindings } from '../../daemon/cli/checks/limits.ts';
import { lockOwner, modemFinding } from '../../daemon/cli/checks/modems.ts';
import { type EchoResult, echoResult, mtuFinding } from '../../daemon/cli/checks/mtu.ts';
import { peerFindings } from '../../daemon/cli/checks/peers.ts';
import { portFinding } from '../../daemon/cli/checks/ports.ts';
import { complaintFindings, daemonFinding } from '../../daemon/cli/checks/running.ts';
import { systemFindings } from '../../daemon/cli/checks/system.ts';
import { hasCapability, tunFinding } from '../../daemon/cli/checks/tun.ts';
import { type Diagnosis, diagnosisLines, diagnosisOf } from '../../daemon/cli/doctor.ts';
import { testIdentity } from '../support/identity.ts';
import { privateFolders } from '../support/node.ts';
import { ratatoskMain } from '../support/places.ts';
import { temporaryFolder } from './admin-fixture.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const NOW_MS = Date.UTC(2026, 10, 21, 22, 12);

// The checks, each with facts of its own

test('the clock is wrong if something is younger than now', () => {
  const facts = { nowMs: NOW_MS, builtMs: NOW_MS - DAY_MS, written: undefined, hardwareMs: undefined, step: undefined };
  assert.equal(clockFinding(facts).state, 'ok');
  const written = { ms: NOW_MS + YEAR_MS, path: '/var/lib/ratatosk/events' };
  const back = clockFinding({ ...facts, written });
  assert.match(back.text, /^the clock is 365d back: it says 2026-11-21 22:12, and \/var\/lib.* is of 2027-11-21/);
  assert.equal(back.state, 'failed');
  const built = clockFinding({ ...facts, builtMs: NOW_MS + 2 * DAY_MS });
  assert.match(built.text, /^the clock is at least 2d back: it says 2026-11-21 22:12, and this was built 2026-11-23/);
  assert.equal(clockFinding({ ...facts, hardwareMs: NOW_MS - YEAR_MS }).state, 'warning');
  assert.equal(clockFinding({ ...facts, hardwareMs: NOW_MS + 2 * 3_600_000 }).state, 'ok');
  assert.equal(clockFinding({ ...facts, step: 'the clock was set back by 1h' }).text, 'the clock was set back by 1h');
});

test('the system is named by what of it is missing', () => {
  const facts = { platform: 'Linux', hasIpv6: true, isIpv6Off: false, addonProblem: undefined, wantsTun: true };
  assert.deepEqual(systemFindings(facts), [{ state: 'ok', text: 'Linux, with the addon' }]);
  assert.match(systemFindings({ ...facts, hasIpv6: false })[0]?.text ?? '', /has no IPv6/);
  assert.match(systemFindings({ ...facts, isIpv6Off: true })[0]?.remedy ?? '', /sysctl/);
  const [without] = systemFindings({ ...facts, addonProblem: 'not built', wantsTun: false });
  assert.deepEqual([without?.state, without?.remedy], ['warning', 'not built']);
  assert.equal(systemFindings({ ...facts, addonProblem: 'not built' })[0]?.state, 'failed');
});

test('the interface: what the daemon has, or what hinders it', () => {
  const free = { isWanted: true, state: undefined, device: 'there', mayConfigure: true, taken: undefined } as const;
  const state = { enabled: false, problem: 'Cannot open the TUN interface tun0: EPERM', remedy: 'other' };
  const cases: [Parameters<typeof tunFinding>[0], FindingState, RegExp][] = [
    [free, 'ok', /may be used/],
    [{ ...free, isWanted: false }, 'skipped', /none is wanted/],
    [{ ...free, device: 'missing' }, 'failed', /no \/dev\/net\/tun/],
    [{ ...free, device: 'missing', state }, 'failed', /no \/dev\/net\/tun/],
    [{ ...free, device: 'denied' }, 'failed', /no right to \/dev\/net\/tun/],
    [{ ...free, mayConfigure: false }, 'failed', /CAP_NET_ADMIN/],
    [{ ...free, taken: 'ygg0' }, 'warning', /ygg0 exists/],
    [{ ...free, state }, 'failed', /^the daemon has no right to a network interface: .*EPERM/],
    [{ ...free, state: { enabled: true, name: 'ygg0', mtu: 1280 } }, 'ok', /ygg0, MTU 1280/],
  ];
  for (const [facts, expected, says] of cases) {
    const { state: found, text, remedy } = tunFinding(facts);
    assert.equal(found, expected, text);
    assert.match(text, says);
    assert.equal(remedy !== undefined, expected === 'failed' || expected === 'warning', text);
  }
  assert.equal(hasCapability('CapEff:\t0000000000001000\n', 12), true);
  assert.equal(hasCapability('CapEff:\t0000000000000fff\n', 12), false);
  assert.equal(hasCapability('', 12), false);
});

test('the firewall: what is open is said', () => {
  const facts = { hasInterface: true, inbound: 'deny', state: undefined, nftProblem: undefined } as const;
  const closed = { inbound: 'deny', closed: true, open: [] } as const;
  assert.equal(firewallFinding(facts).state, 'ok');
  assert.equal(firewallFinding({ ...facts, hasInterface: false }).state, 'skipped');
  assert.equal(firewallFinding({ ...facts, inbound: 'allow' }).state, 'warning');
  assert.deepEqual(firewallFinding({ ...facts, nftProblem: 'no nft' }).remedy, 'no nft');
  assert.match(firewallFinding({ ...facts, state: { ...closed, open: ['22'] } }).text, /closed but for 22/);
  assert.match(firewallFinding({ ...facts, state: { ...closed, open: [], closed: false } }).text, /NOT CLOSED/);
});

test('listeners: ours, free, or who has them', () => {
  const uri = 'tcp://[::]:9001';
  assert.equal(portFinding({ uri, state: 'answers' }).state, 'ok');
  assert.equal(portFinding({ uri, state: 'free' }).state, 'ok');
  const taken = portFinding({ uri, state: 'not to be had', code: 'EADDRINUSE' });
  assert.deepEqual(
    [taken.state, /another program/.test(taken.text), /ss -lntup/.test(taken.remedy ?? '')],
    ['failed', true, true],
  );
  assert.match(portFinding({ uri, state: 'not listening', code: 'EACCES' }).text, /no right to so low a port/);
  assert.match(portFinding({ uri, state: 'silent', code: 'ETIMEDOUT' }).text, /does not answer/);
});

test('modems: the daemon knows best, then the device', () => {
  const name = 'serial:///dev/ttyUSB0';
  const waiting = { uri: name, state: 'waiting', text: 'waiting for /dev/ttyUSB0: it is busy' } as const;
  const states = (facts: Parameters<typeof modemFinding>[0]): FindingState => modemFinding(facts).state;
  assert.equal(states({ name, state: undefined, device: { kind: 'there' } }), 'ok');
  assert.equal(states({ name, state: undefined, device: { kind: 'missing' } }), 'failed');
  assert.equal(states({ name, state: undefined, device: { kind: 'denied' } }), 'failed');
  assert.equal(states({ name, state: undefined, device: { kind: 'not a device' } }), 'failed');
  assert.equal(
    states({ name, state: { ...waiting, state: 'open', text: '9600 Bd' }, device: { kind: 'there' } }),
    'ok',
  );
  assert.match(modemFinding({ name, state: waiting, device: { kind: 'there' } }).text, /it is busy/);
  assert.match(modemFinding({ name, state: undefined, device: { kind: 'there', userPid: 77 } }).text, /process 77/);
  const text = '1: POSIX  ADVISORY  WRITE 11 00:19:5 0 EOF\n2: FLOCK  ADVISORY  WRITE 4242 00:06:1234 0 EOF\n';
  assert.equal(lockOwner(text, { dev: 6, ino: 1234 }), 4242);
  assert.equal(lockOwner(text, { dev: 6, ino: 123 }), undefined);
});

test('an MTU hole is told from a small MTU, from a lost packet and from silence', async () => {
  const way =
    (mtu: number, tells: boolean) =>
    async (_: string, octets: number): Promise<EchoResult> =>
      octets <= mtu ? { kind: 'answered' } : tells ? { kind: 'too big', mtu } : { kind: 'lost' };
  assert.match((await mtuFinding('a', way(1500, true))).text, /a: packets of 1500 octets pass/);
  assert.deepEqual((await mtuFinding('a', way(1400, true))).state, 'ok');
  const hole = await mtuFinding('a', way(1400, false));
  assert.equal(hole.state, 'failed');
  const edge = Number(/^MTU hole on the way to a: packets of more than (\d+) octets vanish$/.exec(hole.text)?.[1]);
  assert.ok(edge <= 1400 && edge > 1395, hole.text);
  assert.match(hole.remedy ?? '', new RegExp(`to ${edge}`));
  assert.match((await mtuFinding('a', way(1000, false))).text, /more than 99\d octets vanish, and IPv6 needs 1280/);
  const lie = async (_: string, octets: number): Promise<EchoResult> =>
    octets > 1450 ? { kind: 'too big', mtu: 1450 } : octets > 1300 ? { kind: 'lost' } : { kind: 'answered' };
  assert.equal((await mtuFinding('a', lie)).state, 'failed', 'a hole behind what is known');
  assert.equal((await mtuFinding('a', async () => ({ kind: 'lost' }))).state, 'skipped');
  assert.equal((await mtuFinding('a', async () => ({ kind: 'failed' }))).state, 'skipped');
  let lost = 1;
  const once = await mtuFinding('a', async () => (lost-- > 0 ? { kind: 'lost' } : { kind: 'answered' }));
  assert.match(once.text, /1500 octets pass/);
});

test('reads what ping says', () => {
  assert.equal(echoResult('1480 bytes from 10.99.0.2: icmp_seq=1 ttl=64 time=0.1 ms').kind, 'answered');
  assert.deepEqual(echoResult('ping: sendmsg: Message too long\nping: local error: message too long, mtu: 1400'), {
    kind: 'too big',
    mtu: 1400,
  });
  assert.deepEqual(echoResult('From 10.0.0.1 icmp_seq=1 Frag needed and DF set (mtu = 1300)'), {
    kind: 'too big',
    mtu: 1300,
  });
  assert.equal(echoResult('1 packets transmitted, 0 received, 100% packet loss').kind, 'lost');
});

test('peers that are down are named with the cause and a remedy', () => {
  const causes: [string, RegExp][] = [
    ['key not pinned: the key is none of those in the URI', /wrong key/],
    ['key not bound: the certificate is that of another key', /wrong key/],
    ['signature invalid: the passwords differ, or the greeting was altered', /wrong password/],
    ['version mismatch: the other side speaks version 0.4, we speak 0.5', /version 0\.4/],
    ['connect ECONNREFUSED 127.0.0.1:9', /nobody listens/],
    ['connecting to 192.0.2.1 took longer than 5 s', /took longer/],
    ['the name nosuch.invalid does not resolve: check the name and the DNS', /does not resolve/],
    ['connect ENETUNREACH 192.0.2.1:1', /ENETUNREACH/],
  ];
  for (const [error, says] of causes) {
    const [finding] = peerFindings([{ uri: 'tls://a:1', isUp: false, error }], 1);
    assert.equal(finding?.state, 'failed');
    assert.match(finding?.text ?? '', says);
    assert.ok(finding?.remedy !== undefined, error);
  }
  assert.deepEqual(peerFindings([{ uri: 'tls://a:1', isUp: true, error: undefined }], 0), [
    { state: 'ok', text: '1 of 1 up' },
  ]);
  assert.equal(peerFindings([], 0)[0]?.state, 'warning');
  assert.equal(peerFindings([{ uri: 'tls://a:1', isUp: false, error: undefined }], 0)[0]?.state, 'warning');
});

test('limits near their caps are named', () => {
  const memory = { rss: 1, router: { used: 1, max: 10 }, host: { used: 1, max: 10 } };
  assert.equal(limitFindings({ limits: { links: { used: 10, max: 512 }, rate: { max: 5 } }, memory })[0]?.state, 'ok');
  const [near] = limitFindings({ limits: { links: { used: 500, max: 512 } }, memory });
  assert.deepEqual([near?.state, near?.text, near?.remedy], ['warning', 'links: 500 of 512', 'raise Limits.links']);
  assert.equal(limitFindings({ limits: { links: { used: 512, max: 512 } }, memory })[0]?.state, 'failed');
  const full = { ...memory, router: { used: 10, max: 10 } };
  assert.match(limitFindings({ limits: {}, memory: full })[0]?.text ?? '', /memory of the router thread/);
});

test('the daemon: not there, of another version, and what it complains about', () => {
  const absent = { code: 'NO_DAEMON', message: 'no daemon answers on /x: start one' };
  assert.equal(daemonFinding(undefined, absent, '1').state, 'warning');
  assert.equal(daemonFinding(undefined, { code: 'NO_DAEMON', message: 'it does not answer' }, '1').state, 'failed');
  assert.equal(daemonFinding({ version: '1', uptime: 5 }, undefined, '1').state, 'ok');
  assert.match(daemonFinding({ version: '0', uptime: 5 }, undefined, '1').remedy ?? '', /restart/);
  const event = (text: string, fields = {}) =>
    ({ seq: 1, time: 0, kind: 'daemon', level: 'warn', text, fields }) as const;
  const problems = [event('a'), event('b', { reason: 'r' }), event('a')];
  assert.deepEqual(
    complaintFindings(problems, true).map(({ text }) => text),
    ['a (2 times)', 'b: r'],
  );
  const many = Array.from({ length: 9 }, (_, i) => event(`trouble ${i}`));
  const shown = complaintFindings(many, true);
  assert.deepEqual([shown.length, shown.at(-1)?.text], [6, 'and 4 others']);
});

test('what is doubtful in the configuration is told once, and what failed of a reload as well', () => {
  const event = (level: 'warn' | 'error') =>
    ({ seq: 1, time: 0, kind: 'configuration', level, text: level, fields: {} }) as const;
  const problems = [event('warn'), event('error')];
  assert.deepEqual(
    complaintFindings(problems, true).map(({ text }) => text),
    ['error'],
  );
  assert.equal(complaintFindings(problems, false).length, 2);
});

// The whole

test('the verdict is the first problem, and everything fits the terminal', () => {
  const diagnosis = diagnosisOf([
    { check: 'configuration', state: 'ok', text: 'fine' },
    { check: 'clock', state: 'warning', text: 'doubtful' },
    { check: 'tun', state: 'failed', text: 'no right '.repeat(30).trim(), remedy: 'become root '.repeat(20).trim() },
    { check: 'peers', state: 'failed', text: 'none' },
  ]);
  assert.deepEqual([diagnosis.ok, diagnosis.worst?.check], [false, 'tun']);
  const lines = diagnosisLines(diagnosis);
  assert.match(lines[0] ?? '', /^✗ tun: no right/);
  for (const line of lines) assert.ok([...line].length <= 80, line);
  const doubt = diagnosisOf([{ check: 'clock', state: 'warning', text: 'doubtful' }]);
  assert.deepEqual([doubt.ok, diagnosisLines(doubt)[0]], [true, '! clock: doubtful']);
  assert.deepEqual(diagnosisLines(diagnosisOf([{ check: 'clock', state: 'ok', text: 'x' }]))[0], '✓ all is well');
});

type Outcome = { code: number; out: string; err: string };

/** In folders of its own, with this configuration. */
function doctor(t: TestContext, config: object | undefined, ...args: string[]): Promise<Outcome & { folder: string }> {
  const folder = temporaryFolder(t);
  const path = join(folder, 'node.conf');
  if (config !== undefined) writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  mkdirSync(join(folder, 'state'), { recursive: true });
  const later = new Date(Date.now() + YEAR_MS);
  if (args.includes('--later')) {
    const file = join(folder, 'state', 'events.jsonl');
    writeFileSync(file, '');
    utimesSync(file, later, later);
  }
  const rest = args.filter((arg) => arg !== '--later');
  const options = { env: { ...process.env, ...privateFolders(folder) }, timeout: 60_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, [ratatoskMain, 'doctor', '--config', path, ...rest], options, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err, folder });
    });
  });
}

const QUIET = { PrivateKey: testIdentity(3).privateKeyHex, IfName: 'none', MulticastInterfaces: [] };

test('without a configuration that is the problem, and how to make one', async (t) => {
  const { code, out, err } = await doctor(t, undefined);
  assert.deepEqual([code, err], [1, '']);
  assert.match(out, /^✗ configuration: there is no configuration/);
  assert.match(out, /→ make one: ratatosk init/);
});

test('a wrong member, and a wrong URI', async (t) => {
  const member = await doctor(t, { ...QUIET, IfMTU: 'large' });
  assert.equal(member.code, 1);
  assert.match(member.out, /^✗ configuration: IfMTU: found/);
  const uri = await doctor(t, { ...QUIET, Peers: ['tcp://a'] });
  assert.match(uri.out, /^✗ configuration: Cannot use tcp:\/\/a/);
});

test('a clock that is a year back, by a file from the future', async (t) => {
  const { code, out } = await doctor(t, QUIET, '--later');
  assert.equal(code, 1);
  assert.match(out, /^✗ clock: the clock is 36[45]d .*back/);
});

test('a listener whose port somebody has', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const { code, out } = await doctor(
    t,
    { ...QUIET, Listen: [`tcp://127.0.0.1:${port}`, 'udp://127.0.0.1:0'] },
    '--json',
  );
  const { ok, worst, checks } = JSON.parse(out) as Diagnosis;
  assert.deepEqual([code, ok, worst?.check], [1, false, 'listeners']);
  assert.match(worst?.text ?? '', /another program has the port/);
  assert.ok(
    checks.some(({ check, state, text }) => check === 'listeners' && state === 'ok' && /udp:.*free/.test(text)),
  );
});

test('a device that is not there, and a file that is none', async (t) => {
  const missing = await doctor(t, { ...QUIET, Peers: ['serial:///dev/nosuch-modem'] });
  assert.match(missing.out, /^✗ modems: serial:\/\/\/dev\/nosuch-modem: there is no such device/);
  const file = await doctor(t, { ...QUIET, Listen: ['serial:///etc/passwd'] });
  assert.match(file.out, /^✗ modems: .*no device/);
});

test('with nothing wrong it ends with 0, daemon or not', async (t) => {
  const { code, out } = await doctor(t, { ...QUIET, Listen: ['tcp://127.0.0.1:0'] });
  assert.equal(code, 0, out);
  assert.match(out, /^! daemon: no daemon answers on/);
  for (const line of out.split('\n')) assert.ok([...line].length <= 80, line);
});
