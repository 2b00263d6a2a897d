/** Strangers that send well-formed frames as fast as a line carries them, while honest traffic goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import { writePathBroken } from '../../daemon/wire/lookup.ts';
import { type Chance, type Identity, NOTHING, pathOf } from '../support/core.ts';
import { FULL_FILTER } from '../support/core-mesh.ts';
import { announceBody, RawPeer, trafficFrame } from '../support/core-peer.ts';
import { Scene, seeded, strangers } from './scene.ts';

/** Every so often, and so many times in a row. */
const EVERY_MS = 50;
const AT_ONCE = 50;

type Flood = (peer: RawPeer, scene: Scene, chance: Chance, count: number) => void;

const frame = (type: number, body: Uint8Array): Uint8Array => encodeFrame(type, (writer) => writer.octets(body));

/** Made once for each run: strangers need not sign while they flood. */
function prepared(make: (peer: RawPeer, scene: Scene, chance: Chance) => Uint8Array[]): Flood {
  const frames = new WeakMap<RawPeer, Uint8Array[]>();
  return (peer, scene, chance, count) => {
    const ready = frames.get(peer) ?? make(peer, scene, chance);
    frames.set(peer, ready);
    for (let i = 0; i < count && peer.closed === undefined; i++) peer.send(chance.pick(ready));
  };
}

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

const FLOODS: Record<string, Flood> = {
  requests: (peer, _scene, chance, count) => {
    for (let i = 0; i < count; i++) peer.request(BigInt(chance.u32()), BigInt(chance.u32()));
  },
  'the same announcement': prepared((peer) => [frame(FRAME.announce, announceBody(peer.self, peer.self, { seq: 9n }))]),
  'older and older announcements': prepared((peer) =>
    times(200, (i) => frame(FRAME.announce, announceBody(peer.self, peer.self, { seq: BigInt(1 + i) }))),
  ),
  'announcements of others': prepared((peer) =>
    times(300, (i) => {
      const other = strangers[i % strangers.length] as Identity;
      return frame(FRAME.announce, announceBody(other, peer.self, { seq: BigInt(1 + i), nonce: BigInt(i) }));
    }),
  ),
  filters: (peer, _scene, chance, count) => {
    for (let i = 0; i < count; i++) {
      const filter = new Uint8Array(32 + 1_024);
      filter.set(chance.octets(1_024), 32);
      peer.frame(FRAME.bloomFilter, filter);
    }
  },
  'lookups of honest nodes': (peer, scene, chance, count) => {
    for (let i = 0; i < count; i++) peer.lookup(chance.octets(32), chance.pick(scene.honest).key, pathOf(1));
  },
  'lookups of nobody': (peer, _scene, chance, count) => {
    for (let i = 0; i < count; i++) peer.lookup(chance.octets(32), chance.octets(32), pathOf(1, 2, 3));
  },
  'answers that nobody asked for': prepared((peer, scene) =>
    times(100, (i) =>
      recorded(peer, () => peer.notify(peer.self, BigInt(i), pathOf(3), { path: pathOf(1), dest: scene.middle.key })),
    ),
  ),
  'reports of broken paths': (peer, scene, chance, count) => {
    for (let i = 0; i < count; i++) {
      const [source, dest] = [chance.pick(scene.honest), chance.pick(scene.honest)];
      const path = Uint8Array.from(source.node.self().coords, Number);
      peer.frame(FRAME.pathBroken, (writer) =>
        writePathBroken(writer, { path, watermark: 99n, source: source.key, dest: dest.key }),
      );
    }
  },
  'traffic to nowhere': prepared((peer, _scene, chance) =>
    times(20, () =>
      trafficFrame(peer.self.key, chance.octets(32), chance.octets(1_000), {
        to: pathOf(9, 9),
        from: pathOf(8),
        watermark: 999,
      }),
    ),
  ),
  'session packets without sense, under honest sources': (peer, scene, chance, count) => {
    for (let i = 0; i < count; i++) {
      const [source, dest] = [chance.pick(scene.honest), chance.pick(scene.honest)];
      const payload = chance.octets(chance.pick([60, 193, 1_000]));
      payload[0] = payload.length === 193 ? 1 + chance.below(2) : 3;
      // Small numbers, as an early session has them.
      payload.set([chance.below(5), chance.below(5), chance.below(100)], 1);
      const to = Uint8Array.from(dest.node.self().coords, Number);
      peer.traffic(source.key, dest.key, payload, { to, from: pathOf(1), watermark: 99 });
    }
  },
  'session packets without sense, under any source': (peer, scene, chance, count) => {
    for (let i = 0; i < count; i++) {
      const payload = chance.octets(chance.pick([60, 193]));
      payload[0] = payload.length === 193 ? 1 : 3;
      peer.traffic(chance.octets(32), scene.middle.key, payload, { to: NOTHING, from: NOTHING, watermark: 99 });
    }
  },
};

