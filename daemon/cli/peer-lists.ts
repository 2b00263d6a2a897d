/** Peer URIs out of whatever people publish them in: plain text, Markdown, HTML, JSON. */
import { KINDS } from '../links/schemes.ts';
import { parseUri } from '../links/uri.ts';

/** Public lists have some hundreds. */
const CANDIDATES_MAX = 2_000;
export const LIST_MAX_OCTETS = 4 * 1024 * 1024;
/** Measured by a connection and the other side's greeting, which these have. */
const MEASURED = ['tcp', 'tls', 'ws', 'wss'];
const FORM = /\b([a-z]{2,8}):\/\/(?:\[[0-9a-fA-F:.%]+\]|[\w.-]+)(?::\d{1,5})?(?:[/?][\w.~%/?&=+:;-]*)?/gi;

export type PeerList = {
  /** Each once, in the order in which they were found. */
  readonly uris: readonly string[];
  /** Scheme → how many were passed over: other links, or nothing that we know. */
  readonly skipped: ReadonlyMap<string, number>;
};

export function peersIn(text: string): PeerList {
  const plain = text.replaceAll('\\/', '/').replace(/&amp;/g, '&');
  const found = new Map<string, string>();
  const skipped = new Map<string, number>();
  const others = new Set<string>();
  for (const [match, scheme = ''] of plain.matchAll(FORM)) {
    // The end of a sentence is not the end of a URI.
    const uri = match.replace(/[.,;:?&-]+$/, '');
    const name = MEASURED.includes(scheme.toLowerCase()) ? nameOf(uri) : undefined;
    if (name !== undefined && found.size < CANDIDATES_MAX) {
      if (!found.has(name)) found.set(name, uri);
    } else if (isLink(scheme) && !others.has(uri)) {
      others.add(uri);
      skipped.set(scheme.toLowerCase(), (skipped.get(scheme.toLowerCase()) ?? 0) + 1);
    }
  }
  return { uris: [...found.values()], skipped };
}

/** Links of web pages are no peers, and nobody misses them. */
function isLink(scheme: string): boolean {
  return [...KINDS.keys(), 'quic'].includes(scheme.toLowerCase());
}

function nameOf(uri: string): string | undefined {
  try {
    return parseUri(uri, 'dial').name;
  } catch {
    return undefined;
  }
}
