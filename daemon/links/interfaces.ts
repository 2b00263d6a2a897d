/** Which of this machine's network interfaces discovery works on (section 3.2), and by which rule. */
import { readFileSync } from 'node:fs';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { ipv6Octets } from '../wire/ipv6-text.ts';

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

/**
 * Interfaces that are up, carry multicast, are no tunnels, do not lead into a mesh themselves and have an address that may
 * be used; nothing is found where there is no IPv6.
 */
export function linkLocalInterfaces(
  all: NodeJS.Dict<readonly NetworkInterfaceInfo[]> = networkInterfaces(),
): LocalInterface[] {
  const found: LocalInterface[] = [];
  const tentative = tentativeAddresses(ipv6Table());
  for (const [name, addresses = []] of Object.entries(all)) {
    const own = addresses.find(({ address, internal }) => !internal && isLinkLocal(address));
    if (own === undefined || addresses.some(({ address }) => isMeshAddress(address)) || !canMulticast(name)) continue;
    const address = withoutZone(own.address);
    if (!tentative.has(`${digitsOf(address)} ${name}`)) found.push({ name, address });
  }
  return found;
}

/** `fe80::/10`, with or without zone. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(address);
}

/** `200::/7`: an interface with such an address is the mesh, of ours or of another daemon. */
function isMeshAddress(address: string): boolean {
  return /^[23][0-9a-f]{2}:/i.test(address);
}

export function withoutZone(address: string): string {
  return address.split('%')[0] ?? '';
}

const IFA_F_OPTIMISTIC = 0x04;
const IFA_F_TENTATIVE = 0x40;

/**
 * Of the text of `/proc/net/if_inet6` those that nothing can be bound to yet, since the kernel is still asking the LAN
 * whether another has them: for a second or two after an interface has come up. As 32 digits and a name.
 */
export function tentativeAddresses(table: string): Set<string> {
  const found = new Set<string>();
  for (const line of table.split('\n')) {
    // Digits of the address, index, length of the prefix, scope, flags, name.
    const [digits = '', , , , flags = '', name] = line.trim().split(/ +/);
    const isWaiting = (Number.parseInt(flags, 16) & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC)) === IFA_F_TENTATIVE;
    if (name !== undefined && isWaiting) found.add(`${digits} ${name}`);
  }
  return found;
}

function digitsOf(address: string): string {
  return Buffer.from(ipv6Octets(address)).toString('hex');
}

/** Where the system does not tell, the attempt will. */
function ipv6Table(): string {
  try {
    return readFileSync('/proc/net/if_inet6', 'latin1');
  } catch {
    return '';
  }
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
