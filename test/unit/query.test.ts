import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APP, type QueryKind, readQuery, writeQuery } from '../../daemon/wire/query.ts';
import { anyOctets, fc, join, keepsItsPromises } from './wire-property.ts';
import { hex, octets, vectors } from './wire-vectors.ts';

const KINDS: readonly { kind: QueryKind; head: string }[] = [
  { kind: 'nodeInfoRequest', head: '0201' },
  { kind: 'nodeInfoResponse', head: '0202' },
  { kind: 'selfRequest', head: '02ff01' },
  { kind: 'selfResponse', head: '02ff02' },
  { kind: 'peersRequest', head: '02ff03' },
  { kind: 'peersResponse', head: '02ff04' },
  { kind: 'treeRequest', head: '02ff05' },
  { kind: 'treeResponse', head: '02ff06' },
];

test('reads and writes every query of the vectors', () => {
  const { application } = vectors;
  const packets = [
    application.nodeinfo_request,
    application.nodeinfo_response,
    application.debug_getself_request,
    application.debug_getself_response,
    application.debug_getpeers_request,
    application.debug_getpeers_response,
    application.debug_gettree_request,
    application.debug_gettree_response,
  ];
  for (const [i, packet] of packets.entries()) {
    const query = readQuery(octets(packet));
    assert.ok(query);
    assert.equal(query.kind, KINDS[i]?.kind);
    assert.equal(hex(query.body), packet.slice(KINDS[i]?.head.length));
    assert.equal(hex(writeQuery(query)), packet);
  }
});

test('gives back any query it wrote', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), anyOctets(0, 50), ({ kind, head }, body) => {
      const packet = writeQuery({ kind, body });
      assert.deepEqual(packet, join(octets(head), body));
      assert.deepEqual(readQuery(packet), { kind, body });
    }),
  );
});

test('ignores kinds nobody knows, and everything that is no query', () => {
  const packets = ['', '02', '0200', '0203', '02fe', '02ff', '02ff00', '02ff07', '02ffff', '00', '0101', '0301'];
  for (const packet of packets) assert.equal(readQuery(octets(packet)), undefined, packet);
});

test('numbers the application packets as the reference does', () => {
  assert.deepEqual({ ...APP }, { none: 0, ipv6: 1, query: 2 });
});

test('decodes arbitrary octets without throwing or copying', () => {
  const valid = fc.tuple(fc.constantFrom(...KINDS), anyOctets(0, 50));
  keepsItsPromises(
    readQuery,
    valid.map(([{ kind }, body]) => writeQuery({ kind, body })),
  );
});
