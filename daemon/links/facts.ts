import { type LinkFacts, publicKey } from '../core/port.ts';
import type { LinkUri } from './link.ts';

/** Of a link that we dialled: the operator wanted it. */
export function dialledFacts(uri: LinkUri): LinkFacts {
  return {
    ...common(uri),
    uri: uri.name,
    isInbound: false,
    isConfigured: true,
    pinnedKeys: uri.options.keys.map(publicKey),
  };
}

/** Of a link that came in on a listener, from `remote` as a URI. */
export function acceptedFacts(uri: LinkUri, remote: string): LinkFacts {
  return { ...common(uri), uri: remote, isInbound: true, isConfigured: false, pinnedKeys: [] };
}

/** `scheme://address:port`, with brackets where they belong. */
export function remoteUri(scheme: string, address = '', port = 0): string {
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function common(uri: LinkUri): Pick<LinkFacts, 'password' | 'priority' | 'cost' | 'isExemptFromAllowList'> {
  const { password, priority, cost } = uri.options;
  return { password, priority, cost, isExemptFromAllowList: false };
}
