/** Watches the network of this machine: interfaces, addresses, routes. */
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Addon, loadAddon, type NetworkWatch as NativeWatch } from '../../native-bindings/addon.ts';
import { type NetworkNews, readNetlink } from './netlink.ts';

/** One change. */
export type NetworkChange = {
  /** Whether this machine has lost the address since the last change; one whose cable is out still has its own. */
  isGone(host: string): boolean;
};

export type NetworkWatch = { close(): void };

/** Where news comes from: calls for each bundle of it, until it is closed. */
export type NewsSource = (hear: (news: readonly NetworkNews[]) => void) => { close(): void };

/** An interface that comes up has much to tell. */
const SETTLE_MS = 200;
/** Least time between two changes told: probing costs every peer a signature. */
const DISTANCE_MS = 1_000;
/** Where a routing daemon runs, routes change all the time. */
const ROUTES_DISTANCE_MS = 3_000;
const POLL_MS = 3_000;
/** Messages have a few hundred octets; the kernel bundles them to this at most. */
const BUFFER = 32 * 1024;

/**
 * Calls `tell` soon after the network has changed. By rtnetlink if the addon is there; otherwise it looks every 3 s, sees
 * interfaces and addresses only, and no address is known to be gone.
 */
export function watchNetwork(
  tell: (change: NetworkChange) => void,
  source: NewsSource = systemSource(loadAddon()),
): NetworkWatch {
  const watch = new Watch(tell);
  const opened = source((news) => watch.hear(news));
  return {
    close: () => {
      opened.close();
      watch.close();
    },
  };
}

class Watch {
  readonly #tell: (change: NetworkChange) => void;
  readonly #gone = new Set<string>();
  #addresses = addressesNow();
  #hasNews = false;
  #hasRoutes = false;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (change: NetworkChange) => void) {
    this.#tell = tell;
  }

  hear(news: readonly NetworkNews[]): void {
    for (const one of news) {
      if (one.kind === 'addressRemoved') this.#gone.add(one.address);
      if (one.kind === 'addressAdded') this.#gone.delete(one.address);
      if (one.kind === 'route') this.#hasRoutes = true;
      else this.#hasNews = true;
    }
    if (this.#hasNews) this.#lookIn(DISTANCE_MS);
    else if (this.#hasRoutes) this.#lookIn(ROUTES_DISTANCE_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #lookIn(distanceMs: number): void {
    const nowMs = performance.now();
    const atMs = Math.max(nowMs + SETTLE_MS, this.#toldAtMs + distanceMs);
    if (atMs >= this.#dueAtMs) return;
    clearTimeout(this.#timer);
    this.#dueAtMs = atMs;
    this.#timer = setTimeout(() => this.#look(), atMs - nowMs);
  }

  /** Much of what the kernel tells is no change: a lifetime renewed, a counter. */
  #look(): void {
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    const addresses = addressesNow();
    const nowMs = performance.now();
    const areRoutesDue = this.#hasRoutes && nowMs >= this.#toldAtMs + ROUTES_DISTANCE_MS;
    this.#hasNews = false;
    if (addresses === this.#addresses && this.#gone.size === 0 && !areRoutesDue) {
      if (this.#hasRoutes) this.#lookIn(ROUTES_DISTANCE_MS);
      return;
    }
    const gone = new BlockList();
    for (const address of this.#gone) gone.addAddress(address, isIPv6(address) ? 'ipv6' : 'ipv4');
    this.#addresses = addresses;
    this.#gone.clear();
    this.#hasRoutes = false;
    this.#toldAtMs = nowMs;
    this.#tell({ isGone: (host) => isListed(gone, host) });
  }
}

function isListed(list: BlockList, host: string): boolean {
  const address = host.split('%')[0] ?? '';
  return address !== '' && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Of interfaces that are up and have a carrier. */
function addressesNow(): string {
  const all = Object.entries(networkInterfaces()).flatMap(([name, entries]) =>
    (entries ?? []).map(({ cidr, address }) => `${name} ${cidr ?? address}`),
  );
  return all.sort().join('\n');
}

/** The kernel's messages, or looking again and again. */
export function systemSource(addon: Addon | undefined): NewsSource {
  return (hear) => (addon === undefined ? undefined : openNetlink(addon, hear)) ?? pollInterfaces(hear);
}

function openNetlink(addon: Addon, hear: (news: readonly NetworkNews[]) => void): NativeWatch | undefined {
  const buffer = new Uint8Array(BUFFER);
  const readAll = (watch: NativeWatch): void => {
    for (let length = watch.read(buffer); length !== 0; length = watch.read(buffer)) {
      // Lost messages may have said anything.
      hear(length === undefined ? [{ kind: 'interface' }, { kind: 'route' }] : readNetlink(buffer.subarray(0, length)));
    }
  };
  try {
    const watch: NativeWatch = addon.watchNetwork(() => readAll(watch));
    return watch;
  } catch {
    // A kernel that keeps it from us: then we look ourselves.
    return undefined;
  }
}

function pollInterfaces(hear: (news: readonly NetworkNews[]) => void): { close(): void } {
  const timer = setInterval(() => hear([{ kind: 'interface' }]), POLL_MS);
  return { close: () => clearInterval(timer) };
}
