/** The messages of the routing layer, except Traffic and BloomFilter. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announceSigned, readAnnounce, writeAnnounce } from '../../daemon/wire/announce.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import {
  notifySigned,
  readPathBroken,
  readPathLookup,
  readPathNotify,
  writePathBroken,
  writePathLookup,
  writePathNotify,
} from '../../daemon/wire/lookup.ts';
import { pathPorts } from '../../daemon/wire/path.ts';
import { readSigReq, readSigRes, writeSigReq, writeSigRes } from '../../daemon/wire/sigs.ts';
import {
  anyKey,
  anyPath,
  anyRecord,
  anySig,
  anyU64,
  encodePorts,
  encodeUvarint,
  fc,
  join,
  keepsItsPromises,
} from './wire-property.ts';
import { hex, need, octets, type RoutingItem, vectors } from './wire-vectors.ts';

type Codec<T> = {
  /** As the vectors name it. */
  name: string;
  type: number;
  any: fc.Arbitrary<T>;
  read: (body: Uint8Array) => T | undefined;
  write: (writer: Writer, message: T) => void;
  ofVector: (fields: RoutingItem['fields']) => T;
};

const sigReq: Codec<NonNullable<ReturnType<typeof readSigReq>>> = {
  name: 'SigReq',
  type: 2,
  any: anyRecord({ seq: anyU64, nonce: anyU64 }),
  read: readSigReq,
  write: writeSigReq,
  ofVector: (fields) => ({ seq: BigInt(need(fields.seq)), nonce: BigInt(need(fields.nonce)) }),
};

const sigRes: Codec<NonNullable<ReturnType<typeof readSigRes>>> = {
  name: 'SigRes',
  type: 3,
  any: anyRecord({ seq: anyU64, nonce: anyU64, port: anyU64, psig: anySig }),
  read: readSigRes,
  write: writeSigRes,
  ofVector: (fields) => ({
    ...sigReq.ofVector(fields),
    port: BigInt(need(fields.port)),
    psig: octets(need(fields.psig)),
  }),
};

const announce: Codec<NonNullable<ReturnType<typeof readAnnounce>>> = {
  name: 'Announce',
  type: 4,
  any: anyRecord({ key: anyKey, parent: anyKey, seq: anyU64, nonce: anyU64, port: anyU64, psig: anySig, sig: anySig }),
  read: readAnnounce,
  write: writeAnnounce,
  ofVector: (fields) => ({
    ...sigRes.ofVector(fields),
    key: octets(need(fields.key)),
    parent: octets(need(fields.parent)),
    sig: octets(need(fields.sig)),
  }),
};

const pathLookup: Codec<NonNullable<ReturnType<typeof readPathLookup>>> = {
  name: 'PathLookup',
  type: 6,
  any: anyRecord({ source: anyKey, dest: anyKey, from: anyPath }),
  read: readPathLookup,
  write: writePathLookup,
  ofVector: (fields) => ({
    source: octets(need(fields.source)),
    dest: octets(need(fields.dest)),
    from: portsOf(fields.from),
  }),
};

const pathBroken: Codec<NonNullable<ReturnType<typeof readPathBroken>>> = {
  name: 'PathBroken',
  type: 8,
  any: anyRecord({ path: anyPath, watermark: anyU64, source: anyKey, dest: anyKey }),
  read: readPathBroken,
  write: writePathBroken,
  ofVector: (fields) => ({
    path: portsOf(fields.path),
    watermark: BigInt(need(fields.watermark)),
    source: octets(need(fields.source)),
    dest: octets(need(fields.dest)),
  }),
};

const pathNotify: Codec<NonNullable<ReturnType<typeof readPathNotify>>> = {
  name: 'PathNotify',
  type: 7,
  any: anyRecord({
    path: anyPath,
    watermark: anyU64,
    source: anyKey,
    dest: anyKey,
    info: anyRecord({ seq: anyU64, path: anyPath, sig: anySig }),
  }),
  read: readPathNotify,
  write: writePathNotify,
  ofVector: (fields) => ({
    ...pathBroken.ofVector(fields),
    info: { seq: BigInt(need(fields.seq)), path: portsOf(fields.info_path), sig: octets(need(fields.sig)) },
  }),
};

function portsOf(ports: (number | string)[] | undefined): Uint8Array {
  return encodePorts(need(ports).map(BigInt));
}

