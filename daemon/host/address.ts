/** Text forms of IPv6 addresses and subnets (RFC 5952), as the admin socket and people use them. */
import { isIPv6 } from 'node:net';
import { ipv6Octets } from '../wire/ipv6-text.ts';

export function addressText(octets: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((((octets[i] as number) << 8) | (octets[i + 1] as number)).toString(16));
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** The /64 of 8 octets. */
export function subnetText(octets: Uint8Array): string {
  const whole = new Uint8Array(16);
  whole.set(octets.subarray(0, 8));
  return `${addressText(whole)}/64`;
}

/** 16 octets, or undefined if the text is no IPv6 address. A zone is refused: mesh addresses have none. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return ipv6Octets(text);
}

export function hexText(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let i = 0; i < groups.length; i++) {
    let length = 0;
    while (groups[i + length] === '0') length++;
    if (length > best.length) best = { start: i, length };
  }
  return best;
}
