/** WebSocket (section 2.6). Over TLS it is only dialled: who listens has a reverse proxy before a plain listener. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Certificate } from './certificate.ts';
import { connectTcp } from './connect.ts';
import { acceptedFacts, remoteUri } from './facts.ts';
import type { Carrier, LinkKind, LinkUri } from './link.ts';
import { openServer } from './listen.ts';
import { isAllowedOrigin } from './origin.ts';
import { diallingContext, secure, serverName } from './secure.ts';
import { Strangers } from './strangers.ts';
import { PROTOCOL, UPGRADE_TIMEOUT_MS, WEB_SOCKET_OPTIONS, WebSocketCarrier } from './ws-carrier.ts';
import { upgraded } from './ws-dial.ts';

const CLOSE_POLICY = 1008;

export const ws: Required<LinkKind> = {
  async dial(uri, sourceInterface, signal) {
    return upgraded(uri, await connectTcp(uri, sourceInterface, signal), signal);
  },

  listen(uri, accept) {
    const strangers = new Strangers(UPGRADE_TIMEOUT_MS);
    const server = createServer({ noDelay: true }, answer);
    server.on('connection', (socket) => strangers.admit(socket));
    serveUpgrades(server, uri, accept, (socket) => strangers.becameLink(socket));
    return openServer(server, uri, { port: uri.port, host: uri.host }, () => {
      server.close();
      server.closeAllConnections();
    });
  },
};

/**
 * Never bound: the certificate is that of a web server, which stands before the node. Such servers may lack TLS 1.3, and
 * nothing rests on it here.
 */
export function wss(own: Certificate): Required<Pick<LinkKind, 'dial'>> {
  const context = diallingContext(own, 'TLSv1.2');
  return {
    async dial(uri, sourceInterface, signal) {
      const socket = await connectTcp(uri, sourceInterface, signal);
      return upgraded(uri, await secure(socket, context, serverName(uri), signal), signal);
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const isHealth = /^\/healthz?(?:\?|$)/.test(request.url ?? '');
  if (isHealth) response.writeHead(200, { Connection: 'close' }).end('OK');
  else response.writeHead(426, { Upgrade: 'websocket', Connection: 'close' }).end('Upgrade Required');
}

function serveUpgrades(
  server: Server,
  uri: LinkUri,
  accept: (carrier: Carrier) => void,
  becameLink: (socket: Socket) => void,
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
      becameLink(request.socket);
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
