/** The TUN interface as the router thread uses it: opened, named, given the node's address, read and written in batches. */
import { type Addon, findAddon, type Tun } from '../../native-bindings/addon.ts';
import { RatatoskError } from '../core/error.ts';
import { type Cutter, type DeliveryBatch, PACKET_HEADROOM, type PacketBatch } from '../core/port.ts';
import type { TunInfo } from './commands.ts';

/** Packets read in one crossing, each into a slot with room for the largest. */
const BATCH_PACKETS = 32;
const SLOT_BYTES = PACKET_HEADROOM + 65_536;
/** A batch should not outgrow what one write to a link takes, or part of it is dropped before it could leave. */
const BATCH_BYTES = 256 * 1024;

/** All of 200::/7 is reached through the interface (section 6.4). */
const MESH_PREFIX_LENGTH = 7;

/** `isFull`: more may wait. */
export type TunBatch = PacketBatch & { isFull: boolean };

export type TunDevice = {
  start(onReadable: () => void): void;
  pause(): void;
  resume(): void;
  /** Reads what is there into a batch of the device's own, valid until the next read. */
  read(): TunBatch;
  write(batch: DeliveryBatch): void;
  close(): void;
};

export type TunResult = {
  info: TunInfo;
  device: TunDevice | undefined;
  /** Undefined: its packets have no headers. */
  cutter: Cutter | undefined;
  /** Why there is no device although one was wanted, and what the operator can do. */
  trouble: { tunProblem?: string; tunRemedy?: string };
};

/**
 * Opens the device, or says why not: the node then runs as a router without one. `ifName` 'none' wants none. `guard` is
 * called when the interface is there and has no address yet.
 */
export function openTun(ifName: string, mtu: number, address: Uint8Array, guard: (name: string) => void): TunResult {
  if (ifName === 'none' || ifName === 'dummy') return without({});
  const { addon, problem } = findAddon();
  if (addon === undefined) return without({ tunProblem: problem });
  let tun: Tun | undefined;
  try {
    tun = addon.openTun(ifName, 'all');
    guard(tun.name);
    addon.configureInterface(tun.name, address, MESH_PREFIX_LENGTH, mtu);
    const cutter = tun.offloads === 'none' ? undefined : nativeCutter(addon);
    return { info: { isEnabled: true, name: tun.name, mtu }, device: deviceOf(tun), cutter, trouble: {} };
  } catch (error) {
    tun?.close();
    if (!(error instanceof RatatoskError)) throw error;
    return without({ tunProblem: error.message, tunRemedy: REMEDY });
  }
}

const REMEDY = 'run as root on a machine that has /dev/net/tun, or set IfName to none';

function without(trouble: TunResult['trouble']): TunResult {
  return { info: { isEnabled: false, name: 'none', mtu: 0 }, device: undefined, cutter: undefined, trouble };
}

function deviceOf(tun: Tun): TunDevice {
  const batch: TunBatch = {
    arena: new Uint8Array(BATCH_PACKETS * SLOT_BYTES),
    offsets: new Int32Array(BATCH_PACKETS),
    lengths: new Int32Array(BATCH_PACKETS),
    count: 0,
    isFull: false,
  };
  let largest = 1;
  return {
    start: (onReadable) => tun.startReading(onReadable),
    pause: () => tun.pause(),
    resume: () => tun.resume(),
    read() {
      const { arena, offsets, lengths } = batch;
      const most = Math.max(2, Math.min(BATCH_PACKETS, Math.floor(BATCH_BYTES / largest)));
      batch.count = tun.readBatch(arena, SLOT_BYTES, PACKET_HEADROOM, offsets, lengths, most);
      batch.isFull = batch.count === most;
      largest = 1;
      for (let i = 0; i < batch.count; i++) largest = Math.max(largest, lengths[i] as number);
      return batch;
    },
    write: ({ buffers, offsets, lengths, unfinished, count }) =>
      void tun.writeBatch(buffers, offsets, lengths, count, unfinished),
    close: () => tun.close(),
  };
}

export function nativeCutter(addon: Addon): Cutter {
  return {
    name: 'native',
    complete: addon.completeChecksum,
    cut(buffer, at, end, first, headroom, into) {
      const { arena, used, offsets, lengths, count } = into;
      const now = addon.cutSegments(buffer, at, end, first, headroom, arena, used, offsets, lengths, count);
      if (now <= count) return now < 0 ? -1 : 0;
      into.count = now;
      into.used = (offsets[now - 1] as number) + (lengths[now - 1] as number);
      return now - count;
    },
  };
}
