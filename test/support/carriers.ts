/**
 * One link of a mesh: the URIs of both its ends by scheme, and what stands between them. A web server from Debian ends
 * the TLS of wss, a proxy from Debian carries socks.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificateOf } from './certificates.ts';
import type { Lab } from './lab.ts';
import { needsTool } from './needs.ts';
import type { Cable, Netns } from './netns.ts';
import { waitFor } from './wait.ts';

export const SCHEMES = ['tcp', 'tls', 'ws', 'wss', 'unix', 'socks', 'sockstls'] as const;
/** Those of Yggdrasil's, and ours. */
export type Scheme = (typeof SCHEMES)[number] | 'udp';

export type LinkOptions = {
  /** `tcp` unless given. */
  readonly scheme?: Scheme;
  /** Which end of the cable dials; `b` unless given. */
  readonly dialler?: 'a' | 'b';
  readonly password?: string;
  /** What the dialling side says, if it is not the password. */
  readonly diallerPassword?: string;
  /** Pins the key of the listening side. */
  readonly isPinned?: boolean;
  /** What is pinned instead of the listening side's key. */
  readonly pinnedKeyHex?: string;
  readonly isIpv6?: boolean;
  /** `user:password` that the proxy wants. */
  readonly proxyLogin?: string;
};

export type LaidLink = { dialler: 'a' | 'b'; listener: 'a' | 'b'; dial: string; listen: string };

/** Why links of a scheme cannot be laid here. */
export function needsCarrier(scheme: Scheme): string | undefined {
  if (scheme === 'wss') return needsTool('nginx', 'ss');
  return scheme === 'socks' || scheme === 'sockstls' ? needsTool('microsocks', 'ss') : undefined;
}

/** `port` is unique in the lab. Ends with the lab, as what it starts. */
export async function layLink(
  lab: Lab,
  cable: Cable,
  port: number,
  link: LinkOptions,
  keyOf: (end: 'a' | 'b') => string,
): Promise<LaidLink> {
  const dialler = link.dialler ?? 'b';
  const listener = dialler === 'a' ? 'b' : 'a';
  const { netns, ipv4, ipv6 } = cable[listener];
  const host = link.isIpv6 === true ? `[${ipv6}]` : ipv4;
  const places = {
    tcp: async () => both(`tcp://${host}:${port}`),
    udp: async () => both(`udp://${host}:${port}`),
    tls: async () => both(`tls://${host}:${port}`),
    ws: async () => both(`ws://${host}:${port}`),
    unix: async () => both(`unix://${join(lab.folder, `link-${port}.sock`)}`),
    wss: async () => {
      await startWebServer(lab, netns, host, port);
      return { dial: `wss://${host}:${port}/mesh`, listen: `ws://127.0.0.1:${port}` };
    },
    socks: async () => ({ dial: `${await proxy('socks')}/${host}:${port}`, listen: `tcp://${host}:${port}` }),
    sockstls: async () => ({ dial: `${await proxy('sockstls')}/${host}:${port}`, listen: `tls://${host}:${port}` }),
  };
  const proxy = (scheme: string): Promise<string> => startProxy(lab, cable[dialler].netns, scheme, link.proxyLogin);
  const { dial, listen } = await places[link.scheme ?? 'tcp']();
  const password = link.diallerPassword ?? link.password;
  const isPinned = link.isPinned === true || link.scheme === 'udp';
  const pinned = link.pinnedKeyHex ?? (isPinned ? keyOf(listener) : undefined);
  return {
    dialler,
    listener,
    dial: withOptions(dial, { password, key: pinned }),
    listen: withOptions(listen, { password: link.password }),
  };
}

function both(uri: string): { dial: string; listen: string } {
  return { dial: uri, listen: uri };
}

function withOptions(uri: string, options: Record<string, string | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) if (value !== undefined) query.set(name, value);
  return query.size === 0 ? uri : `${uri}?${query}`;
}

const PROXY_PORT = 1080;

/** In the dialler's namespace; gives the beginning of the URI. */
async function startProxy(lab: Lab, netns: Netns, scheme: string, login: string | undefined): Promise<string> {
  const [user = '', password = ''] = login?.split(':') ?? [];
  const wants = login === undefined ? [] : ['-u', user, '-P', password];
  lab.adopt(netns.start(['microsocks', '-i', '127.0.0.1', '-p', String(PROXY_PORT), ...wants]));
  await listens(netns, PROXY_PORT);
  return `${scheme}://${login === undefined ? '' : `${login}@`}127.0.0.1:${PROXY_PORT}`;
}

/** Takes TLS on the host's port and leads it to the same port on loopback, as an operator would set it up. */
async function startWebServer(lab: Lab, netns: Netns, host: string, port: number): Promise<void> {
  const file = (name: string): string => join(lab.folder, `web-${port}-${name}`);
  const { cert, key } = certificateOf('p256');
  writeFileSync(file('cert.pem'), cert);
  writeFileSync(file('key.pem'), key, { mode: 0o600 });
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const config = `
    daemon off;
    master_process off;
    pid ${file('pid')};
    error_log stderr;
    events {}
    http {
      access_log off;
      ${folders.map((name) => `${name}_temp_path ${file(name)};`).join('\n')}
      server {
        listen ${host}:${port} ssl;
        ssl_certificate ${file('cert.pem')};
        ssl_certificate_key ${file('key.pem')};
        location /mesh {
          proxy_pass http://127.0.0.1:${port};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection upgrade;
          proxy_set_header Host $host;
        }
      }
    }`;
  writeFileSync(file('conf'), config);
  lab.adopt(netns.start(['nginx', '-c', file('conf'), '-p', lab.folder, '-e', 'stderr']));
  await listens(netns, port);
}

async function listens(netns: Netns, port: number): Promise<void> {
  await waitFor(
    `a listener on port ${port}`,
    async () => (await netns.mustRun(['ss', '-Hltn', `sport = :${port}`])) !== '',
  );
}
