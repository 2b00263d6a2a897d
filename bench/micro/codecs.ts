/** Every message of the wire, written and read. */
import { bench, do_not_optimize, group } from 'mitata';
import { readAnnounce, writeAnnounce } from '../../daemon/wire/announce.ts';
import { readBeacon, writeBeacon } from '../../daemon/wire/beacon.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import {
  readFirstPayload,
  readHello,
  readSecondPayload,
  writeFirstPayload,
  writeHello,
  writeRecordHead,
  writeSecondPayload,
} from '../../daemon/wire/e2e.ts';
import { emptyFilter, readFilter, writeFilter } from '../../daemon/wire/filter.ts';
import { encodeFrame, FRAME, readFrameHead } from '../../daemon/wire/frame.ts';
import { readGreeting, writeGreeting } from '../../daemon/wire/greeting.ts';
import { readEcho, writeEcho } from '../../daemon/wire/ipv6.ts';
import { readLinkBeacon, writeLinkBeacon } from '../../daemon/wire/link-beacon.ts';
import { writeDataHeader } from '../../daemon/wire/link-packets.ts';
import {
  readPathBroken,
  readPathLookup,
  readPathNotify,
  writePathBroken,
  writePathLookup,
  writePathNotify,
} from '../../daemon/wire/lookup.ts';
import { readQuery, writeQuery } from '../../daemon/wire/query.ts';
import { readHandshake, readSessionHead, sessionHead, writeHandshake } from '../../daemon/wire/session.ts';
import { readSigReq, readSigRes, writeSigReq, writeSigRes } from '../../daemon/wire/sigs.ts';
import { readTraffic, trafficView, writeTrafficHead } from '../../daemon/wire/traffic.ts';

const key = new Uint8Array(32).fill(7);
const sig = new Uint8Array(64).fill(9);
const path = Uint8Array.of(1, 2, 3, 4, 5, 6);
const seq = 1_700_000_000n;
const ADDRESS = new Uint8Array(16).fill(2);
const FILTER_ITEMS = 300;

const target = new Uint8Array(4_096);

/** Those that are written by a Writer. */
const BODIES: readonly [string, (writer: Writer) => void, (body: Uint8Array) => unknown][] = [
  ['SigReq', (to) => writeSigReq(to, { seq, nonce: seq }), readSigReq],
  ['SigRes', (to) => writeSigRes(to, { seq, nonce: seq, port: 3n, psig: sig }), readSigRes],
  [
    'Announce',
    (to) => writeAnnounce(to, { key, parent: key, seq, nonce: seq, port: 3n, psig: sig, sig }),
    readAnnounce,
  ],
  ['filter', (to) => writeFilter(to, usualFilter), readFilter],
  ['PathLookup', (to) => writePathLookup(to, { source: key, dest: key, from: path }), readPathLookup],
  [
    'PathNotify',
    (to) => writePathNotify(to, { path, watermark: seq, source: key, dest: key, info: { seq, path, sig } }),
    readPathNotify,
  ],
  ['PathBroken', (to) => writePathBroken(to, { path, watermark: seq, source: key, dest: key }), readPathBroken],
];

/** Those that bring their own octets. */
const MESSAGES: readonly [string, () => Uint8Array, (octets: Uint8Array) => unknown][] = [
  ['greeting', () => writeGreeting(key, 0, sig), readGreeting],
  ['beacon', () => writeBeacon(key, 9_001, sig), readBeacon],
  ['link beacon', () => writeLinkBeacon(key, 1_472, () => sig), readLinkBeacon],
  ['session handshake', () => writeHandshake({ sig, current: key, next: key, keySeq: seq, seq }), readHandshake],
  ['e2e hello', () => writeHello({ version: 1, features: 1 }), (octets) => readHello(octets, 0, octets.length)],
  [
    'e2e first payload',
    () => writeFirstPayload({ version: 1, features: 1, timestampMs: 1_700_000_000_000, instance: 5 }),
    readFirstPayload,
  ],
  ['e2e second payload', () => writeSecondPayload({ sid: 4, version: 1, features: 1, instance: 5 }), readSecondPayload],
  ['query', () => writeQuery({ kind: 'nodeInfoRequest', body: new Uint8Array(0) }), readQuery],
  [
    'echo',
    () => writeEcho(ADDRESS, ADDRESS, { isReply: false, identifier: 1, sequence: 2, data: new Uint8Array(32) }),
    readEcho,
  ],
];

const usualFilter = emptyFilter();
for (let i = 0; i < FILTER_ITEMS; i++) usualFilter[(i * 97) % usualFilter.length] = (1 << (i & 31)) >>> 0;

export function codecs(): void {
  group('codecs', () => {
    for (const [name, write, read] of BODIES) {
      const writer = new Writer(target);
      write(writer);
      const body = target.slice(0, writer.pos);
      bench(`write ${name}`, () => do_not_optimize(write(new Writer(target))));
      bench(
        `read ${name}`,
        readBench(name, () => read(body)),
      );
    }
    for (const [name, write, read] of MESSAGES) {
      const octets = write();
      bench(`write ${name}`, () => do_not_optimize(write()));
      bench(
        `read ${name}`,
        readBench(name, () => read(octets)),
      );
    }
    heads();
  });
}

/** What every packet has; read without an object. */
function heads(): void {
  const payload = 200;
  const traffic = new Writer(new Uint8Array(600));
  bench('write the head of a Traffic frame', () =>
    do_not_optimize(writeTrafficHead(new Writer(target), path, path, key, key, 12, payload)),
  );
  writeTrafficHead(traffic, path, path, key, key, 12, payload);
  const view = trafficView();
  const end = traffic.pos + payload;
  bench('read the head of a Traffic frame', () => do_not_optimize(readTraffic(traffic.buffer, 3, end, view)));
  const frame = encodeFrame(FRAME.sigReq, (writer) => writeSigReq(writer, { seq, nonce: seq }));
  const head = { prefix: 0, length: 0 };
  bench('read the head of a frame', () => do_not_optimize(readFrameHead(frame, 0, frame.length, head)));
  const session = sessionHead();
  const box = new Uint8Array(200).fill(1);
  bench('read the head of a session packet', () => do_not_optimize(readSessionHead(box, 1, box.length, session)));
  bench('write the head of an e2e record', () => do_not_optimize(writeRecordHead(target, 0, 77, 99)));
  bench('write the head of a link record', () => do_not_optimize(writeDataHeader(target, 0, 3, 77, 99)));
}

/** A message that its reader refuses would be measured for nothing. */
function readBench(name: string, read: () => unknown): () => unknown {
  if (read() === undefined) throw new Error(`${name} is not read`);
  return () => do_not_optimize(read());
}
