/** What runs above a node: a small IPv6 stack that answers echoes, with TCP connections and datagrams. */
import { addressForKey } from '../../daemon/core/identity.ts';
import { readEcho, writeEcho } from '../../daemon/wire/ipv6.ts';
import type { RadioHost } from '../../test/support/radio/radio-host.ts';
import { readTcp, readUdp, type Segment, tcpPacket, udpPacket } from './segments.ts';
import { TcpSocket } from './tcp.ts';

const [NEXT_ICMPV6, ECHO_REQUEST] = [58, 128];

export class Endpoint {
  readonly host: RadioHost;
  readonly address: Uint8Array;
  /** Told of each connection that comes in. */
  accepted: (socket: TcpSocket, port: number) => void = () => {};
  /** ICMPv6 errors, by type and code: what the node refused. */
  readonly refusals = new Map<string, number>();
  /** Datagrams that arrived, by sequence. */
  readonly datagrams = new Set<number>();
  datagramOctets = 0;
  readonly #sockets = new Map<string, TcpSocket>();
  readonly #echoes = new Map<number, (rttMs: number) => void>();
  #nextPort = 40_000;
  #nextEcho = 1;
  #nextDatagram = 1;

  constructor(host: RadioHost) {
    this.host = host;
    this.address = addressForKey(host.key);
    host.delivered = (packet) => this.#received(packet);
  }

  /** `answered` gets the round trip, if there is one. */
  ping(to: Endpoint, octets: number, answered: (rttMs: number) => void): void {
    const sequence = this.#nextEcho++;
    const { world } = this.host;
    const sentMs = world.nowMs;
    this.#echoes.set(sequence, () => answered(world.nowMs - sentMs));
    const data = new Uint8Array(octets);
    this.host.sendPacket(writeEcho(this.address, to.address, { isReply: false, identifier: 7, sequence, data }));
  }

  connect(to: Endpoint, port: number): TcpSocket {
    return this.#socket(to.address, { fromPort: this.#nextPort++, toPort: port }, false);
  }

  datagram(to: Endpoint, octets: number): void {
    this.host.sendPacket(udpPacket(this.address, to.address, 9, this.#nextDatagram++, octets));
  }

  #socket(peer: Uint8Array, ends: { fromPort: number; toPort: number }, isServer: boolean): TcpSocket {
    const send = (segment: Segment): void => this.host.sendPacket(tcpPacket(this.address, peer, segment));
    const socket = new TcpSocket(this.host.world.schedule, ends, isServer, send);
    this.#sockets.set(`${ends.fromPort} ${ends.toPort} ${peer.join()}`, socket);
    return socket;
  }

  #received(packet: Uint8Array): void {
    const segment = readTcp(packet);
    const peer = packet.slice(8, 24);
    if (segment !== undefined) return this.#segment(segment, peer);
    const datagram = readUdp(packet);
    if (datagram !== undefined) {
      if (this.datagrams.has(datagram.sequence)) return;
      this.datagrams.add(datagram.sequence);
      this.datagramOctets += datagram.length;
      return;
    }
    if (packet[6] !== NEXT_ICMPV6) return;
    if ((packet[40] as number) < ECHO_REQUEST) {
      const name = `${packet[40]}/${packet[41]}`;
      this.refusals.set(name, (this.refusals.get(name) ?? 0) + 1);
      return;
    }
    this.#echo(packet, peer);
  }

  #segment(segment: Segment, peer: Uint8Array): void {
    const name = `${segment.toPort} ${segment.fromPort} ${peer.join()}`;
    let socket = this.#sockets.get(name);
    if (socket === undefined) {
      if (!segment.isSyn) return;
      socket = this.#socket(peer, { fromPort: segment.toPort, toPort: segment.fromPort }, true);
      this.accepted(socket, segment.toPort);
    }
    socket.input(segment);
  }

  #echo(packet: Uint8Array, peer: Uint8Array): void {
    const echo = readEcho(packet);
    if (echo === undefined) return;
    if (!echo.isReply) return this.host.sendPacket(writeEcho(this.address, peer, { ...echo, isReply: true }));
    this.#echoes.get(echo.sequence)?.(0);
    this.#echoes.delete(echo.sequence);
  }
}
