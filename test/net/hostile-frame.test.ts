import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { signed } from '../support/greeting.ts';
import { needsMesh } from '../support/needs.ts';
import { besieged, type Siege } from '../support/siege.ts';
import { frame, type Stranger, uvarint } from '../support/stranger.ts';
import { frameOutcomes } from '../support/vectors.ts';

const options = { skip: needsMesh('ratatosk'), timeout: 180_000 };
const FRESH_WATERMARK = uvarint(2n ** 64n - 1n);
const NO_PATH = Buffer.from([0]);
const BAD_SIGNATURE = Buffer.alloc(64, 1);

test(
  'a frame is handled or ends its link as in the reference, and the honest link goes on',
  options,
  besieged(['ratatosk', 'ratatosk'], async (siege) => {
    const cases = frameCases(siege);
    for (const outcome of frameOutcomes) {
      await siege.tries(`${outcome.input}: ${outcome.result}`, async () => {
        const make = cases[outcome.input];
        assert.ok(make, 'the table has an input that this test does not know');
        const stranger = siege.approach();
        await stranger.introduce();
        stranger.send(make(stranger));
        assert.equal(await stranger.isServed(), outcome.result !== 'link closed');
      });
    }
  }),
);

test(
  'a malformed session packet is dropped, its link and the honest one go on',
  options,
  besieged(['ratatosk', 'ratatosk'], async (siege) => {
    for (const [name, payload] of sessionPackets()) {
      await siege.tries(`${name}: dropped`, async () => {
        const stranger = siege.approach();
        await stranger.introduce();
        const keys = [siege.stranger.publicKey, siege.daemon.identity.publicKey];
        stranger.send(frame(9, Buffer.concat([NO_PATH, NO_PATH, ...keys, FRESH_WATERMARK, payload])));
        assert.equal(await stranger.isServed(), true);
      });
    }
  }),
);

/** By the name that the vectors give the input. */
function frameCases(siege: Siege): Record<string, (stranger: Stranger) => Buffer> {
  const own = siege.stranger.publicKey;
  const daemon = siege.daemon.identity.publicKey;
  const elsewhere = siege.honest.identity.publicKey;
  const sigFields = Buffer.concat([uvarint(77n), uvarint(77n), uvarint(1n)]);
  const announce = (port: bigint) => {
    const fields = Buffer.concat([uvarint(1n), uvarint(5n), uvarint(port)]);
    const signature = signed(siege.stranger, Buffer.concat([own, own, fields]));
    return frame(4, Buffer.concat([own, own, fields, signature, signature]));
  };
  return {
    'frame of length 0': () => Buffer.from([0]),
    'unknown type 10': () => frame(10, Buffer.alloc(0)),
    'length above 131070': () => uvarint(131071n),
    'length 131070 of type 0': () => frame(0, Buffer.alloc(131069)),
    'length varint not minimal (81 00)': () => Buffer.from([0x81, 0x00, 0x01]),
    'keep-alive with a body': () => frame(1, Buffer.from('unexpected')),
    'SigReq with a trailing octet': () => frame(2, Buffer.from([1, 1, 0])),
    'SigRes with bad signature': () => frame(3, Buffer.concat([sigFields, BAD_SIGNATURE])),
    'SigRes that answers no request but is well signed': (stranger) =>
      frame(3, Buffer.concat([sigFields, stranger.parentSignature(daemon, sigFields)])),
    'Announce with bad signature': () => {
      const message = announce(0n);
      message[message.length - 1] = (message.at(-1) ?? 0) ^ 1;
      return message;
    },
    'self-parent Announce with port 9': () => announce(9n),
    'Bloom with both flags for a word': () => frame(5, Buffer.alloc(32, 0xff)),
    'Bloom without any compression (32 zero octets and 1024 octets)': () => frame(5, Buffer.alloc(32 + 1024)),
    'PathLookup with a trailing octet': () => frame(6, Buffer.concat([own, daemon, NO_PATH, Buffer.from([1])])),
    'PathNotify for another node with bad signature': () =>
      frame(7, Buffer.concat([NO_PATH, FRESH_WATERMARK, own, elsewhere, uvarint(9n), NO_PATH, BAD_SIGNATURE])),
    'Traffic truncated': () => frame(9, Buffer.concat([NO_PATH, NO_PATH, own.subarray(0, 10)])),
    'path without terminating zero': () => frame(6, Buffer.concat([own, daemon, Buffer.from([1, 2])])),
  };
}

function sessionPackets(): [string, Buffer][] {
  const typed = (type: number, octets: number) => Buffer.concat([Buffer.from([type]), randomBytes(octets)]);
  return [
    ['an empty packet', Buffer.alloc(0)],
    ['type 0', typed(0, 40)],
    ['type 4', typed(4, 200)],
    ['an Init that is an octet short', typed(1, 191)],
    ['an Init that is an octet long', typed(1, 193)],
    ['an Init that does not open', typed(1, 192)],
    ['an Init with a key of zeros', Buffer.concat([Buffer.from([1]), Buffer.alloc(192)])],
    ['an Ack that does not open', typed(2, 192)],
    ['Traffic without a header', typed(3, 0)],
    ['Traffic with a number that does not end', Buffer.concat([Buffer.from([3]), Buffer.alloc(60, 0xff)])],
    ['Traffic without a session', Buffer.concat([Buffer.from([3, 1, 1, 1]), randomBytes(80)])],
    ['Traffic of the largest size', Buffer.concat([Buffer.from([3, 1, 1, 1]), randomBytes(130_000)])],
  ];
}
