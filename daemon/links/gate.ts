/**
 * Caps on who may connect: unfinished connections in all and per host, links per host. A host is an IPv4 address or an
 * IPv6 /64; on a LAN, whose hosts all share one /64, a
 * link-local address. A value machine: what the caller reports, it counts.
 */
import { isLinkLocal } from './interfaces.ts';

const UNFINISHED_MAX = 128;
const UNFINISHED_PER_HOST = 8;
const LINKS_PER_HOST = 16;

export type GateRefusal = 'too many unfinished' | 'too many unfinished of this host' | 'too many links of this host';

type Counts = { unfinished: number; links: number };

export class Gate {
  readonly refused: Record<GateRefusal, number> = {
    'too many unfinished': 0,
    'too many unfinished of this host': 0,
    'too many links of this host': 0,
  };
  readonly #hosts = new Map<string, Counts>();
  #unfinished = 0;

  /** Hosts that have anything open. */
  get hosts(): number {
    return this.#hosts.size;
  }

  /** A connection came in. Undefined: it counts as unfinished until `settled` or `gone`. */
  admit(address: string): GateRefusal | undefined {
    const host = hostOf(address);
    const counts = this.#hosts.get(host) ?? { unfinished: 0, links: 0 };
    const refusal = this.#refusal(counts);
    if (refusal !== undefined) {
      this.refused[refusal]++;
      return refusal;
    }
    counts.unfinished++;
    this.#unfinished++;
    this.#hosts.set(host, counts);
    return undefined;
  }

  /** Its handshake is done: it is a link now. */
  settled(address: string): void {
    const counts = this.#hosts.get(hostOf(address));
    if (counts === undefined) return;
    counts.unfinished--;
    counts.links++;
    this.#unfinished--;
  }

  gone(address: string, wasSettled: boolean): void {
    const host = hostOf(address);
    const counts = this.#hosts.get(host);
    if (counts === undefined) return;
    if (wasSettled) counts.links--;
    else {
      counts.unfinished--;
      this.#unfinished--;
    }
    if (counts.links + counts.unfinished === 0) this.#hosts.delete(host);
  }

  #refusal(counts: Counts): GateRefusal | undefined {
    if (this.#unfinished >= UNFINISHED_MAX) return 'too many unfinished';
    if (counts.unfinished >= UNFINISHED_PER_HOST) return 'too many unfinished of this host';
    if (counts.unfinished + counts.links >= LINKS_PER_HOST) return 'too many links of this host';
    return undefined;
  }
}

/** The first 64 bits of an IPv6 address; a link-local one and an IPv4 address, mapped or not, as they are. */
export function hostOf(address: string): string {
  if (!address.includes(':') || isLinkLocal(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...new Array<string>(zeros).fill('0'), ...after];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':');
}
