/**
 * How large packets may be on the way to each peer, asked with echo requests that nobody may fragment: a way that swallows large
 * ones without a word carries the greeting of a link, and nothing that follows.
 */
import { execFile } from 'node:child_process';
import { RatatoskError } from '../../core/error.ts';
import { parseUri } from '../../links/uri.ts';
import { type Check, type Finding, failed, ok, type Scene, skipped } from './finding.ts';

/** Octets of IPv6 or IPv4 and ICMP headers are in them; the largest first. */
const SIZES = [1500, 1492, 1480, 1460, 1440, 1420, 1400, 1360, 1320, 1280];
const SMALL = 576;
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
  const small = await retried(host, SMALL, echo);
  if (small.kind === 'failed') return skipped(`${host}: not asked, ping is not there (apt install iputils-ping)`);
  if (small.kind === 'lost') return skipped(`${host} answers no echo requests, so nothing can be told`);
  let vanished: number | undefined;
  for (const size of SIZES) {
    const result = await retried(host, size, echo);
    // The kernel knows, and so do all connections: that is no hole.
    if (result.kind === 'too big') continue;
    if (result.kind === 'answered') {
      if (vanished === undefined) return ok(`${host}: packets of ${size} octets pass`);
      return hole(host, vanished, size);
    }
    vanished ??= size;
  }
  return vanished === undefined ? ok(`${host}: small packets pass`) : hole(host, vanished, SMALL);
}

function hole(host: string, vanished: number, passes: number): Finding {
  const remedy = `set the MTU of the interface towards it to ${passes}, or let ICMP "too big" pass on the way`;
  const text = `MTU hole on the way to ${host}: packets of ${vanished} octets vanish, ${passes} pass`;
  return passes < 1280 ? failed(`${text}: IPv6 needs 1280`, remedy) : failed(text, remedy);
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
