/**
 * What an operator should know who names keys for links that prove none: a greeting can be recorded and shown again, a
 * certificate cannot (link document, part C). The core holds such links back until the peer has signed something.
 */
import type { LinkFacts } from '../core/port.ts';
import type { LinkUri } from './link.ts';
import { KINDS } from './schemes.ts';

/** Of the node: whether `AllowedPublicKeys` names anybody, and `RequireBound`. */
export type KeyPolicy = { readonly hasAllowList: boolean; readonly requiresBound: boolean };

/** Of a peer or listener whose carrier never proves a key. */
export function unboundWarning(uri: LinkUri, purpose: 'dial' | 'listen', policy: KeyPolicy): string | undefined {
  if (KINDS.get(uri.scheme)?.isBindable === true) return undefined;
  if (policy.requiresBound) return `${uri.name}: RequireBound refuses every link over ${uri.scheme}://; use tls://`;
  const isPinned = uri.options.keys.length > 0;
  if (purpose === 'dial' ? !isPinned : !policy.hasAllowList) return undefined;
  const rule = purpose === 'dial' ? 'key=' : 'AllowedPublicKeys';
  return `${uri.name}: ${rule} is checked against what the other side claims; only over tls:// is it proven`;
}

/** Of a link that could have proven its key and has not: the other side's certificate is of another kind. */
export function unprovenWarning({ uri, pinnedKeys, boundKey }: LinkFacts): string | undefined {
  if (pinnedKeys.length === 0 || boundKey !== undefined) return undefined;
  const scheme = uri.slice(0, uri.indexOf('://')).toLowerCase();
  if (KINDS.get(scheme)?.isBindable !== true) return undefined;
  return `${uri}: key= is checked against what the other side claims; its certificate proves no key`;
}
