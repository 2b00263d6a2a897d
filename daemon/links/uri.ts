import { RatatoskError } from '../core/error.ts';
import type { LinkUri } from './link.ts';
export function parseUri(text: string, _purpose: 'dial' | 'listen'): LinkUri {
  const url = new URL(text.replace(/^(tcp|ws):/, 'http:'));
  const scheme = text.slice(0, text.indexOf(':'));
  const q = url.searchParams;
  if (scheme !== 'tcp') throw new RatatoskError('SCHEME_UNKNOWN', text);
  return { scheme, host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port), path: '', name: text.split('?')[0] as string,
    options: { keys: q.getAll('key').map((k) => Uint8Array.from(Buffer.from(k, 'hex'))), priority: Number(q.get('priority') ?? 0), password: new TextEncoder().encode(q.get('password') ?? ''), sni: undefined, maxBackoffMs: q.get('maxbackoff') ? 5000 : undefined, origins: [] } };
}
