/** Small packets over one radio hop: what is on the air, and that both ends, and those that lack a feature, understand it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey } from '../../daemon/core/identity.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import { LINK_FRAME, LinkFrames, writePing, writeUnknown } from '../../daemon/wire/link-frames.ts';
import { identities } from '../support/core.ts';
import { tcpPacket, timesOption } from '../support/ip-packets.ts';
import { independent } from '../support/radio/loss.ts';
import type { HostChanges, RadioHost } from '../support/radio/radio-host.ts';
import { RadioWorld } from '../support/radio/radio-world.ts';

type Ends = { readonly world: RadioWorld; readonly a: RadioHost; readonly b: RadioHost };

function joined(changes: readonly [HostChanges, HostChanges] = [{}, {}], loss = 0): Ends {
  const world = new RadioWorld({ seed: 5 });
  world.channel.setPaths({ loss: independent(loss) });
  const [a, b] = identities(2).map((owner, i) => world.host(owner, changes[i])) as [RadioHost, RadioHost];
  for (const host of [a, b]) host.open();
  a.dial(b);
  b.dial(a);
  const isUp = (host: RadioHost): boolean => host.of('peerUp').length > 0;
  assert.ok(world.runUntil(() => isUp(a) && isUp(b), 120_000));
  world.run(20_000);
  return { world, a, b };
}

const stroke = (from: RadioHost, to: RadioHost, n: number): Uint8Array =>
  tcpPacket(
    { source: addressForKey(from.key), dest: addressForKey(to.key), label: 0x12345, trafficClass: 0x48 },
    {
      ports: [22, 50_000],
      seq: 36 * n,
      acknowledged: 36 * n,
      options: timesOption(5_000 * n, 5_000 * n),
      data: new Uint8Array(36).fill(n),
    },
  );

/** Octets of the frames that a host gives to its modem, until it is stopped. */
function framesOf({ modem }: RadioHost): { readonly sizes: number[]; stop(): void } {
  const sizes: number[] = [];
  const send = modem.send.bind(modem);
  modem.send = (octets) => {
    sizes.push(octets.length);
    return send(octets);
  };
  return {
    sizes,
    stop: () => {
      modem.send = send;
    },
  };
}

/** Strokes and their echoes; gives the smallest frame with a stroke in it, and how many of all arrived as they were. */
function type({ world, a, b }: Ends, count: number): { smallest: number; arrived: number } {
  const expected = new Set<string>();
  let arrived = 0;
  for (const host of [a, b]) {
    host.delivered = (packet) => {
      if (expected.delete(Buffer.from(packet).toString('hex'))) arrived++;
    };
  }
  let smallest = Number.POSITIVE_INFINITY;
  for (let n = 1; n <= count; n++) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const packet = stroke(from, to, n);
      expected.add(Buffer.from(packet).toString('hex'));
      const frames = framesOf(from);
      from.sendPacket(packet);
      world.run(2_500);
      frames.stop();
      if (frames.sizes.length > 0) smallest = Math.min(smallest, Math.max(...frames.sizes));
    }
  }
  world.run(60_000);
  return { smallest, arrived };
}

test('an ssh key stroke is 92 octets on the air once context and flow are known', () => {
  const ends = joined();
  const { smallest, arrived } = type(ends, 12);
  assert.ok(arrived >= 23, `${arrived} of 24`);
  assert.ok(smallest <= 92, `${smallest}`);
});

for (const [name, changes] of [
  ['the first', [{ options: { compresses: false } }, {}]],
  ['the second', [{}, { options: { compresses: false } }]],
] as const) {
  test(`where ${name} does not know compressed packets they arrive all the same`, () => {
    const { smallest, arrived } = type(joined(changes), 6);
    assert.ok(arrived >= 11, `${arrived} of 12`);
    assert.ok(smallest > 108, `${smallest}`);
  });
}

test('with a third of the frames lost nothing arrives that was not sent, and most of it does', () => {
  const ends = joined([{}, {}], 0.3);
  const { arrived } = type(ends, 15);
  assert.ok(arrived >= 18, `${arrived} of 30`);
  for (const { node } of [ends.a, ends.b]) {
    const { drops } = node.stats();
    assert.deepEqual(
      ['link flow unknown', 'e2e context unknown', 'e2e packet malformed'].map((reason) => drops[reason]),
      [0, 0, 0],
    );
  }
});

test('after a restart of either side flows and contexts begin anew', () => {
  const ends = joined();
  type(ends, 4);
  for (const host of [ends.a, ends.b]) {
    host.restart();
    ends.world.run(120_000);
    const { smallest, arrived } = type(ends, 10);
    assert.ok(arrived >= 17, `${arrived} of 20`);
    assert.ok(smallest <= 97, `${smallest}`);
  }
});

test('UNKNOWN makes a round trip behind other frames, and before them', () => {
  const writer = new Writer(new Uint8Array(100));
  writePing(writer, LINK_FRAME.ping, 7);
  writeUnknown(writer, Uint8Array.of(0, 63, 5));
  writeUnknown(writer, new Uint8Array(0));
  writePing(writer, LINK_FRAME.pong, 8);
  const frames = new LinkFrames();
  frames.open(writer.buffer, 0, writer.pos);
  const seen: unknown[] = [];
  while (frames.next())
    seen.push([
      frames.type,
      frames.type === LINK_FRAME.unknown ? [...frames.buffer.subarray(frames.start, frames.end)] : frames.id,
    ]);
  assert.deepEqual(
    [seen, frames.fault],
    [
      [
        [1, 7],
        [0x11, [0, 63, 5]],
        [2, 8],
      ],
      undefined,
    ],
  );
});
