/** Link kinds as the daemon opens them, each node with its own certificate. */

import { RatatoskError } from '../../daemon/core/error.ts';
import { removeStaleSocket } from '../../daemon/host/instance.ts';
import { identityCertificate } from '../../daemon/links/certificate.ts';
import { type Links, openLinks } from '../../daemon/links/registry.ts';
import { UNIX_MS } from './core.ts';

export function linksOf(seed: Uint8Array): Links {
  return openLinks({
    certificate: identityCertificate(seed, UNIX_MS),
    makeWay: (path) =>
      removeStaleSocket(path, () => new RatatoskError('SOCKET_TAKEN', 'another process answers there')),
  });
}

/** The same node at both ends: carriers do not mind. */
export const links = linksOf(new Uint8Array(32).fill(7));
