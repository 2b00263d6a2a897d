/**
 * A UDP socket for beacons: the package `dgram-stream` behind a guard against its two faults. After its first failed send
 * it takes no more, so this one counts as failed then and its owner makes another; and it queues without limit, so nothing
 * is written while the last datagram is unsent.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import DgramStream from 'dgram-stream';

export type BeaconSocketEvents = {
  /** The group is joined, or a datagram has left. */
  works(): void;
  /** `from` is an address with its zone. */
  heard(datagram: Uint8Array, from: string, port: number): void;
  /** Once; the socket is closed. */
  failed(error: Error): void;
};

export type BeaconSocketOptions = {
  /** Where it is bound, with zone: a group's address to receive what is sent to the group and nothing else. */
  readonly address: string;
  readonly port: number;
  /** A group to join, on the interface of the address. */
  readonly group?: string;
};

type Received = { readonly payload: Uint8Array; readonly from: RemoteInfo };

export class BeaconSocket {
  readonly #stream: DgramStream;
  readonly #close: () => void;
  readonly #events: BeaconSocketEvents;
  #isOpen = true;
  #isSending = false;

  /** Datagrams may be sent at once: they wait until the socket is bound. */
  constructor({ address, port, group }: BeaconSocketOptions, events: BeaconSocketEvents) {
    this.#events = events;
    // The port is everybody's who looks for neighbours on this machine.
    const socket = createSocket({ type: 'udp6', reuseAddr: true });
    this.#close = () => socket.close();
    this.#stream = new DgramStream(socket);
    socket.on('error', (error) => this.#fail(error));
    this.#stream.on('error', (error) => this.#fail(error));
    this.#stream.on('data', ({ payload, from }: Received) => {
      if (this.#isOpen) events.heard(payload, from.address, from.port);
    });
    socket.bind({ address, port }, () => {
      if (group === undefined || !this.#isOpen) return;
      try {
        socket.addMembership(group, `::%${address.split('%')[1] ?? ''}`);
        events.works();
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** False: the datagram before it is still unsent, or the socket has failed; this one is given up. */
  send(datagram: Uint8Array, address: string, port: number): boolean {
    if (this.#isSending || !this.#isOpen) return false;
    this.#isSending = true;
    this.#stream.write({ payload: Buffer.from(datagram), to: { address, port } }, () => {
      this.#isSending = false;
      if (this.#isOpen) this.#events.works();
    });
    return true;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#close();
  }

  #fail(error: Error): void {
    if (!this.#isOpen) return;
    this.close();
    this.#events.failed(error);
  }
}
