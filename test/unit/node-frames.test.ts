import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey } from '../../daemon/core/identity.ts';
import type { CloseReason } from '../../daemon/core/port.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import { writePathLookup, writePathNotify } from '../../daemon/wire/lookup.ts';
import { writeSigReq } from '../../daemon/wire/sigs.ts';
import { type Identity, NOTHING, pathOf, vectorsOf } from '../support/core.ts';
import { Mesh, others, root, trafficTo, us } from '../support/core-mesh.ts';
import { announceBody, RawPeer } from '../support/core-peer.ts';
import { octets } from './wire-vectors.ts';

const [childOf, farOf, strangerOf] = others as [Identity, Identity, Identity];

// Frames, one by one (section 4.1)

/** The frames of each line of the vectors' table, and what the line says of the link. */
const OUTCOMES: Record<string, { frames: (peer: RawPeer) => Uint8Array[]; closed?: CloseReason }> = {
  'frame of length 0': { frames: () => [Uint8Array.of(0)], closed: 'frame malformed' },
  'unknown type 10': { frames: () => [Uint8Array.of(1, 10)], closed: 'frame type unknown' },
  'length above 131070': { frames: () => [Uint8Array.of(0xff, 0xff, 0x07)], closed: 'frame malformed' },
  'length 131070 of type 0': {
    frames: () => [Buffer.concat([Uint8Array.of(0xfe, 0xff, 0x07), Buffer.alloc(131_070)])],
  },
  'length varint not minimal (81 00)': { frames: () => [Uint8Array.of(0x81, 0x00, FRAME.keepAlive)] },
  'keep-alive with a body': { frames: () => [Uint8Array.of(4, FRAME.keepAlive, 1, 2, 3)] },
  'SigReq with a trailing octet': {
    frames: () => [Uint8Array.of(4, FRAME.sigReq, 1, 1, 0)],
    closed: 'frame malformed',
  },
  'SigRes with bad signature': {
    frames: () => [encodeFrame(FRAME.sigRes, (writer) => writer.u8(1).u8(1).u8(1).octets(new Uint8Array(64)))],
    closed: 'signature response invalid',
  },
  'SigRes that answers no request but is well signed': {
    frames: (peer) => sentBy(peer, () => peer.answer({ seq: 99n, nonce: 9n }, 4n)),
  },
  'Announce with bad signature': {
    frames: () => [frameOf(FRAME.announce, announceBody({ ...farOf, signer: us.signer }, farOf, { seq: 1n }))],
    closed: 'announce invalid',
  },
  'self-parent Announce with port 9': {
    frames: () => [frameOf(FRAME.announce, announceBody(farOf, farOf, { seq: 1n, port: 9n }))],
  },
  'Bloom with both flags for a word': {
    frames: () => [frameOf(FRAME.bloomFilter, new Uint8Array(32).fill(0xff))],
    closed: 'filter malformed',
  },
  'Bloom without any compression (32 zero octets and 1024 octets)': {
    frames: () => [frameOf(FRAME.bloomFilter, new Uint8Array(32 + 1_024))],
  },
  'PathLookup with a trailing octet': {
    frames: () => [
      encodeFrame(FRAME.pathLookup, (writer) => {
        writePathLookup(writer, { source: farOf.key, dest: us.key, from: NOTHING });
        writer.u8(1);
      }),
    ],
    closed: 'frame malformed',
  },
  'PathNotify for another node with bad signature': {
    frames: () => [
      encodeFrame(FRAME.pathNotify, (writer) =>
        writePathNotify(writer, {
          path: pathOf(9),
          watermark: 9n,
          source: farOf.key,
          dest: strangerOf.key,
          info: { seq: 1n, path: pathOf(1), sig: new Uint8Array(64) },
        }),
      ),
    ],
  },
  'Traffic truncated': { frames: () => [frameOf(FRAME.traffic, new Uint8Array(60))], closed: 'frame malformed' },
  'path without terminating zero': {
    frames: () => [frameOf(FRAME.traffic, new Uint8Array(100).fill(1))],
    closed: 'frame malformed',
  },
};

function frameOf(type: number, body: Uint8Array): Uint8Array {
  return encodeFrame(type, (writer) => writer.octets(body));
}

/** What a peer would send, without its being sent. */
function sentBy(peer: RawPeer, act: () => void): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const { send } = peer;
  peer.send = (octets) => frames.push(octets);
  act();
  peer.send = send;
  return frames;
}

