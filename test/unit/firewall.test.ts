import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RatatoskError } from '../../daemon/core/error.ts';
import { addressForKey } from '../../daemon/core/identity.ts';
import { Firewall, type Policy } from '../../daemon/host/firewall.ts';
import { type Kept, NOTHING_KEPT } from '../../daemon/host/firewall-rules.ts';
import type { RuleStore } from '../../daemon/host/kept-rules.ts';
import { keyOf } from './admin-fixture.ts';

const LAPTOP = Buffer.from(keyOf(9)).toString('hex');
const DENY: Policy = { inbound: 'deny', allow: [], names: { Laptop: LAPTOP } };
const TABLE = 'ratatosk-0101010101010101';

/** An nft that keeps the one table it is given, and can be told to fail. */
class FakeNft {
  table: string | undefined;
  /** What the kernel remembers of packets it has refused. */
  refusals: readonly object[] = [];
  failure: RatatoskError | undefined;
  calls = 0;

  readonly run = (args: readonly string[], input = ''): string => {
    this.calls++;
    if (this.failure !== undefined) throw this.failure;
    if (args[0] === '-f') this.table = input.includes('chain input') ? input : undefined;
    if (args[1] !== 'list') return '';
    if (this.table === undefined) throw new RatatoskError('NFT_ABSENT', 'no such table');
    if (args[2] === 'set') return JSON.stringify({ nftables: [{ metainfo: {} }, { set: { elem: this.refusals } }] });
    return JSON.stringify({ nftables: [{ metainfo: {} }, { counter: { packets: 7 } }] });
  };

  get openings(): string[] {
    const lines = this.table?.split('\n').map((line) => line.trim()) ?? [];
    return lines.filter((line) => / dport .* accept$/.test(line));
  }
}

class FakeStore implements RuleStore {
  kept: Kept = NOTHING_KEPT;
  failure: Error | undefined;
  load = (): Kept => this.kept;
  save = (kept: Kept): void => {
    if (this.failure !== undefined) throw this.failure;
    this.kept = kept;
  };
}

function firewall(policy: Policy = DENY, store = new FakeStore()) {
  const nft = new FakeNft();
  return {
    nft,
    store,
    firewall: new Firewall({ publicKey: keyOf(1), addressOf: addressForKey, store, nft: nft.run }, policy),
  };
}

test('closes the interface when it is there, with the rules of configuration and commands', () => {
  const store = new FakeStore();
  store.kept = { allow: ['80 from laptop'], deny: ['23'] };
  const { nft, firewall: wall } = firewall({ ...DENY, allow: ['22', '23', '5353/udp from 300:1::/64'] }, store);
  wall.load();
  assert.equal(nft.table, undefined);
  wall.guard('tun0');
  assert.deepEqual(nft.openings, [
    'tcp dport 22 accept',
    'ip6 saddr 300:1::/64 udp dport 5353 accept',
    'ip6 saddr 204:dede:dede:dede:dede:dede:dede:dede/128 tcp dport 80 accept',
  ]);
  assert.match(nft.table ?? '', /iif "tun0" goto inbound/);
  const { rules, ...rest } = wall.status();
  assert.deepEqual(rest, { inbound: 'deny', closed: true, interface: 'tun0', table: `inet ${TABLE}`, refused: 7 });
  assert.deepEqual(rules[1], { rule: '23', by: 'configuration', open: false, problem: 'taken back by a command' });
  assert.equal(rules[3]?.prefix, '204:dede:dede:dede:dede:dede:dede:dede/128');
});

test('says what one node may connect to, and what it wanted in vain', () => {
  const { nft, firewall: wall } = firewall({ ...DENY, allow: ['22', '80 from laptop', '5353/udp from 300:1::/64'] });
  const [laptop, other] = [addressForKey(keyOf(9)), addressForKey(keyOf(8))];
  assert.equal(wall.openFor(laptop), undefined);
  wall.guard('tun0');
  const from = '204:dede:dede:dede:dede:dede:dede:dede';
  const refusal = (...concat: unknown[]): object => ({ elem: { val: { concat }, counter: { packets: 3 } } });
  nft.refusals = [refusal('tcp', 8080, from), refusal('tcp', 23, '200::1'), refusal('udp', 53, from)];
  assert.deepEqual(
    wall.openFor(laptop)?.map((text) => text.split(' ')[0]),
    ['22', '80'],
  );
  assert.deepEqual(wall.openFor(other), ['22']);
  assert.deepEqual([wall.refusedTo(laptop), wall.refusedTo(other)], [['8080', '53/udp'], []]);
});

test('allow and deny hold at once and are kept', () => {
  const { nft, store, firewall: wall } = firewall();
  wall.guard('tun0');
  wall.allow('22');
  wall.allow('22/tcp from Laptop');
  assert.equal(nft.openings.length, 2);
  assert.deepEqual(store.kept, { allow: ['22', '22 from laptop'], deny: [] });
  wall.deny('22');
  assert.deepEqual(nft.openings, []);
  assert.deepEqual(store.kept, NOTHING_KEPT);
  wall.deny('22');
});

