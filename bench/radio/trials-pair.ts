/** Cases A, B, F and G: two stations. */
import { rnodeModulation } from '../../test/support/radio/frame-modem.ts';
import { bursty, independent } from '../../test/support/radio/loss.ts';
import type { Endpoint } from './endpoint.ts';
import { latencies, pings, Scene, type SceneFacts, Typist } from './scene.ts';
import type { Figures, Goal, Trial } from './trial.ts';

const HOUR_MS = 3_600_000;

type Pair = { readonly scene: Scene; readonly a: Endpoint; readonly b: Endpoint };

function pair(seed: number, changes: Partial<SceneFacts> = {}): Pair {
  const scene = new Scene({ seed, ...changes }, 2);
  const [a, b] = [scene.end(), scene.end()];
  a.host.dial(b.host);
  scene.join(a, b);
  scene.world.run(10_000);
  scene.measure();
  return { scene, a, b };
}

function bulk(changes: Partial<SceneFacts>, octets: number): Trial['run'] {
  return (seed) => {
    const { scene, a, b } = pair(seed, changes);
    const received = scene.download(a, b, octets);
    return { ...scene.goodput(received), delivered: received / octets };
  };
}

function datagrams(changes: Partial<SceneFacts>): Trial['run'] {
  return (seed) => {
    const { scene, a, b } = pair(seed, changes);
    for (let i = 0; i < 120; i++) {
      a.datagram(b, 1_200);
      scene.world.run(1_500);
    }
    return scene.goodput(b.datagramOctets);
  };
}

function echo(changes: Partial<SceneFacts>, everyMs: number, count = 40): Trial['run'] {
  return (seed) => {
    const { scene, a, b } = pair(seed, changes);
    return pings(scene, a, b, count, everyMs);
  };
}

function strokes(changes: Partial<SceneFacts>, everyMs: number): Trial['run'] {
  return (seed) => {
    const { scene, a, b } = pair(seed, changes);
    const typist = new Typist(scene, a, b, everyMs);
    scene.world.run(40 * everyMs);
    return typist.stop();
  };
}

/** Key strokes beside a download, the same way or against it. */
function strokesUnderLoad(isAgainst: boolean, changes: Partial<SceneFacts> = {}): Trial['run'] {
  return (seed) => {
    const { scene, a, b } = pair(seed, changes);
    let received = 0;
    b.accepted = (socket) => {
      socket.received = (count) => {
        received += count;
      };
    };
    a.connect(b, 80).write(1e6);
    scene.world.run(20_000);
    const typist = isAgainst ? new Typist(scene, b, a, 3_000) : new Typist(scene, a, b, 3_000);
    scene.world.run(10_000);
    scene.measure();
    const before = received;
    scene.world.run(240_000);
    return { ...scene.goodput(received - before), ...typist.stop() };
  };
}

/** A node that dies now and then: how long until it can be reached again. */
function restarts(seed: number): Figures {
  const { scene, a, b } = pair(seed);
  const backMs: number[] = [];
  for (let i = 0; i < 5; i++) {
    b.host.restart();
    a.host.world.run(1_000);
    backMs.push(1_000 + scene.join(a, b));
    scene.world.run(120_000);
  }
  return latencies(backMs, 5);
}

/** Out of reach for five minutes. */
function absences(seed: number): Figures {
  const { scene, a, b } = pair(seed);
  const { channel } = scene.world;
  const [near, far] = [a.host.modem.radio.station, b.host.modem.radio.station];
  const backMs: number[] = [];
  for (let i = 0; i < 4; i++) {
    channel.hide(near, far);
    scene.world.run(300_000);
    channel.setBetween(near, far, { rssi: -80, loss: independent(0) });
    backMs.push(scene.join(a, b));
    scene.world.run(60_000);
  }
  return latencies(backMs, 4);
}

function duty(share: number): Trial['run'] {
  return (seed) => {
    const budgetMs = share * HOUR_MS;
    const limits = [{ windowMs: HOUR_MS, airMs: budgetMs, frameMs: Number.POSITIVE_INFINITY }];
    const { scene, a, b } = pair(seed, { air: { limits } });
    const sinceMs = a.host.airMs;
    // A quarter more than may be sent.
    const everyMs = 2_000 / (1.25 * share);
    const untilMs = scene.world.nowMs + 2 * HOUR_MS;
    while (scene.world.nowMs < untilMs) {
      a.datagram(b, 1_000);
      scene.world.run(everyMs);
    }
    const used = (a.host.airMs - sinceMs) / (2 * budgetMs);
    return { ...scene.goodput(b.datagramOctets), budget: used, violations: scene.violations() };
  };
}

