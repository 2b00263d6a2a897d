/**
 * The handshake that makes a WebSocket of an HTTP connection (RFC 6455, section 4; section 2.6). `ws` does it, at both ends,
 * and hands the connection over when both have agreed: the frames are ours.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { watchAttempt } from './attempt.ts';
import type { LinkUri } from './link.ts';

/** From the connection, or its TLS, to the end of the upgrade, however busily it is filled. */
export const UPGRADE_TIMEOUT_MS = 5_000;

/** The sub-protocol token. */
const PROTOCOL = 'ygg-ws';

/** Where `ws` would begin with frames it lets go of the connection. */
class Agreement extends WebSocket {
  setSocket(socket: Socket, early: Uint8Array): void {
    socket.removeAllListeners('data');
    socket.pause();
    if (early.length > 0) socket.unshift(early);
    this.emit('open');
  }
}

/** Answers clients that ask well. `agreed` is told of each, and whether it is a peer or just some WebSocket. */
export function upgradeServer(): (request: IncomingMessage, early: Buffer, agreed: (isPeer: boolean) => void) => void {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    WebSocket: Agreement,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  return (request, early, agreed) => {
    server.handleUpgrade(request, request.socket, early, (client) => agreed(client.protocol === PROTOCOL));
  };
}

/**
 * Asks for the URI's own path and query, without our options: they may hold a password. `Host` goes without the port. Rejects
 * unless the other side takes our sub-protocol; whatever came behind its answer is the first that the socket reads.
 */
export function askForUpgrade(uri: LinkUri, socket: Socket, signal: AbortSignal): Promise<void> {
  const query = uri.otherQuery === '' ? '' : `?${uri.otherQuery}`;
  const host = uri.host.includes(':') ? `[${uri.host.split('%')[0]}]` : uri.host;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const client = new Agreement(`ws://${host}${uri.path === '' ? '/' : uri.path}${query}`, PROTOCOL, {
      perMessageDeflate: false,
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
      resolve();
    });
  });
}
