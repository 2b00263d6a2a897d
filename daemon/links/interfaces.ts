/** Which of this machine's network interfaces discovery works on (section 3.2), and by which rule. */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

/** An entry of `MulticastInterfaces`. The expression is the operator's, never from outside. */
export type DiscoveryRule = {
  readonly regex: RegExp;
  readonly beacon: boolean;
  readonly listen: boolean;
  /** 0: any. */
  readonly port: number;
  readonly priority: number;
  /** 0..64 octets. */
  readonly password: Uint8Array;
};

export type LocalInterface = {
  readonly name: string;
  /** Its first link-local address, without zone. */
  readonly address: string;
};

/** An interface and the rule that is for it. */
export type Place = LocalInterface & { readonly rule: DiscoveryRule };

/** Of overlapping rules the first counts. An interface whose rule neither sends nor listens is none. */
export function placesOf(interfaces: readonly LocalInterface[], rules: readonly DiscoveryRule[]): Place[] {
  return interfaces.flatMap(({ name, address }) => {
    const rule = rules.find(({ regex }) => regex.test(name));
    return rule === undefined || !(rule.beacon || rule.listen) ? [] : [{ name, address, rule }];
  });
}

/** Interfaces that are up, carry multicast and are no tunnels; nothing is found where there is no IPv6. */
export function linkLocalInterfaces(): LocalInterface[] {
  const found: LocalInterface[] = [];
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    const own = addresses?.find(({ address, internal }) => !internal && isLinkLocal(address));
    if (own !== undefined && canMulticast(name)) found.push({ name, address: withoutZone(own.address) });
  }
  return found;
}

/** `fe80::/10`, with or without zone. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(address);
}

export function withoutZone(address: string): string {
  return address.split('%')[0] ?? '';
}

const IFF_POINTOPOINT = 0x10;
const IFF_MULTICAST = 0x1000;

/** Where the system does not tell, the attempt will. */
function canMulticast(name: string): boolean {
  try {
    const flags = Number(readFileSync(`/sys/class/net/${name}/flags`, 'latin1'));
    return (flags & IFF_MULTICAST) !== 0 && (flags & IFF_POINTOPOINT) === 0;
  } catch {
    return true;
  }
}
