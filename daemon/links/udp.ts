/**
 * UDP: datagrams in batches through the addon, or one by one where it is missing. The links that run over a socket are
 * the core's business.
 */
import { isIPv4 } from 'node:net';
import type { Addon } from '../../native-bindings/addon.ts';
import { UDP_SLOT, UDP_SLOT_DATAGRAMS, type Udp, type UdpFamily } from '../../native-bindings/udp.ts';
import { RatatoskError } from '../core/error.ts';
import { DATAGRAM_ADDRESS, type DatagramBatch, type SocketFacts } from '../core/port.ts';
import type { DatagramCarrier, DatagramEvents } from './datagram.ts';
import { remoteUri } from './facts.ts';
import { SendQueue } from './send-queue.ts';
import { udpAddress } from './udp-address.ts';
import { largestFrame } from './udp-frame.ts';
import { openPortableUdp } from './udp-portable.ts';

/** Slots filled in one crossing. */
const SLOTS = 32;
const ROWS = SLOTS * UDP_SLOT_DATAGRAMS;
/** Batches handled in a row before other sources get their turn. */
const BATCHES_PER_TURN = 4;
/** Octets in the system before it says that it is full; fewer once it has shown how slow it is. */
const UNSENT_MAX = 256 * 1024;

export type UdpOptions = {
  readonly family: UdpFamily;
  /** An address, with a zone where it needs one. */
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** Only through this interface; '' for any. */
  readonly device: string;
  /** See `SocketFacts`. */
  readonly psk: Uint8Array | undefined;
  readonly priority: number;
  readonly cost: number | undefined;
  readonly isSlow: boolean;
};

/** Of a listener: `::` stands for the addresses of both families. */
export function familyOf(host: string): UdpFamily {
  if (isIPv4(host)) return 'ipv4';
  return host === '::' ? 'both' : 'ipv6';
}

/** Without the addon the portable twin does it. Rejects with `LISTEN_FAILED`. */
export async function openUdp(options: UdpOptions, addon: Addon | undefined): Promise<DatagramCarrier> {
  const { family, host, device, psk, priority, cost, isSlow } = options;
  const address = udpAddress(host, options.port);
  const name = remoteUri('udp', host, options.port);
  if (address === undefined) throw failed(name, 'expected an address of this machine, not a name');
  const facts = (port: number, mtu: number): SocketFacts => ({
    uri: remoteUri('udp', host, port),
    carrierClass: 'U',
    mtu,
    psk,
    priority,
    cost,
    isExemptFromAllowList: false,
    isSlow,
  });
  try {
    if (addon === undefined) return await openPortableUdp({ family, host, port: options.port, device }, facts);
    const udp = addon.openUdp({ family, address, device, isShared: false, name });
    return new UdpCarrier(udp, facts(udp.port, largestFrame(family)));
  } catch (error) {
    throw failed(name, error instanceof Error ? error.message : String(error), error);
  }
}

class UdpCarrier implements DatagramCarrier {
  readonly facts: SocketFacts;
  readonly #udp: Udp;
  readonly #sendQueue: SendQueue;
  readonly #arena = new Uint8Array(SLOTS * UDP_SLOT);
  readonly #isFull = new Uint8Array(1);
  readonly #batch: DatagramBatch = {
    buffers: Array<Uint8Array>(ROWS).fill(this.#arena),
    offsets: new Int32Array(ROWS),
    lengths: new Int32Array(ROWS),
    addresses: new Uint8Array(ROWS * DATAGRAM_ADDRESS),
    count: 0,
  };
  #isClosed = false;

  constructor(udp: Udp, facts: SocketFacts) {
    this.#udp = udp;
    this.#sendQueue = new SendQueue(UNSENT_MAX, {
      limit: (octets) => udp.limitUnsent(octets),
      unsent: () => udp.unsent(),
    });
    this.facts = facts;
  }

  start(events: DatagramEvents): void {
    this.#udp.start(
      () => this.#receive(events),
      () => events.writable(),
    );
  }

  hasRoom(): boolean {
    if (this.#isClosed) return true;
    this.#sendQueue.look(performance.now());
    if (!this.#sendQueue.isOver) return true;
    this.#udp.awaitRoom();
    return false;
  }

  send({ buffers, offsets, lengths, addresses, count }: DatagramBatch): number {
    if (this.#isClosed) return count;
    const sent = this.#udp.sendBatch(buffers, offsets, lengths, addresses, count);
    let octets = 0;
    for (let i = 0; i < sent; i++) octets += lengths[i] as number;
    this.#sendQueue.given(octets);
    return sent;
  }

  close(): void {
    this.#isClosed = true;
    this.#udp.close();
  }

  #receive(events: DatagramEvents): void {
    const batch = this.#batch;
    for (let turn = 0; turn < BATCHES_PER_TURN && !this.#isClosed; turn++) {
      try {
        batch.count = this.#udp.receiveBatch(this.#arena, batch.offsets, batch.lengths, batch.addresses, this.#isFull);
      } catch (error) {
        this.close();
        return events.closed(error instanceof Error ? error.message : String(error));
      }
      if (batch.count > 0) events.datagrams(batch);
      if (this.#isFull[0] === 0) return;
    }
  }
}

function failed(name: string, problem: string, cause?: unknown): RatatoskError {
  return new RatatoskError('LISTEN_FAILED', `Cannot use ${name}: ${problem}`, { cause });
}
