/** Which file carries which scheme. */
import { RatatoskError } from '../core/error.ts';
import type { Certificate } from './certificate.ts';
import type { Carrier, LinkKind, LinkUri, Listener } from './link.ts';
import { socks, socksTls } from './socks.ts';
import { tcp } from './tcp.ts';
import { tls } from './tls.ts';
import { unix } from './unix.ts';

/** What some kinds need of the rest of the daemon. */
export type LinkNeeds = {
  readonly certificate: Certificate;
  /** Removes a socket in the file system on which nobody answers; rejects if the path is taken. */
  readonly makeWay: (path: string) => Promise<void>;
};

export type Links = {
  /** Connects; rejects with `DIAL_FAILED` or when the signal says so. */
  dial(uri: LinkUri, sourceInterface: string, signal: AbortSignal): Promise<Carrier>;
  /** Listens; rejects with `LISTEN_FAILED`. */
  listen(uri: LinkUri, accept: (carrier: Carrier) => void): Promise<Listener>;
};

export function openLinks({ certificate, makeWay }: LinkNeeds): Links {
  let loaded: Promise<Required<Pick<LinkKind, 'dial'>>> | undefined;
  const wss = () => (loaded ??= import('./ws.ts').then((module) => module.wss(certificate)));
  const kinds: ReadonlyMap<string, LinkKind> = new Map<string, LinkKind>([
    ['tcp', tcp],
    ['tls', tls(certificate)],
    // Loaded with their first URI: they bring as much code as all other kinds together.
    [
      'ws',
      {
        dial: async (...args) => (await import('./ws.ts')).ws.dial(...args),
        listen: async (...args) => (await import('./ws.ts')).ws.listen(...args),
      },
    ],
    ['wss', { dial: async (...args) => (await wss()).dial(...args) }],
    ['unix', unix(makeWay)],
    ['socks', socks],
    ['sockstls', socksTls(certificate)],
  ]);
  return {
    async dial(uri, sourceInterface, signal) {
      const dial = kinds.get(uri.scheme)?.dial;
      if (dial === undefined) throw new RatatoskError('SCHEME_UNKNOWN', `Cannot dial ${uri.scheme}://`);
      return dial(uri, sourceInterface, signal);
    },
    async listen(uri, accept) {
      const listen = kinds.get(uri.scheme)?.listen;
      if (listen === undefined) throw new RatatoskError('SCHEME_UNKNOWN', `Cannot listen on ${uri.scheme}://`);
      return listen(uri, accept);
    },
  };
}
