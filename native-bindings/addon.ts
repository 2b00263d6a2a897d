/**
 * The addon for TypeScript: finds and loads it, and turns errno values into `RatatoskError`. Where it is missing
 * everything but the TUN has a portable twin.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { failure } from './failure.ts';
import { type NativeUdp, openUdp, type Udp, type UdpPlace } from './udp.ts';

/**
 * Row i of a batch is `table[6 * i ..]`: index of the source in `buffers`, offset there, length, index of the target,
 * offset there, octets of associated data (boxes: 0). The other columns are those of `BoxJobs`.
 */
export type BatchCall = (
  buffers: Uint8Array[],
  table: Int32Array,
  keys: Uint8Array,
  nonces: Uint32Array,
  ok: Uint8Array,
  count: number,
) => void;

export interface Addon {
  readonly aeadSeal: BatchCall;
  readonly aeadOpen: BatchCall;
  /**
   * The version of OpenSSL that `aeadSeal` and `aeadOpen` leave long records to where registers are narrow; undefined: this
   * process has none, or `isWanted` was false.
   */
  aeadLibrary(isWanted?: boolean): string | undefined;
  readonly boxSeal: BatchCall;
  readonly boxOpen: BatchCall;
  /** The code path in use, named after the vector registers: `avx512`, `avx2`, `base`. An argument asks for another. */
  kernel(wanted?: string): string;
  /**
   * HMAC-SHA256 of many short texts by the OpenSSL of this process; throws if there is none. Row i is
   * `texts[i * stride ..]` with `lengths[i]` octets; `keys` and `macs` have 32 octets a row.
   */
  hmacSha256(
    texts: Uint8Array,
    stride: number,
    lengths: Int32Array,
    keys: Uint8Array,
    macs: Uint8Array,
    count: number,
  ): void;
  /** Opens a TUN interface of this name; 'auto' lets the kernel choose. `offloads`: at most these, none if not given. */
  openTun(name: string, offloads?: Offloads): Tun;
  /** Of the packet behind a virtio header, `buffer[at..end)` both. False: the header names no place inside of it. */
  completeChecksum(buffer: Uint8Array, at: number, end: number): boolean;
  /**
   * Cuts the super-packet `buffer[at..end)`, virtio header first: segments from `first` on, each behind `headroom` octets,
   * go into the arena from `used` on, as rows from `count` on, until arena or columns are full. Answers the new count, or -1:
   * no super-packet.
   */
  cutSegments(
    buffer: Uint8Array,
    at: number,
    end: number,
    first: number,
    headroom: number,
    arena: Uint8Array,
    used: number,
    offsets: Int32Array,
    lengths: Int32Array,
    count: number,
  ): number;
  /** Sets the MTU, adds the IPv6 address (16 octets), brings the interface up. May be repeated. */
  configureInterface(name: string, address: Uint8Array, prefixLength: number, mtu: number): void;
  /** Routes an IPv6 prefix (16 octets) to the interface. May be repeated. */
  addRoute(name: string, prefix: Uint8Array, prefixLength: number): void;
  /** Opens a UDP socket that never fragments. */
  openUdp(place: UdpPlace): Udp;
  /** One datagram to the UNIX socket at a path; '@' in front means an abstract name. Never waits. */
  sendUnixDatagram(path: string, octets: Uint8Array): void;
  /**
   * `target[targetAt..] = source[sourceAt..sourceAt + length] xor key`, again and again; the lowest octet of the key is for
   * the first octet. Both ranges are the same or apart.
   */
  maskOctets(
    source: Uint8Array,
    sourceAt: number,
    length: number,
    target: Uint8Array,
    targetAt: number,
    key: number,
  ): void;
  /** A TCP socket takes no more while so many octets in it have never been sent. False: it is none. */
  limitUnsent(descriptor: number, octets: number): boolean;
  /** Octets in a TCP socket that have not left this machine, about; 0 of what is none. */
  unsent(descriptor: number): number;
  /** How many of the octets a stream socket takes at once; none if it is full, or if it is broken. */
  sendNow(descriptor: number, octets: Uint8Array): number;
  /**
   * Calls `onReadable` on this thread's event loop as long as the kernel has news of interfaces, addresses and routes: read
   * until nothing comes, or come back on the next call. Keeps the process alive until `close`. Needs no rights.
   */
  watchNetwork(onReadable: () => void): NetworkWatch;
  /** The same for changes of nftables. Needs CAP_NET_ADMIN. */
  watchNftables(onReadable: () => void): NetworkWatch;
}

export interface NetworkWatch {
  /** Octets of whole netlink messages, 0 if there are none. Undefined: there were too many, and some are lost. */
  read(buffer: Uint8Array): number | undefined;
  /** No `onReadable` follows. May be repeated. */
  close(): void;
}

