/** The addon's UDP socket: batches of datagrams that are never fragmented. */
import { failure } from './failure.ts';

/** IPv4 alone, IPv6 alone, or IPv6 with IPv4 as mapped addresses. */
export type UdpFamily = 'ipv4' | 'ipv6' | 'both';

export type UdpPlace = {
  readonly family: UdpFamily;
  /** A row as in `DatagramBatch.addresses`; port 0 lets the system choose. */
  readonly address: Uint8Array;
  /** Only what comes in and goes out there; '' for any interface. */
  readonly device: string;
  /** Others may have the same address and port: how listeners of multicast share one. */
  readonly isShared: boolean;
  /** As operators know it, for errors. */
  readonly name: string;
};

/** Octets of a slot: the system may put many datagrams of one sender into one. */
export const UDP_SLOT = 65_536;
/** The most datagrams in a slot. */
export const UDP_SLOT_DATAGRAMS = 128;

export interface Udp {
  readonly port: number;
  /** Datagrams that the kernel refused to send, since the start. */
  readonly refused: number;
  /** Calls back on this thread's event loop: `onReadable` as long as datagrams wait. Keeps the process alive until `close`. */
  start(onReadable: () => void, onWritable: () => void): void;
  /**
   * Fills slots of the arena. Datagram i is `arena.subarray(offsets[i], offsets[i] + lengths[i])`, its sender row i of
   * `addresses`. Answers how many there are; `isFull[0]` is 1 if more may wait.
   */
  receiveBatch(
    arena: Uint8Array,
    offsets: Int32Array,
    lengths: Int32Array,
    addresses: Uint8Array,
    isFull: Uint8Array,
  ): number;
  /**
   * Answers how many datagrams are done with, in order. If that is less than all the kernel's buffer is full, and
   * `onWritable` comes once when it has room.
   */
  sendBatch(
    buffers: readonly Uint8Array[],
    offsets: Int32Array,
    lengths: Int32Array,
    addresses: Uint8Array,
    count: number,
  ): number;
  /** The kernel holds no more than about so many octets that have not left. */
  limitUnsent(octets: number): void;
  /** Of them, how many it holds. */
  unsent(): number;
  /** `onWritable` comes once when the kernel holds less than half of its limit. */
  awaitRoom(): void;
  /** Receives what is sent to an IPv6 group (16 octets) on one interface. */
  joinGroup(group: Uint8Array, interfaceIndex: number): void;
  /** Nothing is called back afterwards. May be repeated. */
  close(): void;
}

/** Results below zero are errno values. */
export type NativeUdp = {
  readonly refused: number;
  open(family: number, address: Uint8Array, device: string, isShared: number): number;
  start(onEvent: (events: number) => void): number;
  watch(isWritable: number): number;
  receiveBatch: Udp['receiveBatch'];
  sendBatch: Udp['sendBatch'];
  limitUnsent(octets: number): void;
  unsent(): number;
  joinGroup(group: Uint8Array, interfaceIndex: number): number;
  close(): void;
};

const FAMILIES: readonly UdpFamily[] = ['ipv4', 'ipv6', 'both'];
// Bits of `uv_poll_event`.
const READABLE = 1;
const WRITABLE = 2;

export function openUdp(udp: NativeUdp, { family, address, device, isShared, name }: UdpPlace): Udp {
  const check = (result: number, attempt: string): number => {
    if (result < 0) throw failure('UDP_FAILED', result, `${attempt} ${name}`, REMEDIES);
    return result;
  };
  const place = [FAMILIES.indexOf(family), address, device === '' ? '*' : device, isShared ? 1 : 0] as const;
  const port = check(udp.open(...place), 'open');
  return {
    port,
    get refused() {
      return udp.refused;
    },
    start(onReadable, onWritable) {
      const onEvent = (events: number): void => {
        if ((events & WRITABLE) !== 0) {
          udp.watch(0);
          onWritable();
        }
        if ((events & READABLE) !== 0) onReadable();
      };
      check(udp.start(onEvent), 'watch');
    },
    receiveBatch: (arena, offsets, lengths, addresses, isFull) =>
      check(udp.receiveBatch(arena, offsets, lengths, addresses, isFull), 'read from'),
    sendBatch(buffers, offsets, lengths, addresses, count) {
      const done = udp.sendBatch(buffers, offsets, lengths, addresses, count);
      if (done < count) udp.watch(1);
      return done;
    },
    limitUnsent: (octets) => udp.limitUnsent(octets),
    unsent: () => udp.unsent(),
    awaitRoom: () => void udp.watch(1),
    joinGroup: (group, interfaceIndex) => void check(udp.joinGroup(group, interfaceIndex), 'join a group on'),
    close: () => udp.close(),
  };
}

const REMEDIES: Record<string, string> = {
  EADDRINUSE: 'another process uses this port: stop it or choose another',
  EACCES: 'ports below 1024 need root',
  EADDRNOTAVAIL: 'no interface here has this address',
  EAFNOSUPPORT: 'the system does not have this family of addresses',
  ENODEV: 'there is no such interface',
  EPERM: 'the process may not bind to an interface',
};