test('refuses what is no rule, and whom it does not know, and changes nothing', () => {
  const { nft, firewall: wall } = firewall();
  wall.guard('tun0');
  const { calls } = nft;
  assert.throws(() => wall.allow('ssh'), { code: 'FIREWALL_RULE', message: /"ssh", expected a rule like "22"/ });
  assert.throws(() => wall.allow('22 from nobody'), { code: 'TARGET_UNKNOWN', message: /Names has Laptop/ });
  assert.throws(() => wall.allow('22 from 2001:db8::/32'), { code: 'TARGET_UNKNOWN' });
  assert.throws(() => wall.deny(''), { code: 'FIREWALL_RULE' });
  assert.equal(nft.calls, calls);
});

test('deny says so when another rule would leave the port open', () => {
  const { firewall: wall } = firewall({ ...DENY, allow: ['20-30', '22', '80 from 200::/7', '90 from laptop'] });
  wall.guard('tun0');
  assert.throws(() => wall.deny('22'), { code: 'FIREWALL_OPEN', message: /22 would stay open by `20-30`/ });
  assert.throws(() => wall.deny('25 from laptop'), { code: 'FIREWALL_OPEN' });
  assert.throws(() => wall.deny('80 from laptop'), { message: /80 from laptop would stay open by `80 from 200::\/7`/ });
  wall.deny('90 from 200::1');
  assert.ok(wall.status().rules.every(({ open }) => open));
});

test('takes over another policy, and forgets denials of rules that are gone from it', () => {
  const { nft, store, firewall: wall } = firewall({ ...DENY, allow: ['22'] });
  wall.guard('tun0');
  wall.deny('22');
  assert.deepEqual(store.kept, { allow: [], deny: ['22'] });
  wall.use(DENY);
  assert.deepEqual(store.kept, NOTHING_KEPT);
  wall.use({ ...DENY, allow: ['22'] });
  assert.deepEqual(nft.openings, ['tcp dport 22 accept']);
  assert.match(nft.table ?? '', /^add table inet .*\nflush table/);
});

test('"allow" takes the table away and "deny" puts it back', () => {
  const { nft, firewall: wall } = firewall();
  wall.guard('tun0');
  wall.use({ ...DENY, inbound: 'allow' });
  assert.equal(nft.table, undefined);
  assert.equal(wall.status().closed, false);
  assert.equal(wall.problem, undefined);
  wall.use(DENY);
  assert.ok(nft.table !== undefined);
});

test('a rule whose name is gone opens nothing and says why', () => {
  const { nft, firewall: wall } = firewall();
  wall.guard('tun0');
  wall.allow('22 from laptop');
  wall.use({ ...DENY, names: {} });
  assert.deepEqual(nft.openings, []);
  assert.match(wall.status().rules[0]?.problem ?? '', /nor a known name/);
});

test('without nft it is open and says so, and closes when nft is there', () => {
  const { nft, firewall: wall } = firewall();
  nft.failure = new RatatoskError('NFT_MISSING', 'nft is not installed');
  assert.equal(wall.canClose(), false);
  assert.equal(wall.problem, undefined, 'nothing is open without an interface');
  wall.guard('tun0');
  assert.deepEqual([wall.status().closed, wall.status().problem], [false, 'nft is not installed']);
  assert.throws(() => wall.allow('22'), { code: 'NFT_MISSING' });
  assert.deepEqual(wall.status().rules, [], 'what was refused is not kept');
  nft.failure = undefined;
  assert.equal(wall.look(), false);
  assert.deepEqual([wall.status().closed, wall.problem], [true, undefined]);
});

test('a change that fails leaves the old rules in force and says so, and is tried again', () => {
  const { nft, firewall: wall } = firewall();
  wall.guard('tun0');
  nft.failure = new RatatoskError('NFT_REFUSED', 'busy');
  wall.use({ ...DENY, allow: ['22'] });
  assert.deepEqual([wall.status().closed, wall.problem], [true, 'busy']);
  nft.failure = undefined;
  wall.look();
  assert.deepEqual([nft.openings, wall.problem], [['tcp dport 22 accept'], undefined]);
});

test('puts the table back when somebody has removed it', () => {
  const { nft, firewall: wall } = firewall();
  wall.guard('tun0');
  assert.equal(wall.look(), false);
  nft.table = undefined;
  assert.equal(wall.look(), true);
  assert.match(nft.table ?? '', /^add table inet .*\ndelete table/);
  wall.close();
  assert.equal(nft.table, undefined);
  assert.equal(wall.look(), false);
});

test('what cannot be kept is done all the same, and told', () => {
  const { nft, store, firewall: wall } = firewall();
  wall.guard('tun0');
  store.failure = new Error('disk full');
  assert.throws(() => wall.allow('22'), { code: 'FIREWALL_KEPT', message: /forgotten at the next start: disk full/ });
  assert.deepEqual(nft.openings, ['tcp dport 22 accept']);
});

test('keeps 256 rules of commands and not one more', () => {
  const { store, firewall: wall } = firewall();
  for (let port = 1; port <= 256; port++) wall.allow(String(port));
  assert.throws(() => wall.allow('257'), { code: 'FIREWALL_FULL' });
  assert.equal(store.kept.allow.length, 256);
  wall.deny('1');
  wall.allow('257');
});

test('an interface that a rule cannot name stays open, loudly', () => {
  const { nft, firewall: wall } = firewall();
  wall.guard('tun*');
  assert.equal(nft.table, undefined);
  assert.match(wall.problem ?? '', /tun\* cannot be named/);
});
