/** WebSocket (section 2.6). Over TLS it is only dialled: who listens has a reverse proxy before a plain listener. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { RatatoskError } from '../core/error.ts';
import { inBulk } from './bulk-socket.ts';
import type { Certificate } from './certificate.ts';
import { connectTcp } from './connect.ts';
import { acceptedFacts, dialledFacts, remoteUri } from './facts.ts';
import type { Carrier, LinkKind, LinkUri } from './link.ts';
import { openServer, TCP_OPTIONS } from './listen.ts';
import { isAllowedOrigin } from './origin.ts';
import { reasonOf } from './reason.ts';
import { diallingContext, secure, serverName } from './secure.ts';
import { Strangers } from './strangers.ts';
import { WebSocketCarrier } from './ws-carrier.ts';
import { closeFrame } from './ws-frames.ts';
import { askForUpgrade, UPGRADE_TIMEOUT_MS, upgradeServer } from './ws-upgrade.ts';

const CLOSE_POLICY = 1008;
/** Who is no peer gets so long to read that. */
const CLOSE_GRACE_MS = 1_000;

export const ws: Required<LinkKind> = {
  async dial(uri, sourceInterface, signal) {
    return upgraded(uri, await connectTcp(uri, sourceInterface, signal), signal, false);
  },

  listen(uri, accept) {
    const strangers = new Strangers(UPGRADE_TIMEOUT_MS);
    const server = createServer(TCP_OPTIONS, answer);
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
      return upgraded(uri, await secure(socket, context, serverName(uri), signal), signal, true);
    },
  };
}

/** The dialler's part. The socket ends with a failure. */
async function upgraded(uri: LinkUri, socket: Socket, signal: AbortSignal, isEncrypted: boolean): Promise<Carrier> {
  try {
    await askForUpgrade(uri, socket, signal);
  } catch (cause) {
    socket.destroy();
    throw new RatatoskError('DIAL_FAILED', reasonOf(cause), { cause });
  }
  return new WebSocketCarrier(inBulk(socket), dialledFacts(uri), { isClient: true, isEncrypted });
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
  const upgrade = upgradeServer();
  server.on('upgrade', (request, duplex, early) => {
    const { socket } = request;
    duplex.on('error', () => {});
    if (!isAllowedOrigin(request.headers, uri.options.origins)) return refuse(duplex);
    upgrade(request, early, (isPeer) => {
      if (!isPeer) return dismiss(socket);
      becameLink(socket);
      const facts = acceptedFacts(uri, remoteUri(uri.scheme, socket.remoteAddress, socket.remotePort));
      accept(new WebSocketCarrier(inBulk(socket), facts, { isClient: false, isEncrypted: false }));
    });
  });
}

function refuse(socket: Duplex): void {
  socket.once('finish', () => socket.destroy());
  socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}

/** It has its WebSocket, and is told at once that we have nothing to say to each other. What it still sends is nobody's. */
function dismiss(socket: Socket): void {
  socket.end(closeFrame(CLOSE_POLICY));
  const timer = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
}
