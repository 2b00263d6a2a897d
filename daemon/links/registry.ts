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
  const kinds: ReadonlyMap<string, LinkKind> = new Map([
    ['tcp', tcp],
    ['tls', tls(certificate)],
    ['ws', whenUsed(async () => (await import('./ws.ts')).ws)],
    ['wss', whenUsed(async () => (await import('./ws.ts')).wss(certificate))],
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

/** A kind that is loaded with its first URI: WebSockets bring as much code as all other kinds together. */
function whenUsed(load: () => Promise<LinkKind>): LinkKind {
  let loaded: Promise<LinkKind> | undefined;
  const kind = (): Promise<LinkKind> => (loaded ??= load());
  const lacks = new RatatoskError('SCHEME_UNKNOWN', 'Cannot be used in this direction');
  return {
    dial: async (...args) => (await kind()).dial?.(...args) ?? Promise.reject(lacks),
    listen: async (...args) => (await kind()).listen?.(...args) ?? Promise.reject(lacks),
  };
}
