import type { Carrier, Listener, LinkUri } from './link.ts';
import { tcp } from './tcp.ts';
export function dialUri(uri: LinkUri, sourceInterface: string, signal: AbortSignal): Promise<Carrier> {
  return tcp.dial!(uri, sourceInterface, signal);
}
export function listenUri(uri: LinkUri, accept: (carrier: Carrier) => void): Promise<Listener> {
  return tcp.listen!(uri, accept);
}
