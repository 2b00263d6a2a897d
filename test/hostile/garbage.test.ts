/** Octets that mean nothing, frames that nearly mean something, and frames at the wrong time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announceSigned, writeAnnounce } from '../../daemon/wire/announce.ts';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import { notifySigned, writePathBroken, writePathLookup, writePathNotify } from '../../daemon/wire/lookup.ts';
import { writeSigReq, writeSigRes } from '../../daemon/wire/sigs.ts';
import type { Chance, Identity } from '../support/core.ts';
import { EMPTY_FILTER, FULL_FILTER } from '../support/core-mesh.ts';
import { greetingOf, RawPeer, trafficFrame } from '../support/core-peer.ts';
import { Scene, seeded, strangers } from './scene.ts';

const [strangerOf, otherOf] = strangers as [Identity, Identity];

/** A frame of any type, valid for the node at the other end or nearly so. */
function someFrame(chance: Chance, peer: RawPeer, scene: Scene): Uint8Array {
  const keys = [strangerOf, otherOf].map(({ key }) => key).concat(scene.honest.map(({ key }) => key));
  const key = (): Uint8Array => (chance.below(4) === 0 ? chance.octets(32) : chance.pick(keys));
  const path = (): Uint8Array => Uint8Array.from({ length: chance.below(5) }, () => 1 + chance.below(5));
  const number = (): bigint => chance.pick([0n, 1n, 2n, 300n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 64n - 1n]);
  const { signer } = peer.self;
  switch (chance.below(10)) {
    case FRAME.dummy:
    case FRAME.keepAlive:
      return encodeFrame(chance.below(2), (writer) => writer.octets(chance.octets(chance.below(20))));
    case FRAME.sigReq:
      return encodeFrame(FRAME.sigReq, (writer) => writeSigReq(writer, { seq: number(), nonce: number() }));
    case FRAME.sigRes: {
      const fields = { seq: number(), nonce: number(), port: number() };
      const psig = signer.sign(announceSigned(peer.host.key, peer.self.key, fields));
      return encodeFrame(FRAME.sigRes, (writer) => writeSigRes(writer, { ...fields, psig }));
    }
    case FRAME.announce: {
      const fields = { seq: number(), nonce: number(), port: number() };
      const sig = signer.sign(announceSigned(peer.self.key, peer.self.key, fields));
      const message = { key: peer.self.key, parent: peer.self.key, ...fields, sig, psig: sig };
      return encodeFrame(FRAME.announce, (writer) => writeAnnounce(writer, message));
    }
    case FRAME.bloomFilter:
      return encodeFrame(FRAME.bloomFilter, (writer) => writer.octets(chance.pick([FULL_FILTER, EMPTY_FILTER])));
    case FRAME.pathLookup:
      return encodeFrame(FRAME.pathLookup, (writer) =>
        writePathLookup(writer, { source: key(), dest: key(), from: path() }),
      );
    case FRAME.pathNotify: {
      const [seq, coords] = [number(), path()];
      const info = { seq, path: coords, sig: signer.sign(notifySigned(seq, coords)) };
      const message = { path: path(), watermark: number(), source: peer.self.key, dest: key(), info };
      return encodeFrame(FRAME.pathNotify, (writer) => writePathNotify(writer, message));
    }
    case FRAME.pathBroken:
      return encodeFrame(FRAME.pathBroken, (writer) =>
        writePathBroken(writer, { path: path(), watermark: number(), source: key(), dest: key() }),
      );
    default: {
      const payload = chance.octets(chance.pick([0, 1, 52, 193, 1_500]));
      if (payload.length > 0) payload[0] = chance.below(5);
      return trafficFrame(key(), key(), payload, { to: path(), from: path(), watermark: chance.below(2 ** 20) });
    }
  }
}

/** Some octets changed, lost, doubled or put in. */
function mutated(chance: Chance, frame: Uint8Array): Uint8Array {
  const at = chance.below(frame.length);
  switch (chance.below(5)) {
    case 0: {
      const octets = frame.slice();
      octets[at] = (octets[at] as number) ^ (1 << chance.below(8));
      return octets;
    }
    case 1:
      return frame.slice(0, at);
    case 2:
      return Uint8Array.of(...frame.slice(0, at), ...chance.octets(1 + chance.below(3)), ...frame.slice(at));
    case 3:
      return Uint8Array.of(...frame, ...frame.slice(at));
    default:
      return frame;
  }
}

/** In pieces, as a network may cut it. */
function sendInPieces(chance: Chance, peer: RawPeer, octets: Uint8Array): void {
  for (let at = 0; at < octets.length && peer.closed === undefined; ) {
    const end = chance.below(3) === 0 ? at + 1 + chance.below(octets.length - at) : octets.length;
    peer.send(octets.slice(at, end));
    at = end;
  }
}