/** What a kernel leaves to us and takes from us unfinished: nothing; checksums and cutting of TCP; of UDP too. */
export type Offloads = 'none' | 'tcp' | 'all';

export interface Tun {
  readonly name: string;
  /** What the kernel has of what was wanted. Unless 'none', a virtio header lies in the 10 octets before each packet read. */
  readonly offloads: Offloads;
  /** Packets the kernel refused in `writeBatch`, since the start. */
  readonly writeErrors: number;
  /**
   * Calls `onReadable` on this thread's event loop as long as packets wait: read until `readBatch` answers less than
   * asked for, or come back on the next call. Keeps the process alive until `close`.
   */
  startReading(onReadable: () => void): void;
  pause(): void;
  resume(): void;
  /**
   * Reads up to `maxCount` packets: packet i lies at `i * slotSize + headroom` of the arena. A packet that does not fit
   * its slot is cut off. With offloads the headroom is 10 octets or more. Answers how many were read; throws when the interface is gone.
   */
  readBatch(
    arena: Uint8Array,
    slotSize: number,
    headroom: number,
    offsets: Int32Array,
    lengths: Int32Array,
    maxCount: number,
  ): number;
  /**
   * Packet i is in `buffers[i]`, behind its virtio header where `unfinished[i]` is not 0: such a one may be changed. What the
   * kernel cannot finish is finished here. Answers how many the kernel took; the others are dropped and counted.
   */
  writeBatch(
    buffers: Uint8Array[],
    offsets: Int32Array,
    lengths: Int32Array,
    count: number,
    unfinished?: Uint8Array,
  ): number;
  /** The interface disappears. No `onReadable` follows. May be repeated. */
  close(): void;
}

/** Results below zero are errno values. */
type NativeTun = {
  readonly name: string;
  readonly offloads: number;
  readonly writeErrors: number;
  open(name: string, offloads: number): number;
  startReading(onReadable: () => void): number;
  pause(): number;
  resume(): number;
  readBatch: Tun['readBatch'];
  writeBatch: Tun['writeBatch'];
  close(): void;
};

type NativeWatch = {
  start(onReadable: () => void, isForNftables: boolean): number;
  read(buffer: Uint8Array): number;
  close(): void;
};

type Native = {
  aeadSeal: BatchCall;
  aeadOpen: BatchCall;
  aeadLibrary(isWanted?: boolean): string | undefined;
  boxSeal: BatchCall;
  boxOpen: BatchCall;
  kernel(wanted?: string): string;
  hmacSha256: Addon['hmacSha256'];
  configureInterface(name: string, address: Uint8Array, prefixLength: number, mtu: number): number;
  addRoute(name: string, prefix: Uint8Array, prefixLength: number): number;
  sendUnixDatagram(path: string, octets: Uint8Array): number;
  completeChecksum: Addon['completeChecksum'];
  cutSegments: Addon['cutSegments'];
  limitUnsent(descriptor: number, octets: number): number;
  maskOctets: Addon['maskOctets'];
  unsent(descriptor: number): number;
  sendNow(descriptor: number, octets: Uint8Array): number;
  Tun: new () => NativeTun;
  Udp: new () => NativeUdp;
  NetworkWatch: new () => NativeWatch;
};

export type LoadedAddon = { addon: Addon; problem?: undefined } | { addon?: undefined; problem: string };

