/** IPv6 packets between the TUN and the sessions: what may pass, in which direction, and to whom (section 6). */

import {
  IPV6_DEST,
  IPV6_HEADER,
  IPV6_SOURCE,
  isIcmpError,
  isIpv6,
  readEcho,
  readTooBigEcho,
  setPayloadLength,
  writeEcho,
  writeTooBig,
  writeUnreachable,
} from '../wire/ipv6.ts';
import { APP } from '../wire/query.ts';
import {
  isSuperPacket,
  isUnfinished,
  prepareSuperPacket,
  SUPER_PACKET,
  segmentLength,
  VIRTIO_HEADER,
} from '../wire/super-packet.ts';
import { Contacts } from './contacts.ts';
import type { Context } from './context.ts';
import { Finisher } from './finisher.ts';
import { ADDRESS_PREFIX, isAddressOf, SUBNET_PREFIX } from './identity.ts';
import { DELIVERIES_MAX, MTU_MAX, TOO_BIG, UNREACHABLE } from './limits.ts';
import { equalAt } from './octetmap.ts';
import { Bucket } from './policy.ts';
import { type Cutter, type DeliveryBatch, PACKET_HEADROOM, type PacketBatch, type PublicKey } from './port.ts';
import type { Channel } from './session/channels.ts';

export type PacketPorts = {
  /** As `Sessions.send`. */
  send(dest: PublicKey, buffer: Uint8Array, at: number, length: number): void;
  /** As `Channels.sendSuperPacket`. */
  sendSuperPacket(dest: PublicKey, buffer: Uint8Array, at: number, length: number): boolean;
  lookup(partialKey: Uint8Array): void;
  /** As `Router.refusalMs`. */
  refusalMs(dest: PublicKey, size: number): number | undefined;
  /** Everything handed over must be used up now. */
  settle(): void;
};

/** Echo requests that we made ourselves carry this identifier and are answered to whoever asked for them. */
const ECHO_DATA_MIN = 8;
/** Behind the headers of IPv6 and ICMPv6. */
const ECHO_DATA_MAX = MTU_MAX - IPV6_HEADER - 8;

export class Packets {
  readonly contacts: Contacts;
  readonly deliveries: DeliveryBatch = {
    buffers: [],
    offsets: new Int32Array(DELIVERIES_MAX),
    lengths: new Int32Array(DELIVERIES_MAX),
    unfinished: new Uint8Array(DELIVERIES_MAX),
    count: 0,
  };
  readonly #context: Context;
  readonly #ports: PacketPorts;
  readonly #finisher: Finisher;
  readonly #tooBig: Bucket;
  readonly #unreachable: Bucket;
  readonly #echoIdentifier: number;
  /** When the last echo requests left, by sequence number modulo its length. */
  readonly #echoSentMs = new Float64Array(256).fill(Number.NaN);