/** The octets of a frame that a peer would send. */
function recorded(peer: RawPeer, act: () => void): Uint8Array {
  let octets = NOTHING;
  const { send } = peer;
  peer.send = (frameOctets) => {
    octets = frameOctets;
  };
  act();
  peer.send = send;
  return octets;
}

for (const [what, flood] of Object.entries(FLOODS)) {
  test(`a flood of ${what} does not disturb the honest`, () => {
    seeded((chance) => {
      const scene = new Scene();
      const attackers = strangers.slice(0, 3).map((of) => RawPeer.up(scene.middle, of, 3n));
      for (const peer of attackers) {
        peer.announce(peer.self, scene.middle.owner, { seq: 1n, port: portOf(scene, peer) });
        peer.frame(FRAME.bloomFilter, FULL_FILTER);
      }
      scene.world.run(2_000);
      let isOver = false;
      const act = (): void => {
        if (isOver) return;
        for (const peer of attackers) if (peer.closed === undefined) flood(peer, scene, chance, AT_ONCE);
        for (const peer of attackers) peer.take();
        scene.world.later(EVERY_MS, act);
      };
      act();
      scene.checkTraffic();
      scene.checkBounds();
      isOver = true;
      scene.checkTraffic();
      scene.checkBounds();
    });
  });
}

function portOf(scene: Scene, peer: RawPeer): bigint {
  return BigInt(scene.middle.node.links().find(({ link }) => link === peer.link)?.port ?? 0);
}

test('a flood of connections leaves room for those whom we know', () => {
  seeded((chance) => {
    const scene = new Scene();
    for (let i = 0; i < 700; i++) {
      const peer = new RawPeer(scene.middle, chance.pick(strangers));
      if (chance.below(2) === 0) peer.greet();
    }
    assert.ok(scene.middle.node.links().length <= 448);
    const known = new RawPeer(scene.middle, strangers[0] as Identity, { isConfigured: true });
    assert.equal(known.closed, undefined);
    scene.checkBounds();
    scene.checkTraffic();
    assert.equal(scene.middle.node.links().length, 2, 'all of them are gone after some seconds');
  });
});

test('many strangers that each announce as much as they may do not fill the tree', () => {
  seeded(() => {
    const scene = new Scene();
    const attackers = strangers.map((of) => RawPeer.up(scene.middle, of, 3n));
    for (let second = 0; second < 20; second++) {
      for (const [i, peer] of attackers.entries()) {
        for (let k = 0; k < 15 && peer.closed === undefined; k++) {
          const other = strangers[(i + k) % strangers.length] as Identity;
          peer.announce(other, peer.self, { seq: BigInt(second + 1), nonce: BigInt(1_000 - k) });
        }
      }
      scene.world.run(1_000);
    }
    scene.checkBounds();
    scene.checkTraffic();
  });
});
