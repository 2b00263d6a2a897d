/** Cases C, D and E: more than two stations. */
import type { Endpoint } from './endpoint.ts';
import { latencies, Scene } from './scene.ts';
import type { TcpSocket } from './tcp.ts';
import type { Figures, Trial } from './trial.ts';

/** Everybody downloads from the next one, and asks the one in the middle whether it is there. */
function cell(seed: number): Figures {
  const scene = new Scene({ seed }, 5);
  const ends = Array.from({ length: 5 }, () => scene.end());
  const [centre, ...others] = ends as [Endpoint, ...Endpoint[]];
  for (const other of others) other.host.dial(centre.host);
  for (const other of others) scene.join(other, centre);
  scene.world.run(30_000);
  scene.measure();
  const rttMs: number[] = [];
  let asked = 0;
  let received = 0;
  for (const end of others) {
    end.accepted = (socket) => {
      socket.received = (count) => {
        received += count;
      };
    };
  }
  for (const [i, end] of others.entries()) end.connect(others[(i + 1) % 4] as Endpoint, 80).write(1e6);
  for (let i = 0; i < 30; i++) {
    for (const end of others) {
      asked++;
      end.ping(centre, 56, (ms) => rttMs.push(ms));
      scene.world.run(5_000);
    }
  }
  return { ...scene.goodput(received), ...latencies(rttMs, asked) };
}

/** a – b – c: a and c do not hear each other, and each other's carrier neither. */
function chain(seed: number): Figures {
  const scene = new Scene({ seed }, 3);
  const [a, b, c] = [scene.end(), scene.end(), scene.end()];
  const { channel } = scene.world;
  channel.hide(a.host.modem.radio.station, c.host.modem.radio.station);
  a.host.dial(b.host);
  c.host.dial(b.host);
  scene.join(a, b);
  scene.join(c, b);
  scene.join(a, c);
  scene.world.run(30_000);
  scene.measure();
  let received = 0;
  c.accepted = (socket) => {
    socket.received = (count) => {
      received += count;
    };
  };
  a.connect(c, 80).write(1e6);
  const rttMs: number[] = [];
  for (let i = 0; i < 60; i++) {
    c.ping(a, 56, (ms) => rttMs.push(ms));
    scene.world.run(10_000);
  }
  return { ...scene.goodput(received), ...latencies(rttMs, 60) };
}

/** LAN nodes in a ring with chords, one of which starts anew every 20 s; a gateway with three leaves on the radio. */
type Star = {
  readonly scene: Scene;
  readonly gateway: Endpoint;
  readonly leaves: readonly Endpoint[];
  readonly lan: readonly Endpoint[];
};

function star(seed: number, lanNodes = 24): Star {
  const scene = new Scene({ seed }, lanNodes + 4);
  const gateway = scene.end();
  const leaves = [scene.end(), scene.end(), scene.end()];
  const lan = Array.from({ length: lanNodes }, () => scene.end(false));
  for (const [i, end] of lan.entries()) {
    end.host.cable((lan[(i + 1) % lanNodes] as Endpoint).host);
    if (i % 4 === 0) end.host.cable((lan[(i + lanNodes / 2) % lanNodes] as Endpoint).host);
  }
  gateway.host.cable((lan[0] as Endpoint).host);
  scene.world.run(20_000);
  const churn = (): void => {
    lan[scene.world.random.below(lanNodes - 1) + 1]?.host.restart();
    scene.world.schedule.after(20_000, churn);
  };
  scene.world.schedule.after(20_000, churn);
  for (const leaf of leaves) leaf.host.dial(gateway.host);
  for (const leaf of leaves) scene.join(leaf, gateway);
  return { scene, gateway, leaves, lan };
}

/** Octets on the air a minute and link while nobody says anything. */
function idleStar(seed: number): Figures {
  const { scene, leaves } = star(seed);
  scene.world.run(300_000);
  let octets = 0;
  scene.world.channel.watch = (_from, frame) => {
    octets += frame.length;
  };
  scene.measure();
  scene.world.run(1_200_000);
  return { gossip: octets / (scene.measuredMs / 60_000) / leaves.length, control: scene.controlShare };
}

/** A LAN node fetches pages of 5 kB from the leaves by turns, and asks whether they are there. */
function pages(seed: number): Figures {
  const { scene, leaves, lan } = star(seed);
  const reader = lan[0] as Endpoint;
  for (const leaf of leaves) scene.join(reader, leaf);
  scene.world.run(30_000);
  scene.measure();
  const pageMs: number[] = [];
  let received = 0;
  for (let i = 0; i < 9; i++) {
    const leaf = leaves[i % 3] as Endpoint;
    const sinceMs = scene.world.nowMs;
    leaf.accepted = (socket: TcpSocket) => {
      socket.received = () => socket.write(PAGE_OCTETS);
    };
    const socket = reader.connect(leaf, 80);
    socket.write(120);
    const isThere = scene.world.runUntil(() => socket.receivedOctets >= PAGE_OCTETS, 300_000);
    received += socket.receivedOctets;
    if (isThere) pageMs.push(scene.world.nowMs - sinceMs);
  }
  return { ...scene.goodput(received), ...latencies(pageMs, 9) };
}

/**
 * A node that has never been there, behind five others: until the farthest answers it. Of 200 more keys on cables it brings so many
 * along; a filter of 100 is as large as one of 200. With none it is a leaf.
 */
function joinFar(brought: number): (seed: number) => Figures {
  return (seed) => {
    const scene = new Scene({ seed }, CHAIN + KEYS + 1);
    const line = Array.from({ length: CHAIN }, (_, i) => scene.end(i === CHAIN - 1));
    const joiner = scene.end(false);
    for (const [i, end] of line.slice(1).entries()) end.host.cable((line[i] as Endpoint).host);
    for (let i = 0; i < KEYS; i++) {
      const to = i < brought ? joiner : (line[i % CHAIN] as Endpoint);
      scene.end(false).host.cable(to.host);
    }
    scene.world.run(60_000);
    joiner.host.open();
    scene.measure();
    joiner.host.dial((line.at(-1) as Endpoint).host);
    const sinceMs = scene.world.nowMs;
    let isAnswered = false;
    const ask = (): void => {
      if (isAnswered) return;
      joiner.ping(line[0] as Endpoint, 56, () => {
        isAnswered = true;
      });
      scene.world.schedule.after(1_000, ask);
    };
    ask();
    scene.world.runUntil(() => isAnswered, 120_000);
    return { joined: (scene.world.nowMs - sinceMs) / 1_000, control: scene.controlShare };
  };
}

const CHAIN = 5;
const KEYS = 200;
const PAGE_OCTETS = 5_000;

export const MANY_TRIALS: readonly Trial[] = [
  { name: 'C five in a cell', run: cell, goals: [{ figure: 'delivered', least: 0.99 }] },
  { name: 'D hidden chain', run: chain, goals: [{ figure: 'delivered', least: 0.99 }] },
  { name: 'E idle leaves', run: idleStar, goals: [{ figure: 'gossip', most: 100 }] },
  { name: 'E join, depth 5, 200 keys', run: joinFar(KEYS / 2), goals: [{ figure: 'joined', most: 8 }] },
  { name: 'E join, depth 5, a leaf', run: joinFar(0), goals: [{ figure: 'joined', most: 3 }] },
  { name: 'E pages of 5 kB', run: pages, goals: [{ figure: 'delivered', least: 1 }] },
];