type Table = { frame_outcomes_of_the_reference_daemon: { input: string; result: string }[] };
for (const { input, result } of vectorsOf<Table>('routing_messages').frame_outcomes_of_the_reference_daemon) {
  test(`${input}: ${result}`, () => {
    const outcome = OUTCOMES[input];
    assert.ok(outcome, 'the line is known');
    assert.equal(result === 'link closed', outcome.closed !== undefined);
    const mesh = new Mesh();
    for (const frame of outcome.frames(mesh.parent)) mesh.parent.send(frame);
    assert.equal(mesh.parent.closed, outcome.closed);
    // A link that stays goes on as if nothing had been.
    mesh.parent.take();
    mesh.parent.request(1n, 1n);
    assert.equal(mesh.parent.take(FRAME.sigRes).length, outcome.closed === undefined ? 1 : 0);
  });
}

test('the frames of the vectors are read', () => {
  type Items = { items: { frame: string; note: string }[] };
  for (const { frame, note } of vectorsOf<Items>('routing_messages').items) {
    const mesh = new Mesh();
    mesh.parent.send(octets(frame));
    // A response is signed for other keys than ours.
    const expected = /^(A answers R with|R answers A$)/.test(note) ? 'signature response invalid' : undefined;
    assert.equal(mesh.parent.closed, expected, note);
  }
});

test('frames behind one that ends the link are not read', () => {
  const mesh = new Mesh();
  mesh.parent.send(
    Buffer.concat([Uint8Array.of(1, 10), encodeFrame(FRAME.sigReq, (w) => writeSigReq(w, { seq: 1n, nonce: 1n }))]),
  );
  assert.equal(mesh.parent.take(FRAME.sigRes).length, 0);
});

test('a body longer than any message of its type ends the link', () => {
  const mesh = new Mesh();
  const writer = new Writer(new Uint8Array(60_010));
  writer.uvarint(60_001).u8(FRAME.pathLookup);
  mesh.parent.send(writer.buffer.subarray(0, writer.pos + 60_000));
  assert.equal(mesh.parent.closed, 'frame malformed');
});

// Traffic (section 4.8)

const PAYLOAD = Uint8Array.from({ length: 300 }, (_, i) => i);

test('traffic goes on towards its path, changed in nothing but the watermark', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  const port = Number(mesh.portOf(child));
  mesh.parent.traffic(farOf.key, strangerOf.key, PAYLOAD, { to: pathOf(7, port, 5), from: pathOf(3), watermark: 200 });
  assert.deepEqual(trafficTo(child), [
    { path: [7, port, 5], from: [3], source: farOf.key, dest: strangerOf.key, payload: PAYLOAD, watermark: 2n },
  ]);
});

test('a fresh watermark of ten octets is replaced by our distance', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  const writer = new Writer(new Uint8Array(300));
  writer
    .octets(pathOf(7, Number(mesh.portOf(child))))
    .u8(0)
    .u8(0)
    .octets(farOf.key)
    .octets(strangerOf.key);
  writer.uvarint(2n ** 64n - 1n).octets(PAYLOAD.subarray(0, 100));
  mesh.parent.frame(FRAME.traffic, writer.written().slice());
  const [sent] = trafficTo(child);
  assert.equal(sent?.watermark, 1n);
  assert.deepEqual(sent?.payload, PAYLOAD.subarray(0, 100));
});

test('traffic goes up to the root when its path lies elsewhere', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  child.traffic(childOf.key, farOf.key, PAYLOAD, { to: pathOf(3, 3), from: pathOf(7, 2), watermark: 9 });
  assert.equal(trafficTo(mesh.parent).length, 1);
});

test('traffic may go back where it came from', () => {
  const mesh = new Mesh();
  mesh.parent.traffic(farOf.key, strangerOf.key, PAYLOAD, { to: pathOf(3), from: pathOf(4), watermark: 200 });
  assert.equal(trafficTo(mesh.parent)[0]?.watermark, 2n);
});