function bodyOf<T>(codec: Codec<T>, message: T): Uint8Array {
  const writer = new Writer(new Uint8Array(1000));
  codec.write(writer, message);
  return writer.written().slice();
}

function itemsOf(name: string): RoutingItem[] {
  const items = vectors.routing_messages.items.filter((item) => item.fields.type === name);
  assert.ok(items.length > 0);
  return items;
}

function suite<T>(codec: Codec<T>): void {
  const { name } = codec;

  test(`${name}: fields and body of the vectors agree, both ways`, () => {
    for (const item of itemsOf(name)) {
      assert.equal(item.type_octet, codec.type);
      const message = codec.ofVector(item.fields);
      assert.deepEqual(codec.read(octets(item.body)), message, item.note);
      assert.equal(hex(bodyOf(codec, message)), item.body, item.note);
    }
  });

  test(`${name}: gives back what it wrote, 64-bit fields exactly`, () => {
    fc.assert(
      fc.property(codec.any, (message) => {
        assert.deepEqual(codec.read(bodyOf(codec, message)), message);
      }),
    );
  });

  test(`${name}: rejects every truncation and any octet left over`, () => {
    for (const item of itemsOf(name)) {
      const body = octets(item.body);
      for (let length = 0; length < body.length; length++) {
        assert.equal(codec.read(body.subarray(0, length)), undefined, `${length} octets`);
      }
      assert.equal(codec.read(join(body, Uint8Array.of(0))), undefined);
    }
  });

  test(`${name}: decodes arbitrary octets without throwing or copying more than they are`, () => {
    keepsItsPromises(
      codec.read,
      codec.any.map((message) => bodyOf(codec, message)),
    );
  });
}

suite(sigReq);
suite(sigRes);
suite(announce);
suite(pathLookup);
suite(pathNotify);
suite(pathBroken);

test('SigRes and Announce: the signed octets of the vectors', () => {
  const keys = keysOfIdentities();
  for (const item of [...itemsOf('SigRes'), ...itemsOf('Announce')]) {
    if (item.signed_octets === undefined) continue;
    const parent = octets(item.fields.parent ?? need(keys.get(need(item.signer))));
    const child = octets(item.fields.key ?? need(keys.get(item.signer === 'A' ? 'R' : 'A')));
    assert.equal(hex(announceSigned(child, parent, sigRes.ofVector(item.fields))), item.signed_octets, item.note);
  }
});

test('PathNotify: the signed octets of the vectors', () => {
  const items = itemsOf('PathNotify').filter((item) => item.signed_octets !== undefined);
  assert.ok(items.length > 0);
  for (const item of items) {
    const { info } = pathNotify.ofVector(item.fields);
    assert.equal(hex(notifySigned(info.seq, info.path)), item.signed_octets, item.note);
  }
});

test('signs the shortest form of numbers that arrived longer', () => {
  const key = new Uint8Array(32);
  const sig = new Uint8Array(64);
  const padded = join(key, key, encodeUvarint(5n, 3), encodeUvarint(2n ** 63n), encodeUvarint(7n, 1), sig, sig);
  const message = need(readAnnounce(padded));
  const minimal = join(key, key, encodeUvarint(5n), encodeUvarint(2n ** 63n), encodeUvarint(7n));
  assert.deepEqual(announceSigned(message.key, message.parent, message), minimal);

  const notify = join(
    Uint8Array.of(0),
    encodeUvarint(1n),
    key,
    key,
    encodeUvarint(9n, 2),
    encodeUvarint(300n, 1),
    Uint8Array.of(0),
    sig,
  );
  const { info } = need(readPathNotify(notify));
  assert.deepEqual(pathPorts(info.path), ['300']);
  assert.equal(hex(notifySigned(info.seq, info.path)), '09ac0200');
});

test('signs numbers and paths at the edges of their range', () => {
  fc.assert(
    fc.property(anyKey, anyKey, anyU64, anyU64, anyU64, anyPath, (child, parent, seq, nonce, port, path) => {
      const numbers = [seq, nonce, port].map((value) => encodeUvarint(value));
      assert.deepEqual(announceSigned(child, parent, { seq, nonce, port }), join(child, parent, ...numbers));
      assert.deepEqual(notifySigned(seq, path), join(encodeUvarint(seq), path, Uint8Array.of(0)));
    }),
  );
});

function keysOfIdentities(): Map<string, string> {
  const { initiator_key, responder_key } = vectors.session_captured;
  return new Map([
    ['A', initiator_key],
    ['R', responder_key],
  ]);
}
