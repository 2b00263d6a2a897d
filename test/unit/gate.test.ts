import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gate, hostOf } from '../../daemon/links/gate.ts';
import { fc } from './wire-property.ts';

/** An address of its own host. */
const host = (number: number): string => `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;

test('128 connections may be unfinished at once, one more is refused and counted', () => {
  const gate = new Gate();
  for (let i = 0; i < 128; i++) assert.equal(gate.admit(host(i)), undefined);
  assert.equal(gate.admit(host(128)), 'too many unfinished');
  assert.equal(gate.admit(host(129)), 'too many unfinished');
  assert.equal(gate.refused['too many unfinished'], 2);
});

test('8 connections of one host may be unfinished at once, one more is refused and counted', () => {
  const gate = new Gate();
  for (let i = 0; i < 8; i++) assert.equal(gate.admit(host(1)), undefined);
  assert.equal(gate.admit(host(1)), 'too many unfinished of this host');
  assert.equal(gate.refused['too many unfinished of this host'], 1);
  assert.equal(gate.admit(host(2)), undefined);
});

test('one host may have 16 links, one more connection is refused and counted', () => {
  const gate = new Gate();
  for (let i = 0; i < 16; i++) {
    assert.equal(gate.admit(host(1)), undefined);
    gate.settled(host(1));
  }
  assert.equal(gate.admit(host(1)), 'too many links of this host');
  assert.equal(gate.refused['too many links of this host'], 1);
  assert.equal(gate.admit(host(2)), undefined);
});

test('unfinished connections count as the links they may become', () => {
  const gate = new Gate();
  for (let i = 0; i < 10; i++) {
    gate.admit(host(1));
    gate.settled(host(1));
  }
  for (let i = 0; i < 6; i++) assert.equal(gate.admit(host(1)), undefined);
  assert.equal(gate.admit(host(1)), 'too many links of this host');
});

test('a link is no unfinished connection: those of other hosts get its place', () => {
  const gate = new Gate();
  for (let i = 0; i < 128; i++) gate.admit(host(i));
  gate.settled(host(0));
  assert.equal(gate.admit(host(200)), undefined);
  assert.equal(gate.admit(host(201)), 'too many unfinished');
});

test('what is gone makes room, whether it had become a link or not', () => {
  const gate = new Gate();
  for (let i = 0; i < 8; i++) gate.admit(host(1));
  gate.gone(host(1), false);
  assert.equal(gate.admit(host(1)), undefined);
  for (let i = 0; i < 8; i++) gate.settled(host(1));
  for (let i = 0; i < 8; i++) gate.admit(host(1));
  assert.notEqual(gate.admit(host(1)), undefined);
  gate.gone(host(1), true);
  gate.settled(host(1));
  assert.equal(gate.admit(host(1)), undefined);
});

test('a refused connection leaves nothing behind', () => {
  const gate = new Gate();
  for (let i = 0; i < 128; i++) gate.admit(host(i));
  for (let i = 0; i < 1_000; i++) gate.admit(host(1_000 + i));
  assert.equal(gate.hosts, 128);
  for (let i = 0; i < 128; i++) gate.gone(host(i), false);
  assert.equal(gate.hosts, 0);
});

test('hosts that come and go are forgotten', () => {
  const gate = new Gate();
  for (let i = 0; i < 10_000; i++) {
    assert.equal(gate.admit(host(i)), undefined);
    if (i % 2 === 0) gate.settled(host(i));
    gate.gone(host(i), i % 2 === 0);
  }
  assert.equal(gate.hosts, 0);
});

test('whatever the order of events, the caps hold and no count is lost', () => {
  const act = fc.record({ host: fc.nat(40), kind: fc.constantFrom('admit', 'settle', 'end'), pick: fc.nat() });
  fc.assert(
    fc.property(fc.array(act, { minLength: 100, maxLength: 600, size: 'max' }), (acts) => {
      const gate = new Gate();
      let open: { host: string; isSettled: boolean }[] = [];
      for (const { host: number, kind, pick } of acts) {
        const chosen = open[pick % Math.max(1, open.length)];
        if (kind === 'admit') {
          const address = host(number);
          if (gate.admit(address) === undefined) open.push({ host: address, isSettled: false });
        } else if (chosen === undefined) continue;
        else if (kind === 'end') {
          gate.gone(chosen.host, chosen.isSettled);
          open = open.filter((one) => one !== chosen);
        } else if (!chosen.isSettled) {
          gate.settled(chosen.host);
          chosen.isSettled = true;
        }
        const unfinished = open.filter(({ isSettled }) => !isSettled);
        assert.ok(unfinished.length <= 128);
        for (const { host: of } of open) {
          assert.ok(open.filter((one) => one.host === of).length <= 16);
          assert.ok(unfinished.filter((one) => one.host === of).length <= 8);
        }
      }
      assert.equal(gate.hosts, new Set(open.map((one) => one.host)).size);
      for (const { host: of, isSettled } of open) gate.gone(of, isSettled);
      assert.equal(gate.hosts, 0);
    }),
    { numRuns: 30 },
  );
});

for (const [address, expected] of [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:1:2::6', '2001:db8:1:2'],
  ['2001:0db8:0001:0002::6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['2001:db8:0:0:1::', '2001:db8:0:0'],
  ['2001:db8::1:2:3:4:5', '2001:db8:0:1'],
  ['::1', '0:0:0:0'],
  ['::', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
  ['febf::1%eth0', 'febf::1%eth0'],
  ['fec0::1', 'fec0:0:0:0'],
  ['', ''],
] as const) {
  test(`the host of '${address}' is '${expected}'`, () => assert.equal(hostOf(address), expected));
}

test('all addresses of a /64 are one host, others are not; of a link-local one each is for itself', () => {
  const anyGroup = fc.nat(0xffff);
  const isLinkLocal = ([first = 0]: readonly number[]): boolean => (first & 0xffc0) === 0xfe80;
  const anyAddress = fc.tuple(
    fc.array(anyGroup, { minLength: 4, maxLength: 4 }).filter((prefix) => !isLinkLocal(prefix)),
    fc.array(anyGroup, { minLength: 4, maxLength: 4 }),
  );
  const text = (groups: readonly number[]): string => groups.map((group) => group.toString(16)).join(':');
  /** As the system writes it: the longest row of zeros left out. */
  const short = (groups: readonly number[]): string => new URL(`http://[${text(groups)}]`).hostname.slice(1, -1);
  fc.assert(
    fc.property(anyAddress, fc.array(anyGroup, { minLength: 4, maxLength: 4 }), ([prefix, rest], others) => {
      assert.equal(hostOf(text([...prefix, ...rest])), hostOf(short([...prefix, ...others])));
      const sibling = prefix.with(3, (prefix[3] ?? 0) ^ 1);
      assert.notEqual(hostOf(short([...prefix, ...rest])), hostOf(short([...sibling, ...rest])));
    }),
  );
});
