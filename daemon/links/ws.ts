/** WebSocket: dialling and listening (section 2.6). */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { RatatoskError } from '../core/error.ts';
import { connectTcp } from './connect.ts';
import { acceptedFacts, dialledFacts, remoteUri } from './facts.ts';
import { Gate } from './gate.ts';
import type { Carrier, LinkKind, LinkUri } from './link.ts';
import { isAllowedOrigin } from './origin.ts';
import { listenerOf, listenFailed } from './tcp.ts';
import { WEB_SOCKET_OPTIONS, WebSocketCarrier } from './ws-carrier.ts';

const PROTOCOL = 'ygg-ws';
/** From the connection to the end of the upgrade, however busily it is filled. */
const UPGRADE_TIMEOUT_MS = 5_000;
const CLOSE_POLICY = 1008;

export const ws: LinkKind = {
  async dial(uri, sourceInterface, signal) {
    const socket = await connectTcp(uri, sourceInterface, signal);
    try {
      return new WebSocketCarrier(await upgrade(uri, socket, signal), socket, dialledFacts(uri));
    } catch (cause) {
      socket.destroy();
      throw new RatatoskError('DIAL_FAILED', cause instanceof Error ? cause.message : String(cause), { cause });
    }
  },

  listen(uri, accept) {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, answer);
      serveUpgrades(server, uri, accept, watchStrangers(server));
      server.once('error', (error) => reject(listenFailed(uri, error)));
      server.listen(uri.port, uri.host, () => {
        server.removeAllListeners('error');
        server.on('error', () => {});
        const { port } = server.address() as AddressInfo;
        const close = (): void => {
          server.close();
          server.closeAllConnections();
        };
        resolve(listenerOf(uri, port, close));
      });
    });
  },
};

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
    const giveUp = (why: string): void => {
      reject(new Error(why));
      client.terminate();
    };
    const late = (): void => giveUp(`the upgrade took longer than ${UPGRADE_TIMEOUT_MS / 1_000} s`);
    const abort = (): void => giveUp('the attempt was called off');
    const timer = setTimeout(late, UPGRADE_TIMEOUT_MS);
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    signal.addEventListener('abort', abort);
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

function answer(request: IncomingMessage, response: ServerResponse): void {
  const isHealth = /^\/healthz?(?:\?|$)/.test(request.url ?? '');
  if (isHealth) response.writeHead(200, { Connection: 'close' }).end('OK');
  else response.writeHead(426, { Upgrade: 'websocket', Connection: 'close' }).end('Upgrade Required');
}

/** Connections that are no links are few and live shortly. Returns what tells that one has become a link. */
function watchStrangers(server: Server): (socket: Duplex) => void {
  const gate = new Gate();
  const leaves = new Map<Duplex, () => void>();
  server.on('connection', (socket): void => {
    const host = socket.remoteAddress ?? '';
    if (gate.admit(host) !== undefined) return void socket.destroy();
    const timer = setTimeout(() => socket.destroy(), UPGRADE_TIMEOUT_MS);
    const leave = (): void => {
      if (!leaves.delete(socket)) return;
      clearTimeout(timer);
      gate.gone(host, false);
    };
    leaves.set(socket, leave);
    socket.once('close', leave);
  });
  return (socket) => leaves.get(socket)?.();
}

function serveUpgrades(
  server: Server,
  uri: LinkUri,
  accept: (carrier: Carrier) => void,
  becameLink: (socket: Duplex) => void,
): void {
  const upgrades = new WebSocketServer({
    ...WEB_SOCKET_OPTIONS,
    noServer: true,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    if (!isAllowedOrigin(request.headers, uri.options.origins)) return refuse(socket);
    upgrades.handleUpgrade(request, socket, head, (client) => {
      if (client.protocol !== PROTOCOL) {
        // What it still sends may be no WebSocket at all.
        client.on('error', () => {});
        return client.close(CLOSE_POLICY, 'client must speak the ygg-ws subprotocol');
      }
      becameLink(socket);
      const { remoteAddress, remotePort } = request.socket;
      const remote = remoteUri(uri.scheme, remoteAddress, remotePort);
      accept(new WebSocketCarrier(client, request.socket, acceptedFacts(uri, remote)));
    });
  });
}

function refuse(socket: Duplex): void {
  socket.once('finish', () => socket.destroy());
  socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}