test('traffic that would not get closer is reported as broken to its source', () => {
  const mesh = new Mesh();
  mesh.parent.traffic(farOf.key, strangerOf.key, PAYLOAD, { to: pathOf(7, 99), from: pathOf(3), watermark: 200 });
  assert.deepEqual(trafficTo(mesh.parent), []);
  const [body] = mesh.parent.take(FRAME.pathBroken);
  assert.ok(body);
  assert.deepEqual([body[0], body[1], body[2]], [3, 0, 2], 'to where it came from, with our distance');
  assert.deepEqual(body.slice(3, 35), farOf.key);
  assert.deepEqual(body.slice(35), strangerOf.key);
});

test('traffic with a watermark not above our distance is reported as broken', () => {
  const mesh = new Mesh();
  mesh.parent.traffic(farOf.key, strangerOf.key, PAYLOAD, { to: pathOf(3), from: pathOf(4), watermark: 2 });
  assert.equal(trafficTo(mesh.parent).length, 0);
  assert.equal(mesh.parent.take(FRAME.pathBroken).length, 1);
});

test('traffic for us is ours whatever its path says', () => {
  const mesh = new Mesh();
  mesh.parent.traffic(farOf.key, us.key, PAYLOAD, { to: pathOf(3, 3, 3), from: pathOf(3), watermark: 1 });
  assert.deepEqual([trafficTo(mesh.parent), mesh.parent.take(FRAME.pathBroken)], [[], []]);
  assert.equal(mesh.host.drops('session packet unknown'), 1, 'it has reached the sessions');
});

test('traffic for a direct peer reaches it whatever its path says', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  mesh.parent.traffic(farOf.key, childOf.key, PAYLOAD, { to: pathOf(7, 99), from: pathOf(3), watermark: 9 });
  assert.equal(trafficTo(child).length, 1);
});

test('traffic for a direct peer goes to it, not where its path points', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  mesh.parent.traffic(farOf.key, childOf.key, PAYLOAD, { to: pathOf(3, 3), from: pathOf(3), watermark: 99 });
  assert.equal(trafficTo(child).length, 1);
  assert.equal(trafficTo(mesh.parent).length, 0);
});

test('our own packets for a direct peer go to it, not where its path points', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  mesh.send(addressForKey(childOf.key));
  mesh.parent.notify(childOf, 100n, pathOf(3), { path: pathOf(7), dest: us.key });
  assert.equal(trafficTo(child).length, 1);
});

test('traffic of 131070 octets passes', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  const port = Number(mesh.portOf(child));
  const payload = new Uint8Array(131_070 - 1 - 64 - 3 - 1 - 2).fill(7);
  mesh.parent.traffic(farOf.key, strangerOf.key, payload, { to: pathOf(7, port), from: NOTHING, watermark: 200 });
  assert.deepEqual(trafficTo(child)[0]?.payload, payload);
});

for (const hops of [255, 256]) {
  test(`traffic over ${hops} hops ${hops === 255 ? 'passes' : 'is dropped and counted'}`, () => {
    const mesh = new Mesh();
    const to = new Uint8Array(hops).fill(3);
    mesh.parent.traffic(farOf.key, strangerOf.key, PAYLOAD, { to, from: NOTHING, watermark: 1_000 });
    assert.equal(trafficTo(mesh.parent).length, hops === 255 ? 1 : 0);
    assert.equal(mesh.host.drops('path too deep'), hops === 255 ? 0 : 1);
    assert.equal(mesh.parent.closed, undefined);
  });
}

test('an unproven peer’s traffic, lookups and notifies go nowhere', () => {
  const mesh = new Mesh();
  const stranger = new RawPeer(mesh.host, strangerOf);
  stranger.greet();
  mesh.parent.take();
  stranger.traffic(farOf.key, root.key, PAYLOAD, { to: NOTHING, from: NOTHING, watermark: 9 });
  stranger.lookup(farOf.key, us.key, NOTHING);
  stranger.notify(farOf, 1n, NOTHING, { path: NOTHING, dest: root.key });
  assert.deepEqual(mesh.parent.take(), []);
  assert.equal(mesh.host.drops('link unproven'), 3);
});

test('nothing is sent over an unproven link of a proven peer', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  const replayed = new RawPeer(mesh.host, childOf);
  replayed.greet();
  const to = pathOf(7, Number(mesh.portOf(child)));
  mesh.host.detach(child.link);
  mesh.parent.traffic(farOf.key, childOf.key, PAYLOAD, { to, from: NOTHING, watermark: 9 });
  assert.deepEqual(trafficTo(replayed), []);
});
