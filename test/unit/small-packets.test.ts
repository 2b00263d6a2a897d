/** What packets are on the air: the table of `daemon/wire/README.md` is made here, by the parts that send them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressForKey, subnetForKey } from '../../daemon/core/identity.ts';
import { ShortHeadersOut } from '../../daemon/core/link/datagram/short-headers.ts';
import { FlowsOut } from '../../daemon/core/session/flows.ts';
import { COMPRESSED_MAX, NONE } from '../../daemon/wire/compressed.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import { RECORD_OVERHEAD, SHORT_OVERHEAD } from '../../daemon/wire/e2e.ts';
import { Headers, readHeaders } from '../../daemon/wire/headers.ts';
import { dataHeader, PACKET, TAG } from '../../daemon/wire/link-packets.ts';
import { writeTrafficHead } from '../../daemon/wire/traffic.ts';
import { identity } from '../support/core.ts';
import { icmpPacket, tcpPacket, timesOption, udpPacket } from '../support/ip-packets.ts';
import { repoRoot } from '../support/places.ts';

/** Hops from the root, of both ends; and between them. */
const DEPTH = 5;
const DISTANCE = 9;
/** Type, three numbers, tag, next key. */
const IRONWOOD_SESSION = 1 + 3 + 16 + 32;

const [a, b] = [identity(1).key, identity(2).key];
const ends = {
  source: addressForKey(a),
  sourceSubnet: subnetForKey(a),
  dest: addressForKey(b),
  destSubnet: subnetForKey(b),
};
const ip = { ...ends, label: 0x6f3a2 };
const ssh = { ...ip, trafficClass: 0x48 };
const times = (ms: number) => timesOption(100_000 + ms, 900_000 + ms);

/** The first of a flow, and one that comes two seconds later. */
const ROWS: readonly [string, (later: number) => Uint8Array][] = [
  ['ping, 56 octets of data', (n) => icmpPacket(ip, 128, [7, 1 + n], new Uint8Array(56))],
  ['TCP ACK', (n) => tcpPacket(ip, { flags: 0x10, acknowledged: 5_000 * n, options: times(2_000 * n) })],
  [
    'ssh key stroke, 36 octets',
    (n) => tcpPacket(ssh, { seq: 300 * n, acknowledged: 300 * n, options: times(2_000 * n), data: new Uint8Array(36) }),
  ],
  ['mosh (UDP), 60 octets', () => udpPacket(ip, [60_001, 60_002], new Uint8Array(60))],
  [
    'TCP segment, 1220 octets',
    (n) => tcpPacket(ip, { seq: 9_000 * n, options: times(2_000 * n), data: new Uint8Array(1_220) }),
  ],
];

/** Type, head and payload of Traffic, without the length that streams put in front. */
function traffic(payload: number): Uint8Array {
  const path = new Uint8Array(DEPTH).fill(3);
  const writer = new Writer(new Uint8Array(3_000));
  writeTrafficHead(writer, path, path, a, b, DISTANCE, payload);
  const prefix = writer.buffer.findIndex((octet) => octet < 0x80) + 1;
  return writer.buffer.slice(prefix, writer.pos + payload);
}

/** Octets of a message as its first and as later ones of the flow leave. */
function onLink(payload: number): { first: number; later: number } {
  const headers = new ShortHeadersOut(1);
  const message = traffic(payload);
  const first = headers.shorten(message, 0, message.length, true, 0);
  headers.arrived(first);
  return { first: first.length, later: headers.shorten(message, 0, message.length, true, 0).length };
}

/** Content of a record: the first of a flow, and one in its context. */
function contents(make: (later: number) => Uint8Array): { plain: number; like: number } {
  const flows = new FlowsOut(ends);
  const sizeOf = (packet: Uint8Array): number => {
    const headers = new Headers();
    assert.ok(readHeaders(packet, 0, packet.length, ends, headers));
    const head = flows.write(headers, packet, 0, 0, 0, NONE, new Uint8Array(COMPRESSED_MAX));
    return head + packet.length - headers.dataAt;
  };
  const plain = sizeOf(make(0));
  sizeOf(make(0));
  flows.acknowledged(0);
  return { plain, like: sizeOf(make(1)) };
}

const RECORD = dataHeader(PACKET.dataRest) + TAG;
/** Its type: MSG. */
const FRAME_HEAD = 1;

test('the table of sizes is what the parts make', () => {
  const rows = ROWS.map(([name, make]) => {
    const packet = make(0).length;
    const stock = traffic(1 + packet + IRONWOOD_SESSION).length;
    const e2e = traffic(1 + packet + RECORD_OVERHEAD).length;
    const { plain, like } = contents(make);
    const first = onLink(plain + SHORT_OVERHEAD).first;
    const later = onLink(like + SHORT_OVERHEAD).later;
    const onAir = RECORD + FRAME_HEAD + later;
    return `| ${[name, packet, stock, e2e, first, like, later, onAir].join(' | ')} |`;
  });
  const readme = readFileSync(join(repoRoot, 'daemon/wire/README.md'), 'utf8');
  for (const row of rows) assert.ok(readme.includes(row), `the README should say\n${rows.join('\n')}`);
});
