/** WebSocket: binary messages that together form one stream (section 2.6). */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { RatatoskError } from '../core/error.ts';
import type { LinkFacts } from '../core/port.ts';
import { connectTcp } from './connect.ts';
import { acceptedFacts, dialledFacts, remoteUri } from './facts.ts';
import type { Carrier, CarrierEvents, LinkKind, LinkUri } from './link.ts';
import { listenerOf, listenFailed } from './tcp.ts';

const PROTOCOL = 'ygg-ws';
/** One frame of the largest size and its length. */
const MESSAGE_MAX = 131_080;
/** Larger writes go as several messages. */
const MESSAGE_SENT = 65_536;
const UPGRADE_TIMEOUT_MS = 5_000;
const CLOSE_GRACE_MS = 1_000;

const CLOSE_NORMAL = 1000;
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_POLICY = 1008;

export const ws: LinkKind = {
  async dial(uri, sourceInterface, signal) {
    const socket = await connectTcp(uri, sourceInterface, signal);
    return new WebSocketCarrier(await upgrade(uri, socket, signal), dialledFacts(uri), socket.remoteAddress ?? '');
  },

  listen(uri, accept) {
    return new Promise((resolve, reject) => {
      const server = createServer(
        {
          headersTimeout: UPGRADE_TIMEOUT_MS,
          requestTimeout: UPGRADE_TIMEOUT_MS,
          connectionsCheckingInterval: 1_000,
          noDelay: true,
        },
        (request, response) => {
          const isHealth = request.url === '/health' || request.url === '/healthz';
          if (isHealth) response.end('OK');
          else response.writeHead(426, { Upgrade: 'websocket', Connection: 'close' }).end('Upgrade Required');
        },
      );
      serveUpgrades(server, uri, accept);
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
    const client = new WebSocket(`ws://${host}${uri.path === '' ? '/' : uri.path}${query}`, PROTOCOL, {
      perMessageDeflate: false,
      handshakeTimeout: UPGRADE_TIMEOUT_MS,
      maxPayload: MESSAGE_MAX,
      createConnection: () => socket,
    });
    const abort = (): void => client.terminate();
    signal.addEventListener('abort', abort);
    client.once('error', (error) => {
      signal.removeEventListener('abort', abort);
      reject(new RatatoskError('DIAL_FAILED', error.message, { cause: error }));
    });
    client.once('open', () => {
      signal.removeEventListener('abort', abort);
      client.removeAllListeners('error');
      client.pause();
      resolve(client);
    });
  });
}

function serveUpgrades(server: Server, uri: LinkUri, accept: (carrier: Carrier) => void): void {
  const upgrades = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MESSAGE_MAX,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    if (!isAllowedOrigin(request, uri.options.origins)) return refuse(socket);
    upgrades.handleUpgrade(request, socket, head, (client) => {
      if (client.protocol !== PROTOCOL) return client.close(CLOSE_POLICY, 'client must speak the ygg-ws subprotocol');
      const { remoteAddress, remotePort } = request.socket;
      const remote = remoteUri(uri.scheme, remoteAddress, remotePort);
      client.pause();
      accept(new WebSocketCarrier(client, acceptedFacts(uri, remote), remoteAddress ?? ''));
    });
  });
}

/** Browsers send an origin; only those of our own host, or of hosts that the listener names, may connect. */
function isAllowedOrigin({ headers }: IncomingMessage, patterns: readonly string[]): boolean {
  if (headers.origin === undefined) return true;
  let host: string;
  try {
    host = new URL(headers.origin).host;
  } catch {
    return false;
  }
  return (
    host.toLowerCase() === headers.host?.toLowerCase() || patterns.some((pattern) => matchesPattern(host, pattern))
  );
}

/** Shell patterns with `*` and `?`, case ignored; written without a regular expression, since both sides are text of others. */
export function matchesPattern(text: string, pattern: string): boolean {
  const [a, p] = [text.toLowerCase(), pattern.toLowerCase()];
  let at = 0;
  let from = 0;
  let star = -1;
  let mark = 0;
  while (at < a.length) {
    if (from < p.length && (p[from] === '?' || p[from] === a[at]) && p[from] !== '*') {
      at++;
      from++;
    } else if (p[from] === '*') {
      star = from++;
      mark = at;
    } else if (star >= 0) {
      from = star + 1;
      at = ++mark;
    } else return false;
  }
  while (p[from] === '*') from++;
  return from === p.length;
}

function refuse(socket: Duplex): void {
  socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}

class WebSocketCarrier implements Carrier {
  readonly facts: LinkFacts;
  readonly remoteHost: string;
  readonly #client: WebSocket;
  #events: CarrierEvents | undefined;
  #isHeld = false;
  #isClosed = false;
  #reason: string | undefined;

  constructor(client: WebSocket, facts: LinkFacts, remoteHost: string) {
    this.#client = client;
    this.facts = facts;
    this.remoteHost = remoteHost;
    client.on('error', (error) => {
      this.#reason = error.message;
    });
  }

  start(events: CarrierEvents): void {
    this.#events = events;
    this.#client.on('message', (data, isBinary) => {
      if (this.#isClosed) return;
      if (isBinary) return events.bytes(data as Buffer);
      this.#reason = 'the other side sent text';
      this.#client.close(CLOSE_UNSUPPORTED);
    });
    this.#client.once('close', (code) => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      events.closed(
        this.#reason ?? (code === CLOSE_NORMAL ? 'the other side closed the connection' : `closed with code ${code}`),
      );
    });
    this.#client.resume();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#client.readyState !== WebSocket.OPEN) return true;
    for (let at = 0; at < bytes.length; at += MESSAGE_SENT) {
      this.#client.send(bytes.subarray(at, at + MESSAGE_SENT), { binary: true }, this.#written);
    }
    this.#isHeld = this.#client.bufferedAmount > 0;
    return !this.#isHeld;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#client.close(CLOSE_NORMAL);
    const timer = setTimeout(() => this.#client.terminate(), CLOSE_GRACE_MS);
    this.#client.once('close', () => clearTimeout(timer));
    this.#client.resume();
  }

  readonly #written = (): void => {
    if (!this.#isHeld || this.#client.bufferedAmount > 0) return;
    this.#isHeld = false;
    if (!this.#isClosed) this.#events?.writable();
  };
}
