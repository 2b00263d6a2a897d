/** The largest datagrams that the interfaces of this machine take. */
import { readdirSync, readFileSync } from 'node:fs';
import type { UdpFamily } from '../../native-bindings/udp.ts';

/** What every path carries (link document, section 12). */
export const BASE_FRAME = 1_200;
const ETHERNET_MTU = 1_500;
/** No network of Ethernet frames takes more. */
const JUMBO_MTU = 9_216;
const INTERFACES = '/sys/class/net';
/** ARPHRD_LOOPBACK, and ARPHRD_NONE: tunnels such as our own, which carry no link of ours. */
const OTHER_TYPES = ['772', '65534'];

/** Without the headers of IP and UDP. */
export function largestFrame(family: UdpFamily): number {
  const overhead = family === 'ipv6' ? 48 : 28;
  return Math.max(BASE_FRAME, largestMtu() - overhead);
}

function largestMtu(): number {
  let largest = 0;
  try {
    for (const name of readdirSync(INTERFACES)) {
      if (!OTHER_TYPES.includes(read(name, 'type'))) largest = Math.max(largest, Number(read(name, 'mtu')) || 0);
    }
  } catch {
    // Interfaces may go while they are read; some systems do not show them.
  }
  return largest === 0 ? ETHERNET_MTU : Math.min(JUMBO_MTU, largest);
}

function read(name: string, member: string): string {
  return readFileSync(`${INTERFACES}/${name}/${member}`, 'latin1').trim();
}
