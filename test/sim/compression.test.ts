/** Packets of all kinds over a slow path, through nodes in between, to ends that compress and ends that do not. */
import assert from 'node:assert/strict';
import { icmpPacket, tcpPacket, timesOption, udpPacket } from '../support/ip-packets.ts';
import { untilAgreed } from './check.ts';
import { scenario } from './scenario.ts';
import { Sim } from './sim.ts';
import { line } from './topology.ts';

const NODES = 4;
const PACKETS = 300;

for (const [name, olderHosts, weather] of [
  ['both ends compress', [], undefined],
  [
    'both ends compress, and datagrams are lost, late and doubled',
    [],
    { loss: 0.05, jitterMs: 80, repeat: 0.05, mtu: 1_500 },
  ],
  ['nodes in between do not know it', [1, 2], undefined],
  ['the first does not know it', [0], undefined],
  ['the last does not know it', [3], undefined],
] as const) {
  scenario(`over 60 to 120 ms a hop, ${name}: what arrives is what was sent`, (seed) => {
    const datagrams = weather === undefined ? {} : { datagrams: weather };
    const sim = new Sim({ seed, nodes: NODES, edges: line(NODES), latencyMs: [60, 120], olderHosts, ...datagrams });
    sim.run(2_000);
    untilAgreed(sim, 40_000);
    const [first, last] = [sim.host(0), sim.host(NODES - 1)];
    const sent = new Set<string>();
    let came = 0;
    for (const host of [first, last]) {
      host.onPacket = (packet) => {
        const octets = Buffer.from(packet).toString('hex');
        assert.ok(sent.delete(octets), 'it was sent, and comes once');
        came++;
      };
    }
    const { random } = sim;
    for (let i = 0; i < PACKETS; i++) {
      const [from, to] = i % 2 === 0 ? [first, last] : [last, first];
      const ends = { source: from.address, dest: to.address, label: 0x1234 };
      const data = random.octets(random.below(200));
      // Numbers that no other packet has: each must come out as it was.
      const packet = [
        () => tcpPacket(ends, { seq: 40 * i, acknowledged: 7 * i, options: timesOption(1_000 + 50 * i, 40 * i), data }),
        () => udpPacket(ends, [60_001, 60_000 + (i % 2)], Uint8Array.of(i >> 8, i, ...data)),
        () => icmpPacket(ends, 129, [9, i], data),
      ][i % 3] as () => Uint8Array;
      const octets = packet();
      sent.add(Buffer.from(octets).toString('hex'));
      from.sendPackets([octets]);
      sim.run(200);
    }
    sim.run(5_000);
    const isKnown = !olderHosts.some((index) => index === 0 || index === NODES - 1);
    for (const { node } of [first, last]) {
      const { counters, drops } = node.stats();
      assert.deepEqual([drops['e2e context unknown'], drops['e2e packet malformed']], [0, 0]);
      // Where packets are lost, hellos are as well.
      if (weather === undefined) assert.equal((counters.packetsCompressed ?? 0) > PACKETS / 4, isKnown);
    }
    assert.ok(came >= PACKETS * (weather === undefined ? 0.95 : 0.75), `${came} of ${PACKETS}`);
  });
}