const SF7_LOSSES: readonly (readonly [number, number, number])[] = [
  [0, 0.7, 1.35],
  [0.1, 0.6, Number.NaN],
  [0.2, 0.52, Number.NaN],
  [0.3, 0.45, 1.9],
];

export const PAIR_TRIALS: readonly Trial[] = [
  ...SF7_LOSSES.map(([loss, least, most]): Trial => {
    const goals: Goal[] = [
      { figure: 'raw', least },
      { figure: 'delivered', least: 1 },
    ];
    if (!Number.isNaN(most)) goals.push({ figure: 'airRatio', most });
    return { name: `A SF7/125 TCP ${loss * 100} %`, run: bulk({ loss }, 80_000), goals };
  }),
  {
    name: 'A SF7/125 TCP 20 % bursty',
    run: bulk({ loss: bursty(0.2, 3) }, 80_000),
    goals: [{ figure: 'delivered', least: 1 }],
  },
  {
    name: 'A SF7/125 TCP, window mended',
    run: bulk({ mendsWindow: true }, 80_000),
    goals: [{ figure: 'delivered', least: 1 }],
  },
  ...[0, 0.2].map(
    (loss): Trial => ({
      name: `A SF7/125 TCP ${loss * 100} %, as to a plain node`,
      run: bulk({ loss, e2e: 'off' }, 20_000),
      goals: [{ figure: 'delivered', least: 1 }],
    }),
  ),
  { name: 'A SF7/125 datagrams', run: datagrams({}), goals: [] },
  {
    name: 'A SF7/500 TCP',
    run: bulk({ modulation: rnodeModulation(7, 500_000) }, 160_000),
    goals: [{ figure: 'raw', least: 0.5 }],
  },
  {
    name: 'A SF8/500 TCP',
    run: bulk({ modulation: rnodeModulation(8, 500_000) }, 160_000),
    goals: [{ figure: 'delivered', least: 1 }],
  },
  {
    name: 'A SF9/125 TCP',
    run: bulk({ modulation: rnodeModulation(9) }, 30_000),
    goals: [{ figure: 'delivered', least: 1 }],
  },
  {
    name: 'A SF12/125 TCP',
    run: bulk({ modulation: rnodeModulation(12) }, 5_000),
    goals: [{ figure: 'delivered', least: 1 }],
  },
  { name: 'B ping SF7', run: echo({}, 5_000), goals: [{ figure: 'p50', most: 0.9 }] },
  {
    name: 'B ping SF7 20 %',
    run: echo({ loss: 0.2 }, 10_000, 100),
    goals: [{ figure: 'delivered', least: 0.99 }],
  },
  {
    name: 'B ping SF7 30 %',
    run: echo({ loss: 0.3 }, 10_000, 100),
    goals: [{ figure: 'delivered', least: 0.99 }],
  },
  { name: 'B ping SF9', run: echo({ modulation: rnodeModulation(9) }, 15_000), goals: [{ figure: 'p50', most: 2.5 }] },
  {
    name: 'B ping SF12',
    run: echo({ modulation: rnodeModulation(12) }, 60_000, 20),
    goals: [{ figure: 'p50', most: 14 }],
  },
  { name: 'B key stroke SF7', run: strokes({}, 5_000), goals: [{ figure: 'p50', most: 0.85 }] },
  ...[false, true].map(
    (isAgainst): Trial => ({
      name: `B key stroke beside bulk, ${isAgainst ? 'against it' : 'the same way'}`,
      run: strokesUnderLoad(isAgainst),
      goals: [
        { figure: 'p50', most: 3 },
        { figure: 'p95', most: 6 },
        { figure: 'raw', least: 0.5 },
      ],
    }),
  ),
  { name: 'F restarts', run: restarts, goals: [] },
  { name: 'F out of reach', run: absences, goals: [] },
  ...[0.01, 0.1].map(
    (share): Trial => ({
      name: `G duty ${share * 100} %`,
      run: duty(share),
      goals: [
        { figure: 'violations', most: 0 },
        { figure: 'budget', least: 0.9 },
      ],
    }),
  ),
];
