import { type DialFacts, type LinkFacts, type PublicKey, publicKey } from '../core/port.ts';
import type { LinkUri } from './link.ts';

/**
 * Of a link that we dialled: the operator wanted it, unless discovery did. `boundKey` is what the carrier has proven of
 * the other side.
 */
export function dialledFacts(uri: LinkUri, boundKey?: PublicKey): LinkFacts {
  return {
    ...common(uri, boundKey),
    uri: uri.name,
    isInbound: false,
    isConfigured: uri.isDiscovered !== true,
    pinnedKeys: uri.options.keys.map(publicKey),
  };
}

/** Of a link that came in on a listener, from `remote` as a URI. */
export function acceptedFacts(uri: LinkUri, remote: string, boundKey?: PublicKey): LinkFacts {
  return { ...common(uri, boundKey), uri: remote, isInbound: true, isConfigured: false, pinnedKeys: [] };
}

/** Of a datagram link that the operator wants, to the owner of this key. */
export function wishFacts(uri: LinkUri, key: Uint8Array, psk: Uint8Array): DialFacts {
  const { priority, cost } = uri.options;
  return {
    uri: uri.name,
    key: publicKey(key),
    psk,
    priority,
    cost,
    isConfigured: true,
    isExemptFromAllowList: false,
    attempts: 0,
  };
}

/** `scheme://address:port`, with brackets where they belong. */
export function remoteUri(scheme: string, address = '', port = 0): string {
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function common(
  uri: LinkUri,
  boundKey: PublicKey | undefined,
): Pick<LinkFacts, 'password' | 'priority' | 'cost' | 'isExemptFromAllowList' | 'boundKey'> {
  const { password, priority, cost } = uri.options;
  return { password, priority, cost, isExemptFromAllowList: uri.isDiscovered === true, boundKey };
}
