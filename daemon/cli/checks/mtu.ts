/**
 * How large packets may be on the way to each peer, asked with echo requests that nobody may fragment: a way that swallows large
 * ones without a word carries the greeting of a link, and nothing that follows.
 */
import { execFile } from 'node:child_process';
import { RatatoskError } from '../../core/error.ts';
import { parseUri } from '../../links/uri.ts';
import { type Check, type Finding, failed, ok, type Scene, skipped } from './finding.ts';

/** Octets of whole packets: of an Ethernet, what IPv6 asks of every way, and what may always pass. */
const ETHERNET = 1500;
const IPV6_LEAST = 1280;
const SMALL = 576;
/** How exactly the edge of a hole is looked for. */
const STEP = 4;
const TRIES = 2;
const WAIT_S = 1;
const HOSTS_MAX = 8;
const TOOL_LIMIT_MS = 10_000;

/** What became of one echo request: answered, lost, or refused on the way or here with the size that may pass. */
export type EchoResult =
  | { readonly kind: 'answered' | 'lost' | 'failed' }
  | { readonly kind: 'too big'; readonly mtu: number };
export type Echo = (host: string, packetOctets: number) => Promise<EchoResult>;

export const mtu: Check = {
  name: 'mtu',
  look: async (scene) => {
    const hosts = peerHosts(scene).slice(0, HOSTS_MAX);
    if (hosts.length === 0) return [skipped('no peer that is reached by IP')];
    return Promise.all(hosts.map((host) => mtuFinding(host, pingEcho)));
  },
};

export async function mtuFinding(host: string, echo: Echo): Promise<Finding> {
  const passes = async (size: number): Promise<boolean> => (await retried(host, size, echo)).kind === 'answered';
  const small = await retried(host, SMALL, echo);
  if (small.kind === 'failed') return skipped(`${host}: not asked, ping is not there (apt install iputils-ping)`);
  if (small.kind === 'lost') return skipped(`${host} answers no echo requests, so nothing can be told`);
  const large = await retried(host, ETHERNET, echo);
  // What the kernel knows all connections know: that is no hole.
  const known = large.kind === 'too big' ? Math.max(SMALL, Math.min(ETHERNET, large.mtu)) : ETHERNET;
  if (large.kind === 'answered' || (large.kind === 'too big' && (await passes(known)))) {
    return ok(`${host}: packets of ${known} octets pass`);
  }
  let [low, high] = (await passes(IPV6_LEAST)) ? [IPV6_LEAST, known] : [SMALL, Math.min(IPV6_LEAST, known)];
  while (high - low > STEP) {
    const middle = Math.floor((low + high) / 2);
    if (await passes(middle)) low = middle;
    else high = middle;
  }
  const remedy = `set the MTU of the interface towards it to ${low}, or let ICMP "too big" pass on the way`;
  const text = `MTU hole on the way to ${host}: packets of more than ${low} octets vanish`;
  return failed(low < IPV6_LEAST ? `${text}, and IPv6 needs ${IPV6_LEAST}` : text, remedy);
}

async function retried(host: string, size: number, echo: Echo): Promise<EchoResult> {
  let result: EchoResult = { kind: 'lost' };
  for (let i = 0; i < TRIES && result.kind === 'lost'; i++) result = await echo(host, size);
  return result;
}

/** Through no proxy: the way to there is another one. */
function peerHosts({ loaded, daemon }: Scene): string[] {
  const { Peers = [], InterfacePeers = {} } = loaded?.config ?? {};
  const configured = [...Peers, ...Object.values(InterfacePeers).flatMap((uris) => uris ?? [])];
  const asked = (daemon?.peers ?? []).filter(({ inbound }) => !inbound).map(({ remote = '' }) => remote);
  const hosts = [...configured, ...asked].flatMap((text) => {
    try {
      const { host, scheme, target } = parseUri(text, 'dial');
      return host === '' || target !== undefined || !['tcp', 'tls', 'ws', 'wss', 'udp'].includes(scheme) ? [] : [host];
    } catch (error) {
      if (error instanceof RatatoskError) return [];
      throw error;
    }
  });
  return [...new Set(hosts)].filter((host) => !/^(127\.|::1$|localhost$)/.test(host));
}

const HEADERS = { ipv4: 28, ipv6: 48 };

const pingEcho: Echo = (host, packetOctets) =>
  new Promise((resolve) => {
    const payload = packetOctets - (host.includes(':') ? HEADERS.ipv6 : HEADERS.ipv4);
    const args = ['-n', '-c', '1', '-W', String(WAIT_S), '-M', 'do', '-s', String(payload), '--', host];
    const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C' };
    execFile('ping', args, { timeout: TOOL_LIMIT_MS, env }, (error, stdout, stderr) => {
      if (error !== null && error.code === 'ENOENT') resolve({ kind: 'failed' });
      else resolve(echoResult(`${stdout}${stderr}`));
    });
  });

/** Of the words of iputils' ping. */
export function echoResult(text: string): EchoResult {
  if (/ bytes from .*(icmp_seq|seq)=/.test(text)) return { kind: 'answered' };
  const known = /mtu\s*[=:]\s*(\d+)/i.exec(text)?.[1];
  if (known !== undefined) return { kind: 'too big', mtu: Number(known) };
  return { kind: 'lost' };
}
