/** Hears from the kernel at once when somebody takes nftables tables away. */
import { endianness } from 'node:os';
import { type Addon, loadAddon, type NetworkWatch } from '../../native-bindings/addon.ts';

/** One `nft` takes away a table after the other. */
const SETTLE_MS = 50;
/** Least time between two calls: whoever deletes tables all the time must not keep this thread busy. */
const DISTANCE_MS = 500;
/** More than the kernel sends at once; of a message that is longer the header alone counts. */
const BUFFER = 64 * 1024;

const HEADER = 16;
/** `NFNL_SUBSYS_NFTABLES` and `NFT_MSG_DELTABLE`. */
const TABLE_DELETED = 0x0a02;
const isLittle = endianness() === 'LE';

/** Calls `tell` soon after a table has gone, whosever it was. Without the addon or the right to it: never. */
export function watchTables(tell: () => void, addon: Addon | undefined = loadAddon()): { close(): void } {
  const buffer = new Uint8Array(BUFFER);
  let timer: NodeJS.Timeout | undefined;
  let toldAtMs = Number.NEGATIVE_INFINITY;

  const due = (): void => {
    timer = undefined;
    toldAtMs = performance.now();
    tell();
  };
  const readAll = (watch: NetworkWatch): void => {
    for (let length = watch.read(buffer); length !== 0; length = watch.read(buffer)) {
      // Lost messages may have said it.
      if (length !== undefined && !tellsTableDeleted(buffer.subarray(0, length))) continue;
      timer ??= setTimeout(due, Math.max(SETTLE_MS, toldAtMs + DISTANCE_MS - performance.now()));
    }
  };
  const opened = open(addon, readAll);
  return {
    close: () => {
      clearTimeout(timer);
      opened?.close();
    },
  };
}

function open(addon: Addon | undefined, readAll: (watch: NetworkWatch) => void): NetworkWatch | undefined {
  try {
    const watch: NetworkWatch | undefined = addon?.watchNftables(() => watch && readAll(watch));
    return watch;
  } catch {
    return undefined;
  }
}

/** Whether one of the netlink messages says so; false for what is none. */
export function tellsTableDeleted(octets: Uint8Array): boolean {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  for (let at = 0; at + HEADER <= octets.length; ) {
    const length = view.getUint32(at, isLittle);
    if (view.getUint16(at + 4, isLittle) === TABLE_DELETED) return true;
    if (length < HEADER || length > octets.length - at) return false;
    at += (length + 3) & ~3;
  }
  return false;
}
