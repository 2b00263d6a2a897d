import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { macKeys, macOf } from '../../daemon/core/link/datagram/macs.ts';
import { publicKey } from '../../daemon/core/port.ts';
import { PACKET } from '../../daemon/wire/link-packets.ts';
import { Chance, crypto } from '../support/core.ts';
import { testIdentity } from '../support/identity.ts';
import { withLab } from '../support/lab.ts';
import { needsMesh } from '../support/needs.ts';
import { assertPings, startPing } from '../support/ping.ts';
import { python } from '../support/places.ts';
import { waitFor } from '../support/wait.ts';

const PORT = 9100;
const PER_SECOND = 50_000;
const SECONDS = 12;
const INIT_SIZE = 139;
const MAC1_AT = 123;
/** Of different packets; they come round. */
const PACKETS = 20_000;
const options = { skip: needsMesh('ratatosk'), timeout: 180_000 };

for (const addresses of [1, 100_000]) {
  test(
    `L7: ${PER_SECOND} INITs a second with a valid mac1, from ${addresses === 1 ? 'one network' : `${addresses} networks`}, on real sockets`,
    options,
    withLab(async (lab, t) => {
      const [a, b, c, stranger] = [
        await lab.netns('a'),
        await lab.netns('b'),
        await lab.netns('c'),
        await lab.netns('stranger'),
      ];
      const [toFriend, toLate, toStranger] = [
        await lab.cable(a, b),
        await lab.cable(a, c),
        await lab.cable(a, stranger),
      ];
      const identity = testIdentity(0);
      const uriAt = (host: string): string => `udp://${host}:${PORT}?key=${identity.publicKeyHex}`;
      const victim = lab.node('a', { kind: 'ratatosk', netns: a, identity, listen: [`udp://[::]:${PORT}`] });
      const [friend, late] = [b, c].map((netns, i) =>
        lab.node(i === 0 ? 'b' : 'c', {
          kind: 'ratatosk',
          netns,
          identity: testIdentity(i + 1),
          peers: [uriAt((i === 0 ? toFriend : toLate).a.ipv4)],
        }),
      );
      assert.ok(friend !== undefined && late !== undefined);
      await victim.start();
      await friend.start();
      await assertPings(friend, victim);
      await a.mustRun(['ip', '-6', 'route', 'add', 'fd99::/16', 'via', toStranger.b.ipv6, 'dev', toStranger.a.device]);

      const pool = join(lab.folder, 'inits');
      await writeFile(pool, initsFor(Buffer.from(identity.publicKeyHex, 'hex')));
      const series = await startPing(lab, friend, victim, 5);
      const script = flooder(pool, toStranger.a.ipv6, addresses);
      const flood = lab.adopt(stranger.start([python, '-c', script]));
      await flood.says('begun');
      const startMs = performance.now();
      await late.start();
      await waitFor('the new peer', () => victim.hasPeer(testIdentity(2)), { limitMs: 15_000 });
      const lateMs = performance.now() - startMs;
      await flood.ended((SECONDS + 10) * 1_000);
      const { sent, received } = await series.finish();
      const told = flood.stdout.trim().split('\n').at(-1) ?? '';
      t.diagnostic(
        `${told}; ${sent - received} of ${sent} pings lost; a new peer is in after ${Math.round(lateMs)} ms`,
      );
      const { drops } = (await victim.admin('getstats')) as { drops: Record<string, number> };
      const refused = Object.entries(drops).filter(([reason, count]) => reason.startsWith('handshake') && count > 0);
      t.diagnostic(refused.map(([reason, count]) => `${reason}: ${count}`).join(', '));
      assert.equal((await victim.peers()).length, 2);
      assert.ok(sent - received < sent / 100);
      assert.ok(refused.reduce((sum, [, count]) => sum + count, 0) > (PER_SECOND * SECONDS) / 2, 'the flood arrived');
    }),
  );
}

/** Noise with the right head and mac1. */
function initsFor(key: Uint8Array): Uint8Array {
  const chance = new Chance(7);
  const { mac1 } = macKeys(crypto, new Uint8Array(32), publicKey(key));
  const pool = chance.octets(PACKETS * INIT_SIZE);
  for (let at = 0; at < pool.length; at += INIT_SIZE) {
    const octets = pool.subarray(at, at + INIT_SIZE);
    octets[0] = PACKET.init;
    octets.set(macOf(crypto, mac1, octets, MAC1_AT), MAC1_AT);
  }
  return pool;
}

/** Says `begun`, then how much it has sent; from as many networks of `fd99::/16`, which are nobody's. */
function flooder(pool: string, host: string, addresses: number): string {
  return `
import socket, struct, time
data = open('${pool}', 'rb').read()
inits = [data[i:i + ${INIT_SIZE}] for i in range(0, len(data), ${INIT_SIZE})]
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
IPV6_FREEBIND = 78
s.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
froms = [[(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack('>QQI', (0xfd99 << 48) + i, 1, 0))] for i in range(${addresses})]
to = ('${host}', ${PORT})
print('begun', flush=True)
start = time.monotonic()
sent = 0
while time.monotonic() - start < ${SECONDS}:
    due = int((time.monotonic() - start) * ${PER_SECOND})
    for i in range(sent, due):
        s.sendmsg([inits[i % ${PACKETS}]], froms[i % ${addresses}], 0, to)
    sent = max(sent, due)
    time.sleep(0.002)
print(f'{sent / (time.monotonic() - start):.0f} INITs a second')
`;
}
