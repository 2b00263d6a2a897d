/** UDP without the addon: one datagram a call, and frames that fit every path, as nobody can forbid to cut them. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { UdpFamily } from '../../native-bindings/udp.ts';
import { DATAGRAM_ADDRESS, type DatagramBatch, type SocketFacts } from '../core/port.ts';
import type { DatagramCarrier, DatagramEvents } from './datagram.ts';
import { isMappedIpv4, udpAddress, udpText } from './udp-address.ts';
import { BASE_FRAME } from './udp-frame.ts';

/** Octets that Node may hold for a socket; what comes then waits in the core. */
const UNSENT_MAX = 256 * 1024;
const RECEIVE_BUFFER = 4 * 1024 * 1024;

export type PortablePlace = {
  readonly family: UdpFamily;
  readonly host: string;
  readonly port: number;
  readonly device: string;
};

export function openPortableUdp(
  { family, host, port, device }: PortablePlace,
  facts: (port: number, mtu: number) => SocketFacts,
): Promise<DatagramCarrier> {
  if (device !== '') return Promise.reject(new Error('only the addon can bind to an interface'));
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: family === 'ipv4' ? 'udp4' : 'udp6',
      ipv6Only: family === 'ipv6',
      // Otherwise every datagram asks for the name behind its address.
      lookup: (address, _, answer) => answer(null, address, family === 'ipv4' ? 4 : 6),
    });
    socket.once('error', reject);
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeListener('error', reject);
      resolve(new PortableUdp(socket, facts(socket.address().port, BASE_FRAME), family));
    });
  });
}

class PortableUdp implements DatagramCarrier {
  readonly facts: SocketFacts;
  readonly #socket: Socket;
  readonly #family: UdpFamily;
  readonly #batch: DatagramBatch = {
    buffers: [],
    offsets: new Int32Array(1),
    lengths: new Int32Array(1),
    addresses: new Uint8Array(DATAGRAM_ADDRESS),
    count: 1,
  };
  #events: DatagramEvents | undefined;
  #unsent = 0;
  #isAwaited = false;
  #isClosed = false;

  constructor(socket: Socket, facts: SocketFacts, family: UdpFamily) {
    this.#socket = socket;
    this.facts = facts;
    this.#family = family;
    // What cannot be sent is lost, as on any way.
    socket.on('error', () => {});
  }

  start(events: DatagramEvents): void {
    this.#events = events;
    try {
      this.#socket.setRecvBufferSize(RECEIVE_BUFFER);
    } catch {
      // The system's own size will do.
    }
    this.#socket.on('message', (datagram, from) => this.#received(datagram, from));
  }

  send({ buffers, offsets, lengths, addresses, count }: DatagramBatch): number {
    if (this.#isClosed) return count;
    for (let i = 0; i < count; i++) {
      if (this.#unsent > UNSENT_MAX) {
        this.#isAwaited = true;
        return i;
      }
      const row = addresses.subarray(i * DATAGRAM_ADDRESS, (i + 1) * DATAGRAM_ADDRESS);
      if (this.#family === 'both' || isMappedIpv4(row) === (this.#family === 'ipv4')) {
        const at = offsets[i] as number;
        this.#sendOne(Buffer.from((buffers[i] as Uint8Array).slice(at, at + (lengths[i] as number))), row);
      }
    }
    return count;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#unsent === 0) this.#socket.close();
  }

  #sendOne(datagram: Buffer, row: Uint8Array): void {
    const { address, port } = udpText(row, this.#family === 'ipv4');
    this.#unsent += datagram.length;
    this.#socket.send(datagram, port, address, () => {
      this.#unsent -= datagram.length;
      if (this.#isClosed) {
        if (this.#unsent === 0) this.#socket.close();
      } else if (this.#isAwaited && this.#unsent < UNSENT_MAX) {
        this.#isAwaited = false;
        this.#events?.writable();
      }
    });
  }

  #received(datagram: Buffer, from: RemoteInfo): void {
    const row = udpAddress(from.address, from.port);
    if (this.#isClosed || row === undefined || datagram.length === 0) return;
    const batch = this.#batch;
    batch.buffers[0] = datagram;
    batch.lengths[0] = datagram.length;
    batch.addresses.set(row);
    batch.count = 1;
    this.#events?.datagrams(batch);
  }
}
