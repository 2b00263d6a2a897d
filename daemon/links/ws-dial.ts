/** The dialler's part of a WebSocket link, over whatever is connected (section 2.6). */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { RatatoskError } from '../core/error.ts';
import { watchAttempt } from './attempt.ts';
import { dialledFacts } from './facts.ts';
import type { Carrier, LinkUri } from './link.ts';
import { reasonOf } from './reason.ts';
import { PROTOCOL, UPGRADE_TIMEOUT_MS, WEB_SOCKET_OPTIONS, WebSocketCarrier } from './ws-carrier.ts';

/** The socket ends with a failure. */
export async function upgraded(uri: LinkUri, socket: Socket, signal: AbortSignal): Promise<Carrier> {
  try {
    return new WebSocketCarrier(await upgrade(uri, socket, signal), socket, dialledFacts(uri));
  } catch (cause) {
    socket.destroy();
    throw new RatatoskError('DIAL_FAILED', reasonOf(cause), { cause });
  }
}

/** The URI's own path and query, without our options: they may hold a password. `Host` goes without the port. */
function upgrade(uri: LinkUri, socket: Socket, signal: AbortSignal): Promise<WebSocket> {
  const query = uri.otherQuery === '' ? '' : `?${uri.otherQuery}`;
  const host = uri.host.includes(':') ? `[${uri.host.split('%')[0]}]` : uri.host;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const client = new WebSocket(`ws://${host}${uri.path === '' ? '/' : uri.path}${query}`, PROTOCOL, {
      ...WEB_SOCKET_OPTIONS,
      createConnection: () => socket,
    });
    const settle = watchAttempt({ what: 'the upgrade', limitMs: UPGRADE_TIMEOUT_MS, signal }, (why) => {
      reject(why);
      client.terminate();
    });
    client.on('error', (error) => {
      settle();
      reject(error);
    });
    client.once('open', () => {
      settle();
      client.pause();
      resolve(client);
    });
  });
}
