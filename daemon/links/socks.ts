/** Through a SOCKS5 proxy, with and without TLS inside: `socks://user:password@proxy:port/host:port`. */
import type { Socket } from 'node:net';
import { RatatoskError } from '../core/error.ts';
import { inBulk } from './bulk-socket.ts';
import type { Certificate } from './certificate.ts';
import { connectTcp, isForbidden } from './connect.ts';
import { dialledFacts } from './facts.ts';
import type { LinkKind, LinkUri } from './link.ts';
import { reasonOf } from './reason.ts';
import { diallingContext, secure, serverName } from './secure.ts';
import { secureCarrier } from './secure-carrier.ts';
import { SocketCarrier } from './socket-carrier.ts';
import { askProxy } from './socks5.ts';

export const socks: LinkKind = {
  async dial(uri, sourceInterface, signal) {
    return new SocketCarrier(inBulk(await connectThrough(uri, sourceInterface, signal)), dialledFacts(uri));
  },
};

export function socksTls(own: Certificate): LinkKind {
  const context = diallingContext(own, 'TLSv1.3');
  return {
    async dial(uri, sourceInterface, signal) {
      const socket = await connectThrough(uri, sourceInterface, signal);
      const secured = await secure(socket, context, serverName(uri), signal);
      return secureCarrier(secured, socket, (key) => dialledFacts(uri, key));
    },
  };
}

async function connectThrough(uri: LinkUri, sourceInterface: string, signal: AbortSignal): Promise<Socket> {
  const { target, user } = uri;
  if (target === undefined) throw new RatatoskError('DIAL_FAILED', `${uri.name} names nobody behind the proxy`);
  if (isForbidden(target.host)) throw new RatatoskError('DIAL_FAILED', `${target.host} is no address for a link`);
  const socket = await connectTcp(uri, sourceInterface, signal);
  try {
    await askProxy(socket, target, user, signal);
  } catch (cause) {
    throw new RatatoskError('DIAL_FAILED', reasonOf(cause), { cause });
  }
  return socket;
}