/** The addon, or why there is none, in one line for operators. `file` names another build, for tests. */
export function findAddon(file: string | undefined = builtFile()): LoadedAddon {
  if (file === undefined) return { problem: 'the addon is not built: run `npm run build:native`' };
  try {
    const native: Native = createRequire(import.meta.url)(file);
    return { addon: wrap(native) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { problem: `the addon ${file} does not load: ${message.split('\n')[0]}` };
  }
}

export function loadAddon(file?: string): Addon | undefined {
  return findAddon(file).addon;
}

/** This file runs as `native-bindings/addon.ts` or `dist/native-bindings/addon.js`. */
function builtFile(): string | undefined {
  const places = ['./build/Release/ratatosk.node', '../../native-bindings/build/Release/ratatosk.node'];
  return places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((file) => existsSync(file));
}

function wrap(native: Native): Addon {
  return {
    aeadSeal: native.aeadSeal,
    aeadOpen: native.aeadOpen,
    aeadLibrary: (isWanted) => (isWanted === undefined ? native.aeadLibrary() : native.aeadLibrary(isWanted)),
    boxSeal: native.boxSeal,
    boxOpen: native.boxOpen,
    kernel: (wanted) => (wanted === undefined ? native.kernel() : native.kernel(wanted)),
    hmacSha256: native.hmacSha256,
    openTun: (name, offloads = 'none') => openTun(new native.Tun(), name, offloads),
    completeChecksum: native.completeChecksum,
    cutSegments: native.cutSegments,
    configureInterface(name, address, prefixLength, mtu) {
      const result = native.configureInterface(name, address, prefixLength, mtu);
      if (result < 0)
        throw failure('INTERFACE_CONFIGURE', result, `configure the interface ${name}`, INTERFACE_REMEDIES);
    },
    addRoute(name, prefix, prefixLength) {
      const result = native.addRoute(name, prefix, prefixLength);
      if (result < 0) throw failure('ROUTE_ADD', result, `add a route to ${name}`, INTERFACE_REMEDIES);
    },
    openUdp: (place) => openUdp(new native.Udp(), place),
    sendUnixDatagram(path, octets) {
      const result = native.sendUnixDatagram(path, octets);
      if (result < 0) throw failure('DATAGRAM_SEND', result, `send a datagram to ${path}`, {});
    },
    limitUnsent: (descriptor, octets) => native.limitUnsent(descriptor, octets) === 0,
    maskOctets: native.maskOctets,
    unsent: (descriptor) => Math.max(0, native.unsent(descriptor)),
    sendNow: (descriptor, octets) => Math.max(0, native.sendNow(descriptor, octets)),
    watchNetwork: (onReadable) =>
      openWatch(new native.NetworkWatch(), onReadable, false, 'watch the addresses of this machine'),
    watchNftables: (onReadable) => openWatch(new native.NetworkWatch(), onReadable, true, 'watch nftables'),
  };
}

/** The addon takes no more in one call. */
const NONE_UNFINISHED = new Uint8Array(4_096);

/** Their numbers in C++ are their places here. */
const OFFLOADS: readonly Offloads[] = ['none', 'tcp', 'all'];

function openTun(tun: NativeTun, name: string, offloads: Offloads): Tun {
  const opened = tun.open(name, OFFLOADS.indexOf(offloads));
  if (opened < 0) throw failure('TUN_OPEN', opened, `open the TUN interface ${name}`, TUN_REMEDIES);
  const check = (result: number, attempt: string): number => {
    if (result < 0) throw failure('TUN_LOST', result, `${attempt} the TUN interface ${tun.name}`, TUN_REMEDIES);
    return result;
  };
  return {
    name: tun.name,
    offloads: OFFLOADS[tun.offloads] ?? 'none',
    get writeErrors() {
      return tun.writeErrors;
    },
    startReading: (onReadable) => void check(tun.startReading(onReadable), 'watch'),
    pause: () => void check(tun.pause(), 'pause'),
    resume: () => void check(tun.resume(), 'resume'),
    readBatch: (arena, slotSize, headroom, offsets, lengths, maxCount) =>
      check(tun.readBatch(arena, slotSize, headroom, offsets, lengths, maxCount), 'read from'),
    writeBatch: (buffers, offsets, lengths, count, unfinished = NONE_UNFINISHED) =>
      tun.writeBatch(buffers, offsets, lengths, count, unfinished),
    close: () => tun.close(),
  };
}

function openWatch(watch: NativeWatch, onReadable: () => void, isForNftables: boolean, attempt: string): NetworkWatch {
  const check = (result: number): number => {
    if (result < 0) throw failure('NETWORK_WATCH', result, attempt, {});
    return result;
  };
  check(watch.start(onReadable, isForNftables));
  return {
    read: (buffer) => {
      const result = watch.read(buffer);
      return result === -constants.errno.ENOBUFS ? undefined : check(result);
    },
    close: () => watch.close(),
  };
}

const TUN_REMEDIES: Record<string, string> = {
  EPERM: 'the process needs CAP_NET_ADMIN',
  EACCES: 'the process may not open /dev/net/tun',
  ENOENT: 'there is no /dev/net/tun: load the kernel module `tun`, or give the container the device',
  ENODEV: 'the kernel has no TUN driver: load the module `tun`',
  EBUSY: 'another process uses an interface of this name: choose another IfName',
  EINVAL: 'an interface of this name exists and is no TUN, or the name is not valid: choose another IfName',
  EBADFD: 'the interface was removed',
  EBADF: 'it is closed',
};

const INTERFACE_REMEDIES: Record<string, string> = {
  EPERM: 'the process needs CAP_NET_ADMIN',
  EACCES: 'IPv6 is disabled for it: set net.ipv6.conf.<interface>.disable_ipv6 to 0',
  EOPNOTSUPP: 'the kernel has no IPv6',
  ENODEV: 'there is no such interface',
  ENETDOWN: 'the interface is down',
};