  constructor(context: Context, ports: PacketPorts) {
    this.#context = context;
    this.#ports = ports;
    this.contacts = new Contacts(context);
    this.#finisher = new Finisher(context, {
      send: (key, buffer, at, length) => this.#sendWhole(key, buffer, at, length),
      settle: () => ports.settle(),
    });
    this.#tooBig = new Bucket(TOO_BIG, context.nowMs);
    this.#unreachable = new Bucket(UNREACHABLE, context.nowMs);
    this.#echoIdentifier = new DataView(context.randomOctets(2).buffer).getUint16(0);
  }

  /** From the TUN. */
  outgoing(batch: PacketBatch): void {
    const { arena, offsets, lengths } = batch;
    const { cutter } = this.#context.options;
    this.#finisher.begin();
    for (let i = 0; i < batch.count; i++) {
      const at = offsets[i] as number;
      const length = lengths[i] as number;
      if (cutter === undefined || !isUnfinished(arena, at - VIRTIO_HEADER)) this.#send(arena, at, length);
      else this.#sendUnfinished(cutter, arena, at - VIRTIO_HEADER, at + length);
    }
  }

  /** From a session: `buffer[at..end)` without the application type. */
  incoming(session: Channel, buffer: Uint8Array, at: number, end: number): void {
    const { stats, options } = this.#context;
    const length = end - at;
    if (!isIpv6(buffer, at, length)) return stats.drop('packet malformed');
    if (length > options.mtu) return this.#answerTooBig(session, buffer, at, length);
    if (!this.#isFromTo(session, buffer, at)) return;
    if (this.#isOwnEcho(session, buffer, at, end)) return;
    if (options.hasTun) this.#deliver(buffer, at, length, 0);
    else this.#answerEcho(session, buffer.subarray(at, end));
  }

  /** The same behind a virtio header, from a peer that agreed: our kernel does what is left to do. */
  superIncoming(session: Channel, buffer: Uint8Array, at: number, end: number): void {
    const { stats, options } = this.#context;
    if (!isSuperPacket(buffer, at, end)) return stats.drop('super-packet malformed');
    const length = segmentLength(buffer, at, end);
    const packetAt = at + VIRTIO_HEADER;
    if (length > options.mtu) {
      // Its segments are what is too big: the first of them is quoted.
      setPayloadLength(buffer, packetAt, length);
      return this.#answerTooBig(session, buffer, packetAt, length);
    }
    if (this.#isFromTo(session, buffer, packetAt)) this.#deliver(buffer, at, end - at, 1);
  }

  /** A key's whereabouts are known: what waited for it goes out. */
  found(key: PublicKey): void {
    for (const packet of this.contacts.learn(key)) this.#sendTo(key, packet);
  }

  /** Sends an echo request made here; the answer becomes an event. */
  echo(target: Uint8Array, sequence: number, size: number): void {
    const data = new Uint8Array(Math.min(Math.max(size, ECHO_DATA_MIN), ECHO_DATA_MAX));
    const echo = { isReply: false, identifier: this.#echoIdentifier, sequence, data };
    this.#echoSentMs[sequence & 0xff] = this.#context.nowMs;
    const packet = writeEcho(this.#context.address, target, echo);
    if (equalAt(this.#context.address, target, 0, 16)) return this.#reportEcho(target, sequence);
    const roomy = new Uint8Array(PACKET_HEADROOM + packet.length);
    roomy.set(packet, PACKET_HEADROOM);
    this.#send(roomy, PACKET_HEADROOM, packet.length);
  }

  #send(buffer: Uint8Array, at: number, length: number): void {
    if (!this.#mayLeave(buffer, at, length)) return;
    this.#sendWhole(this.contacts.keyFor(buffer, at + IPV6_DEST), buffer, at, length);
  }

  /** `buffer[at..end)` begins with the virtio header. */
  #sendUnfinished(cutter: Cutter, buffer: Uint8Array, at: number, end: number): void {
    const packetAt = at + VIRTIO_HEADER;
    if (!this.#mayLeave(buffer, packetAt, end - packetAt)) return;
    const key = this.contacts.keyFor(buffer, packetAt + IPV6_DEST);
    if (key !== undefined && prepareSuperPacket(buffer, at, end)) {
      buffer[at - 1] = SUPER_PACKET;
      if (this.#ports.sendSuperPacket(key, buffer, at - 1, end - at + 1)) return;
    }
    this.#finisher.send(cutter, key, buffer, at, end);
  }

  #mayLeave(buffer: Uint8Array, at: number, length: number): boolean {
    const { stats, address, subnet } = this.#context;
    if (!isIpv6(buffer, at, length)) {
      stats.drop('packet malformed');
      return false;
    }
    if (!isAddressOf(address, subnet, buffer, at + IPV6_SOURCE)) {
      stats.drop('packet source not ours');
      return false;
    }
    const prefix = buffer[at + IPV6_DEST];
    const isMesh = prefix === ADDRESS_PREFIX || prefix === SUBNET_PREFIX;
    if (isMesh && !isAddressOf(address, subnet, buffer, at + IPV6_DEST)) return true;
    stats.drop('packet destination not in the mesh');
    return false;
  }

  /** Both addresses are what they must be; and the sender is known from now on. */
  #isFromTo(session: Channel, buffer: Uint8Array, at: number): boolean {
    const { stats, address, subnet } = this.#context;
    if (!isAddressOf(address, subnet, buffer, at + IPV6_DEST)) {
      stats.drop('packet destination not ours');
      return false;
    }
    if (!isAddressOf(session.address, session.subnet, buffer, at + IPV6_SOURCE)) {
      stats.drop('packet source not of the sender');
      return false;
    }
    if (!this.contacts.touch(session.address)) this.found(session.key);
    return true;
  }

  /** A packet that may leave, to the key of its destination if that is known. */
  #sendWhole(key: PublicKey | undefined, buffer: Uint8Array, at: number, length: number): void {
    if (key === undefined) {
      const packet = buffer.subarray(at, at + length);
      return this.#ports.lookup(this.contacts.keep(packet, packet.subarray(IPV6_DEST, IPV6_HEADER)));
    }
    if (!this.#context.ledgers.isEmpty && this.#ports.refusalMs(key, length) !== undefined) {
      return this.#refuse(buffer.subarray(at, at + length));
    }
    buffer[at - 1] = APP.ipv6;
    this.#ports.send(key, buffer, at - 1, length + 1);
  }

  /** A radio on the way has no time on the air for it: whoever sent it is told at once, so that it can do something else. */
  #refuse(packet: Uint8Array): void {
    const { stats, options, nowMs } = this.#context;
    stats.drop('air time used up');
    if (!options.hasTun || isIcmpError(packet) || !this.#unreachable.take(nowMs)) return;
    const answer = writeUnreachable(packet);
    this.#deliver(answer, 0, answer.length, 0);
  }

  /** A packet in a buffer of its own. */
  #sendTo(key: PublicKey, packet: Uint8Array): void {
    const roomy = new Uint8Array(PACKET_HEADROOM + packet.length);
    roomy.set(packet, PACKET_HEADROOM);
    roomy[PACKET_HEADROOM - 1] = APP.ipv6;
    this.#ports.send(key, roomy, PACKET_HEADROOM - 1, packet.length + 1);
  }

  #deliver(buffer: Uint8Array, at: number, length: number, unfinished: 0 | 1): void {
    const batch = this.deliveries;
    if (batch.count === DELIVERIES_MAX) return this.#context.stats.drop('delivery queue full');
    batch.buffers[batch.count] = buffer;
    batch.offsets[batch.count] = at;
    batch.lengths[batch.count] = length;
    batch.unfinished[batch.count] = unfinished;
    batch.count++;
  }

  #answerTooBig(session: Channel, buffer: Uint8Array, at: number, length: number): void {
    this.#context.stats.drop('packet too big');
    if (!this.#tooBig.take(this.#context.nowMs)) return;
    this.#sendTo(session.key, writeTooBig(buffer.subarray(at, at + length), this.#context.options.mtu));
  }

  /** Without a TUN nobody else would answer. */
  #answerEcho(session: Channel, packet: Uint8Array): void {
    const echo = equalAt(this.#context.address, packet, IPV6_DEST, 16) ? readEcho(packet) : undefined;
    if (echo === undefined || echo.isReply) return;
    const source = packet.slice(IPV6_SOURCE, IPV6_DEST);
    this.#sendTo(session.key, writeEcho(this.#context.address, source, { ...echo, isReply: true }));
  }

  #isOwnEcho(session: Channel, buffer: Uint8Array, at: number, end: number): boolean {
    // Cheap questions first: nearly every packet is something else. 58 is ICMPv6, 129 an echo reply, 2 Packet Too Big.
    if (buffer[at + 6] !== 58) return false;
    if (buffer[at + IPV6_HEADER] === 2) return this.#isAboutOwnEcho(buffer.subarray(at, end));
    if (buffer[at + IPV6_HEADER] !== 129) return false;
    const echo = readEcho(buffer.subarray(at, end));
    if (echo === undefined || echo.identifier !== this.#echoIdentifier) return false;
    if (Number.isNaN(this.#echoSentMs[echo.sequence & 0xff])) return false;
    this.#reportEcho(session.address, echo.sequence);
    return true;
  }

  #isAboutOwnEcho(packet: Uint8Array): boolean {
    const echo = readTooBigEcho(packet);
    if (echo === undefined || echo.identifier !== this.#echoIdentifier) return false;
    if (Number.isNaN(this.#echoSentMs[echo.sequence & 0xff])) return false;
    this.#echoSentMs[echo.sequence & 0xff] = Number.NaN;
    this.#context.events.push({ kind: 'echoTooBig', sequence: echo.sequence, mtu: echo.mtu });
    return true;
  }

  #reportEcho(from: Uint8Array, sequence: number): void {
    const rttMs = this.#context.nowMs - (this.#echoSentMs[sequence & 0xff] as number);
    this.#echoSentMs[sequence & 0xff] = Number.NaN;
    this.#context.events.push({ kind: 'echoReply', from: from.slice(), sequence, rttMs });
  }
}
