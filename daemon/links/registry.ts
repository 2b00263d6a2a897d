/** Which file carries which scheme. */
import { RatatoskError } from '../core/error.ts';
import type { Carrier, LinkKind, LinkUri, Listener } from './link.ts';
import { tcp } from './tcp.ts';
import { ws } from './ws.ts';

const REGISTRY: ReadonlyMap<string, LinkKind> = new Map([
  ['tcp', tcp],
  ['ws', ws],
]);

/** Connects; rejects with `DIAL_FAILED` or when the signal says so. */
export function dialUri(uri: LinkUri, sourceInterface: string, signal: AbortSignal): Promise<Carrier> {
  const dial = REGISTRY.get(uri.scheme)?.dial;
  if (dial === undefined) return Promise.reject(new RatatoskError('SCHEME_UNKNOWN', `Cannot dial ${uri.scheme}://`));
  return dial(uri, sourceInterface, signal);
}

/** Listens; rejects with `LISTEN_FAILED`. */
export function listenUri(uri: LinkUri, accept: (carrier: Carrier) => void): Promise<Listener> {
  const listen = REGISTRY.get(uri.scheme)?.listen;
  if (listen === undefined)
    return Promise.reject(new RatatoskError('SCHEME_UNKNOWN', `Cannot listen on ${uri.scheme}://`));
  return listen(uri, accept);
}
