import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LinkOptions } from '../support/carriers.ts';
import { testIdentity } from '../support/identity.ts';
import { withLab } from '../support/lab.ts';
import { startPair } from '../support/mesh.ts';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import type { Netns } from '../support/netns.ts';
import { python } from '../support/places.ts';
import { loadRules } from '../support/routed.ts';
import { waitFor } from '../support/wait.ts';

const skip = needsMesh('ratatosk') || needs(needsTool('nft'));
const options = { skip, timeout: 90_000 };
const two = ['ratatosk', 'ratatosk'] as const;
const PORT = 9100;

/** Packets of IPv4 that came to the port, and packets of any kind that left the namespace. */
async function countPackets(netns: Netns): Promise<() => Promise<{ came: number; left: number }>> {
  await loadRules(
    netns,
    `table ip count {
      counter came {}
      counter left {}
      chain input { type filter hook input priority 0; udp dport ${PORT} counter name came; }
      chain output { type filter hook output priority 0; counter name left; }
    }`,
  );
  return async () => {
    const listed: { nftables: { counter?: { name: string; packets: number } }[] } = JSON.parse(
      await netns.mustRun(['nft', '-j', 'list', 'counters']),
    );
    const packets = (name: string) => listed.nftables.find(({ counter }) => counter?.name === name)?.counter?.packets;
    return { came: packets('came') ?? 0, left: packets('left') ?? 0 };
  };
}

/** Dials in vain, and nothing comes back. */
function isIgnored(link: LinkOptions) {
  return withLab(async (lab) => {
    // The listener is there, the rules are, and then the stranger comes.
    const { a, b } = await startPair(lab, two, { scheme: 'udp', ...link, dialler: 'b' });
    const counted = await countPackets(a.netns);
    const uri = (await b.peers())[0]?.remote ?? '';
    assert.match(uri, /^udp:/);
    const { came } = await waitFor('three packets of the stranger', async () => {
      const packets = await counted();
      return packets.came >= 3 && packets;
    });
    assert.equal((await counted()).left, 0, `${came} packets came`);
    assert.equal(await a.hasPeer(b.identity), false);
  });
}

describe('strangers on a UDP port get no answer', { concurrency: 2 }, () => {
  test('who does not know the password', options, isIgnored({ password: 'right', diallerPassword: 'wrong' }));
  test('who looks for somebody else', options, isIgnored({ pinnedKeyHex: testIdentity(7).publicKeyHex }));
  test(
    'who sends random datagrams, or scans the port',
    options,
    withLab(async (lab) => {
      const [a, stranger] = [await lab.netns('a'), await lab.netns('stranger')];
      const { a: end } = await lab.cable(a, stranger);
      const node = lab.node('a', {
        kind: 'ratatosk',
        netns: a,
        identity: testIdentity(0),
        listen: [`udp://[::]:${PORT}`],
      });
      await node.start();
      const counted = await countPackets(a);
      const sent = Number(await noise(stranger, end.ipv4));
      await waitFor('the last of them', async () => (await counted()).came >= sent * 0.9);
      assert.equal((await counted()).left, 0);
      assert.deepEqual(await node.peers(), []);
    }),
  );
});

/** Every first octet, sizes from nothing to the largest, and what scanners send. Answers how many. */
function noise(from: Netns, host: string): Promise<string> {
  const script = `
import os, random, socket
random.seed(7)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
probes = [b'', b'\\r\\n', b'GET / HTTP/1.0\\r\\n\\r\\n', b'\\x00' * 48, b'meta', b'\\x00\\x00\\x10\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00']
for first in (0xa1, 0xa2, 0xa3, 0xa4, 0xc0, 0xc1):
    for size in (1, 22, 23, 25, 52, 53, 89, 105, 139, 155, 1200, 1472):
        probes.append(bytes([first]) + os.urandom(size - 1))
for first in range(256):
    probes.append(bytes([first]) + random.randbytes(random.randrange(0, 1472)))
for probe in probes:
    s.sendto(probe, ('${host}', ${PORT}))
print(len(probes))
`;
  return from.mustRun([python, '-c', script]);
}
