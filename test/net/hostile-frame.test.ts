import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { CloseReason } from '../../daemon/core/port.ts';
import type { DropReason } from '../../daemon/core/stats.ts';
import { signed } from '../support/greeting.ts';
import { testIdentity } from '../support/identity.ts';
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
        const found = cases[outcome.input];
        assert.ok(found, 'the table has an input that this test does not know');
        const [make, reason] = found;
        assert.equal(reason !== undefined, outcome.result === 'link closed', 'this test and the table differ');
        const stranger = siege.approach();
        await stranger.introduce();
        stranger.send(make(stranger));
        assert.equal(await stranger.isServed(), reason === undefined);
        if (reason !== undefined) await siege.tellsReason(reason);
      });
    }
  }),
);

test(
  'a malformed session packet is dropped, its link and the honest one go on',
  options,
  besieged(['ratatosk', 'ratatosk'], async (siege) => {
    for (const [i, [name, payload, reason]] of sessionPackets().entries()) {
      await siege.tries(`${name}: dropped`, async () => {
        // Two keys by turns, so that no limit for one of them hides the reason.
        const stranger = siege.approach('open', testIdentity(7 + (i % 2)));
        await stranger.introduce();
        const before = await siege.dropsOf(reason);
        const keys = [stranger.identity.publicKey, siege.daemon.identity.publicKey];
        stranger.send(frame(9, Buffer.concat([NO_PATH, NO_PATH, ...keys, FRESH_WATERMARK, payload])));
        assert.equal(await stranger.isServed(), true);
        assert.equal(await siege.dropsOf(reason), before + 1, `not counted as "${reason}"`);
      });
    }
  }),
);

type FrameCase = readonly [(stranger: Stranger) => Buffer, CloseReason?];

/** By the name that the vectors give the input: the frame, and why it ends the link, if it does. */
function frameCases(siege: Siege): Record<string, FrameCase> {
  const own = siege.stranger.publicKey;
  const daemon = siege.daemon.identity.publicKey;
  const elsewhere = siege.honest.identity.publicKey;
  const sigFields = Buffer.concat([uvarint(77n), uvarint(77n), uvarint(1n)]);
  const announce = (port: bigint) => {
    const fields = Buffer.concat([uvarint(1n), uvarint(5n), uvarint(port)]);
    const signature = signed(siege.stranger, Buffer.concat([own, own, fields]));
    return frame(4, Buffer.concat([own, own, fields, signature, signature]));
  };
  const badAnnounce = announce(0n);
  badAnnounce[badAnnounce.length - 1] = (badAnnounce.at(-1) ?? 0) ^ 1;
  const foreignNotify = [NO_PATH, FRESH_WATERMARK, own, elsewhere, uvarint(9n), NO_PATH, BAD_SIGNATURE];
  return {
    'frame of length 0': [() => Buffer.from([0]), 'frame malformed'],
    'unknown type 10': [() => frame(10, Buffer.alloc(0)), 'frame type unknown'],
    'length above 131070': [() => uvarint(131071n), 'frame malformed'],
    'length 131070 of type 0': [() => frame(0, Buffer.alloc(131069))],
    'length varint not minimal (81 00)': [() => Buffer.from([0x81, 0x00, 0x01])],
    'keep-alive with a body': [() => frame(1, Buffer.from('unexpected'))],
    'SigReq with a trailing octet': [() => frame(2, Buffer.from([1, 1, 0])), 'frame malformed'],
    'SigRes with bad signature': [
      () => frame(3, Buffer.concat([sigFields, BAD_SIGNATURE])),
      'signature response invalid',
    ],
    'SigRes that answers no request but is well signed': [
      (stranger) => frame(3, Buffer.concat([sigFields, stranger.parentSignature(daemon, sigFields)])),
    ],
    'Announce with bad signature': [() => badAnnounce, 'announce invalid'],
    'self-parent Announce with port 9': [() => announce(9n)],
    'Bloom with both flags for a word': [() => frame(5, Buffer.alloc(32, 0xff)), 'filter malformed'],
    'Bloom without any compression (32 zero octets and 1024 octets)': [() => frame(5, Buffer.alloc(32 + 1024))],
    'PathLookup with a trailing octet': [
      () => frame(6, Buffer.concat([own, daemon, NO_PATH, Buffer.from([1])])),
      'frame malformed',
    ],
    'PathNotify for another node with bad signature': [() => frame(7, Buffer.concat(foreignNotify))],
    'Traffic truncated': [() => frame(9, Buffer.concat([NO_PATH, NO_PATH, own.subarray(0, 10)])), 'frame malformed'],
    'path without terminating zero': [
      () => frame(6, Buffer.concat([own, daemon, Buffer.from([1, 2])])),
      'frame malformed',
    ],
  };
}

function sessionPackets(): [string, Buffer, DropReason][] {
  const typed = (type: number, octets: number) => Buffer.concat([Buffer.from([type]), randomBytes(octets)]);
  return [
    ['an empty packet', Buffer.alloc(0), 'session packet unknown'],
    ['type 0', typed(0, 40), 'session packet unknown'],
    ['type 4', typed(4, 200), 'session packet unknown'],
    ['an Init that is an octet short', typed(1, 191), 'session handshake malformed'],
    ['an Init that is an octet long', typed(1, 193), 'session handshake malformed'],
    ['an Init that does not open', typed(1, 192), 'session handshake unreadable'],
    [
      'an Init with a key of zeros',
      Buffer.concat([Buffer.from([1]), Buffer.alloc(192)]),
      'session handshake unreadable',
    ],
    ['an Ack that does not open', typed(2, 192), 'session handshake unreadable'],
    ['Traffic without a header', typed(3, 0), 'session packet unknown'],
    [
      'Traffic with a number that does not end',
      Buffer.concat([Buffer.from([3]), Buffer.alloc(60, 0xff)]),
      'session packet unknown',
    ],
    ['Traffic without a session', Buffer.concat([Buffer.from([3, 1, 1, 1]), randomBytes(80)]), 'session unreadable'],
    [
      'Traffic of the largest size',
      Buffer.concat([Buffer.from([3, 1, 1, 1]), randomBytes(130_000)]),
      'session unreadable',
    ],
  ];
}
