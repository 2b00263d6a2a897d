import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  IPV6_DEST,
  IPV6_HEADER,
  IPV6_SOURCE,
  isIpv6,
  readEcho,
  writeEcho,
  writeTooBig,
} from '../../daemon/wire/ipv6.ts';
import { anyOctets, anyRecord, fc, join, keepsItsPromises } from './wire-property.ts';
import { hex, need, octets, vectors } from './wire-vectors.ts';

const { application } = vectors;
const ICMP_TYPE_AT = IPV6_HEADER;
const QUOTE_AT = IPV6_HEADER + 8;

const anyAddress = anyOctets(16, 16);
const anyEcho = anyRecord({
  isReply: fc.boolean(),
  identifier: fc.nat({ max: 0xffff }),
  sequence: fc.nat({ max: 0xffff }),
  data: anyOctets(0, 200),
});
const anyEchoPacket = fc
  .tuple(anyAddress, anyAddress, anyEcho)
  .map(([source, dest, echo]) => writeEcho(source, dest, echo));

/** RFC 4443 section 2.3 and RFC 8200 section 8.1, octet by octet: all-ones when the checksum in place is right. */
function sumOf(packet: Uint8Array): number {
  const length = packet.length - IPV6_HEADER;
  const lengthOctets = Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length);
  const pseudo = join(packet.subarray(8, 40), lengthOctets, Uint8Array.of(0, 0, 0, 58), packet.subarray(40));
  const padded = join(pseudo, new Uint8Array(pseudo.length % 2));
  let sum = 0;
  for (let i = 0; i < padded.length; i += 2) {
    sum += (padded[i] as number) * 256 + (padded[i + 1] as number);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

function isPacket(packet: Uint8Array): boolean {
  return isIpv6(packet, 0, packet.length);
}

test('accepts the captured echo request and rebuilds it', () => {
  const packet = octets(application.ipv6_echo_request.payload).subarray(1);
  assert.ok(isPacket(packet));
  const echo = need(readEcho(packet));
  assert.equal(echo.isReply, false);
  const source = packet.subarray(IPV6_SOURCE, IPV6_SOURCE + 16);
  const dest = packet.subarray(IPV6_DEST, IPV6_DEST + 16);
  const rebuilt = writeEcho(source, dest, echo);
  // The kernel chose a flow label, which is no part of the checksum.
  rebuilt.set(packet.subarray(0, 4));
  assert.equal(hex(rebuilt), hex(packet));
});

test('writes the Packet Too Big that the reference sent', () => {
  const expected = octets(application.packet_too_big.payload_without_type_octet);
  const quote = expected.subarray(QUOTE_AT);
  assert.equal(quote.length, 512);
  const original = join(quote, new Uint8Array(1401 - quote.length));
  assert.equal(hex(writeTooBig(original, 1400)), hex(expected));
});

test('quotes no more than 512 octets, and a shorter packet whole', () => {
  fc.assert(
    fc.property(fc.integer({ min: 40, max: 2000 }), fc.integer({ min: 1280, max: 65_535 }), (length, mtu) => {
      const original = new Uint8Array(length).fill(7);
      const answer = writeTooBig(original, mtu);
      assert.equal(answer.length, QUOTE_AT + Math.min(512, length));
      assert.ok(isPacket(answer));
      assert.equal(answer[ICMP_TYPE_AT], 2);
      assert.equal(Buffer.from(answer).readUInt32BE(ICMP_TYPE_AT + 4), mtu);
      assert.equal(sumOf(answer), 0xffff);
    }),
  );
});

test('gives back the echo it wrote, with a checksum that a second implementation confirms', () => {
  fc.assert(
    fc.property(anyAddress, anyAddress, anyEcho, (source, dest, echo) => {
      const packet = writeEcho(source, dest, echo);
      assert.ok(isPacket(packet));
      assert.equal(sumOf(packet), 0xffff);
      assert.deepEqual(readEcho(packet), echo);
      assert.deepEqual(packet.subarray(IPV6_SOURCE, IPV6_SOURCE + 16), source);
      assert.deepEqual(packet.subarray(IPV6_DEST, IPV6_DEST + 16), dest);
    }),
  );
});

test('sums the largest packet right', () => {
  const data = new Uint8Array(65_535 - 8).fill(0xff);
  const packet = writeEcho(data.subarray(0, 16), data.subarray(0, 16), {
    isReply: false,
    identifier: 0xffff,
    sequence: 0xffff,
    data,
  });
  assert.equal(sumOf(packet), 0xffff);
  assert.ok(readEcho(packet));
});

test('reads no echo whose octets were changed', () => {
  fc.assert(
    fc.property(anyEchoPacket, fc.nat(), fc.integer({ min: 1, max: 255 }), (packet, at, flip) => {
      const place = 8 + (at % (packet.length - 8));
      packet[place] = (packet[place] as number) ^ flip;
      assert.equal(readEcho(packet), undefined);
    }),
  );
});

test('reads no echo from other messages', () => {
  const tooBig = octets(application.packet_too_big.payload_without_type_octet);
  assert.equal(readEcho(tooBig), undefined);
});

test('wants version 6, a whole header and the payload that the header promises', () => {
  const packet = writeEcho(new Uint8Array(16), new Uint8Array(16), {
    isReply: true,
    identifier: 1,
    sequence: 2,
    data: new Uint8Array(10),
  });
  assert.ok(isPacket(packet));
  assert.ok(!isPacket(packet.subarray(0, -1)));
  assert.ok(!isPacket(packet.subarray(0, 39)));
  assert.ok(!isPacket(new Uint8Array(0)));
  const version4 = packet.slice();
  version4[0] = 0x45;
  assert.ok(!isPacket(version4));
  assert.ok(isIpv6(join(Uint8Array.of(9, 9), packet), 2, packet.length));
});

test('decodes arbitrary octets without throwing or copying', () => {
  keepsItsPromises(readEcho, anyEchoPacket);
  keepsItsPromises(isPacket, anyEchoPacket);
});
