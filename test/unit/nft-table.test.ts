import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../daemon/host/address.ts';
import { isNameable, removalText, tableName, tableText } from '../../daemon/host/nft-table.ts';

const NAME = tableName(new Uint8Array(32).fill(0xab));

test('names the table after the key', () => {
  assert.equal(NAME, 'ratatosk-abababababababab');
});

test('writes one transaction: the old table goes, the new one drops all but what it names', () => {
  const from = { octets: parseAddress('300:1::') ?? assert.fail(), length: 64 };
  const openings = [
    { firstPort: 22, lastPort: 22, protocol: 'tcp', from: undefined },
    { firstPort: 60000, lastPort: 61000, protocol: 'udp', from },
  ] as const;
  assert.equal(
    tableText(NAME, 'tun0', openings, { isAnew: true }),
    `add table inet ${NAME}
delete table inet ${NAME}
table inet ${NAME} {
  counter refused { }
  set refusals { type inet_proto . inet_service . ipv6_addr; flags dynamic, timeout; size 64; timeout 10m; counter; }
  chain inbound {
    ct state established,related accept
    icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request, echo-reply } accept
    tcp dport 22 accept
    ip6 saddr 300:1::/64 udp dport 60000-61000 accept
    meta l4proto { tcp, udp } update @refusals { meta l4proto . th dport . ip6 saddr }
    counter name refused drop
  }
  chain input { type filter hook input priority filter; policy accept; iif "tun0" goto inbound; }
  chain forward { type filter hook forward priority filter; policy accept; iif "tun0" goto inbound; }
}
`,
  );
});

test('later only the rules are exchanged, and the counter lives on', () => {
  const [add, flush] = tableText(NAME, 'tun0', [], { isAnew: false }).split('\n');
  assert.deepEqual([add, flush], [`add table inet ${NAME}`, `flush table inet ${NAME}`]);
});

test('removes the table also where there is none', () => {
  assert.equal(removalText(NAME), `add table inet ${NAME}\ndelete table inet ${NAME}\n`);
});

test('takes no interface whose name would mean something else in a rule', () => {
  for (const name of ['tun0', 'ygg-0', 'mesh.1', 'a_b@c+d']) assert.ok(isNameable(name), name);
  for (const name of ['', 'tun*', 'a"b', 'a b', 'a;b', 'a\nb', 'a\\', '0123456789abcdef', 'é']) {
    assert.ok(!isNameable(name), name);
  }
});