test('arbitrary octets in place of a greeting do no harm', () => {
  seeded((chance) => {
    const scene = new Scene();
    for (let i = 0; i < 300; i++) {
      const peer = new RawPeer(scene.middle, strangerOf);
      const start = chance.pick(['', 'm', 'meta', 'meta\0', 'meta\0\x75', 'meta\0\x40', 'meta\x0f\xfa']);
      sendInPieces(chance, peer, Buffer.concat([Buffer.from(start, 'latin1'), chance.octets(chance.below(600))]));
      if (chance.below(4) === 0) scene.world.run(chance.below(2_000));
      if (chance.below(3) === 0) scene.middle.detach(peer.link);
    }
    scene.checkBounds();
    scene.checkTraffic();
    scene.world.run(6_000);
    assert.equal(scene.middle.node.links().length, 2, 'none of them is left');
  });
});

test('damaged greetings are refused, whole ones are not', () => {
  seeded((chance) => {
    const scene = new Scene();
    for (let i = 0; i < 300; i++) {
      const peer = new RawPeer(scene.middle, strangerOf);
      const greeting = greetingOf(strangerOf);
      const damaged = greeting.slice();
      const at = chance.below(greeting.length);
      damaged[at] = (damaged[at] as number) ^ (1 << chance.below(8));
      sendInPieces(chance, peer, damaged);
      scene.middle.detach(peer.link);
    }
    const before = scene.middle.count('linkUp');
    sendInPieces(chance, new RawPeer(scene.middle, strangerOf), greetingOf(strangerOf));
    assert.equal(scene.middle.count('linkUp'), before + 1);
    scene.checkTraffic();
  });
});

test('arbitrary octets behind a greeting do no harm', () => {
  seeded((chance) => {
    const scene = new Scene();
    for (let i = 0; i < 300; i++) {
      const peer = new RawPeer(scene.middle, strangerOf);
      peer.greet();
      sendInPieces(chance, peer, chance.octets(chance.below(3_000)));
      scene.middle.detach(peer.link);
    }
    scene.checkBounds();
    scene.checkTraffic();
  });
});

for (const { when, isProven } of [
  { when: 'before it has proven its key', isProven: false },
  { when: 'after it has proven its key', isProven: true },
]) {
  test(`frames of any kind from a stranger ${when} do no harm`, () => {
    seeded((chance) => {
      const scene = new Scene();
      for (let i = 0; i < 60; i++) {
        const peer = isProven ? RawPeer.up(scene.middle, strangerOf, 3n) : new RawPeer(scene.middle, strangerOf);
        if (!isProven) peer.greet();
        for (let k = 0; k < 60 && peer.closed === undefined; k++) {
          sendInPieces(chance, peer, someFrame(chance, peer, scene));
          if (chance.below(10) === 0) scene.world.run(chance.below(300));
        }
        if (chance.below(2) === 0) scene.middle.detach(peer.link);
      }
      scene.checkBounds();
      scene.checkTraffic();
    });
  });
}

test('frames that are slightly wrong do no harm', () => {
  seeded((chance) => {
    const scene = new Scene();
    let ended = 0;
    for (let i = 0; i < 400; i++) {
      const peer = RawPeer.up(scene.middle, strangerOf, 3n);
      for (let k = 0; k < 8 && peer.closed === undefined; k++) {
        sendInPieces(chance, peer, mutated(chance, someFrame(chance, peer, scene)));
      }
      if (peer.closed !== undefined) ended++;
      scene.middle.detach(peer.link);
    }
    assert.ok(ended > 50, 'many are found out');
    scene.checkBounds();
    scene.checkTraffic();
  });
});

test('frames that end in the middle do no harm, and their links end in time', () => {
  seeded((chance) => {
    const scene = new Scene();
    const peers = strangers.map((of) => RawPeer.up(scene.middle, of, 3n));
    for (const peer of peers) {
      const frame = someFrame(chance, peer, scene);
      peer.send(frame.slice(0, 1 + chance.below(frame.length - 1)));
      // An answer to a request would become the missing end.
      peer.politePort = undefined;
    }
    for (let second = 0; second < 16; second++) scene.world.run(1_000);
    assert.deepEqual(
      peers.filter(({ closed }) => closed === undefined),
      [],
    );
    scene.checkBounds();
    scene.checkTraffic();
  });
});

test('links that come and go at any moment leave nothing behind', () => {
  seeded((chance) => {
    const scene = new Scene();
    const peers: RawPeer[] = [];
    for (let i = 0; i < 500; i++) {
      const peer = new RawPeer(scene.middle, chance.pick(strangers), { isInbound: chance.below(2) === 0 });
      if (chance.below(4) > 0) peer.politePort = 3n;
      if (chance.below(5) > 0) peer.greet();
      if (chance.below(3) === 0) scene.world.run(chance.below(50));
      if (chance.below(3) === 0 && peer.closed === undefined) peer.announceSelf(BigInt(i + 1));
      peers.push(peer);
      const gone = chance.pick(peers);
      if (gone.closed === undefined) {
        if (chance.below(2) === 0) scene.middle.detach(gone.link);
        else scene.middle.node.closeLink(gone.link, 'removed', '');
      }
    }
    for (const { link, closed } of peers) if (closed === undefined) scene.middle.detach(link);
    scene.world.run(1_000);
    assert.equal(scene.middle.node.links().length, 2);
    const downs = scene.middle.count('peerDown');
    assert.equal(scene.middle.count('peerUp'), downs + 2, 'whoever came has gone');
    scene.checkBounds();
    scene.checkTraffic();
  });
});
