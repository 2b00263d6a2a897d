/** The firewall's table as nftables reads it: text from values, nothing else. */
import { type Prefix, prefixText } from './targets.ts';

/** What may connect. */
export type Opening = {
  readonly firstPort: number;
  readonly lastPort: number;
  readonly protocol: 'tcp' | 'udp';
  /** Undefined: from everywhere. */
  readonly from: Prefix | undefined;
};

export const REFUSED_COUNTER = 'refused';
/** Of what was refused lately: protocol, port, sender, and how many packets. A full set costs who scans us nothing but his name. */
export const REFUSALS_SET = 'refusals';
const REFUSALS_MAX = 64;
const REFUSALS_KEPT = '10m';

/** Quotes have no escapes in nftables, and a star stands for all names: such interfaces cannot be named in a rule. */
export function isNameable(interfaceName: string): boolean {
  return /^[A-Za-z0-9_.@+-]{1,15}$/.test(interfaceName);
}

/** Ours for as long as the key is; see the README for why not after the interface. */
export function tableName(publicKey: Uint8Array): string {
  return `ratatosk-${Buffer.from(publicKey.subarray(0, 8)).toString('hex')}`;
}

/**
 * One transaction that puts the table in place of whatever has its name. `isAnew` also resets the counter and removes
 * chains that an older version may have made; otherwise only the rules are exchanged.
 *
 * `accept` ends our chain only: what another table drops stays dropped.
 */
export function tableText(
  name: string,
  interfaceName: string,
  openings: readonly Opening[],
  { isAnew }: { isAnew: boolean },
): string {
  return `add table inet ${name}
${isAnew ? 'delete' : 'flush'} table inet ${name}
table inet ${name} {
  counter ${REFUSED_COUNTER} { }
  set ${REFUSALS_SET} { type inet_proto . inet_service . ipv6_addr; flags dynamic, timeout; size ${REFUSALS_MAX}; timeout ${REFUSALS_KEPT}; counter; }
  chain inbound {
    ct state established,related accept
    icmpv6 type { ${ICMPV6_TYPES.join(', ')} } accept
${openings.map((opening) => `    ${openingText(opening)}\n`).join('')}    meta l4proto { tcp, udp } update @${REFUSALS_SET} { meta l4proto . th dport . ip6 saddr }
    counter name ${REFUSED_COUNTER} drop
  }
  chain input { type filter hook input priority filter; policy accept; iif "${interfaceName}" goto inbound; }
  chain forward { type filter hook forward priority filter; policy accept; iif "${interfaceName}" goto inbound; }
}
`;
}

/** Also where there is no such table. */
export function removalText(name: string): string {
  return `add table inet ${name}\ndelete table inet ${name}\n`;
}

const ICMPV6_TYPES = [
  'destination-unreachable',
  'packet-too-big',
  'time-exceeded',
  'parameter-problem',
  'echo-request',
  'echo-reply',
] as const;

function openingText({ firstPort, lastPort, protocol, from }: Opening): string {
  const ports = firstPort === lastPort ? `${firstPort}` : `${firstPort}-${lastPort}`;
  return `${from === undefined ? '' : `ip6 saddr ${prefixText(from)} `}${protocol} dport ${ports} accept`;
}
