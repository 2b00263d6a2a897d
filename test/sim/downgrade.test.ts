/** A node on the path that lets everything pass but the handshakes of end-to-end sessions. */
import assert from 'node:assert/strict';
import { E2E } from '../../daemon/wire/e2e.ts';
import { FRAME, type FrameHead, readFrameHead } from '../../daemon/wire/frame.ts';
import { readTraffic, trafficView } from '../../daemon/wire/traffic.ts';
import { untilAgreed } from './check.ts';
import { scenario } from './scenario.ts';
import { type Sent, Sim } from './sim.ts';

/** What no session message begins with: receivers drop it. */
const NOBODYS = 0x7f;

/** Spoils the handshakes among the frames of one write; gives how many. */
function spoil(octets: Uint8Array): number {
  const head: FrameHead = { prefix: 0, length: 0 };
  const view = trafficView();
  let count = 0;
  for (let at = 0; readFrameHead(octets, at, octets.length, head) === 'complete'; at += head.prefix + head.length) {
    const end = at + head.prefix + head.length;
    const bodyAt = at + head.prefix + 1;
    if (octets[bodyAt - 1] !== FRAME.traffic || !readTraffic(octets, bodyAt, end, view)) continue;
    const type = octets[view.payloadAt];
    if (type !== E2E.first && type !== E2E.second) continue;
    octets[view.payloadAt] = NOBODYS;
    count++;
  }
  return count;
}

scenario('E4: behind a relay that drops handshakes traffic flows, and the alarm counts', (seed) => {
  const sim = new Sim({
    seed,
    nodes: 3,
    edges: [
      [0, 1],
      [1, 2],
    ],
  });
  const [first, relay, last] = [sim.host(0), sim.host(1), sim.host(2)];
  let spoilt = 0;
  relay.onWrite = (octets) => {
    spoilt += spoil(octets);
  };
  sim.run(2_000);
  untilAgreed(sim, 20_000);
  sim.run(5_000);
  const sent: Sent[] = [];
  for (let i = 0; i < 100; i++) {
    sent.push(sim.send(first, last), sim.send(last, first));
    sim.run(200);
  }
  const isArrived = ({ arrivedMs }: Sent) => arrivedMs !== undefined;
  assert.ok(sent.slice(4).every(isArrived), 'but for the first packets nothing is lost');
  assert.ok(spoilt > 0, 'handshakes were tried');
  const alarms = [first, last].map(({ node }) => node.stats().counters.e2eDowngradeSuspected ?? 0);
  assert.ok(Math.max(...alarms) > 0, 'somebody has noticed');
  for (const { node } of [first, last]) {
    assert.ok(node.sessions().every(({ kind }) => kind === 'ironwood'));
  }
  relay.onWrite = () => {};
  sim.runUntil('e2e sessions once the interference ends', 120_000, () => {
    sim.send(first, last);
    return [first, last].every(({ node }) => node.sessions().some(({ kind }) => kind === 'e2e'));
  });
});
