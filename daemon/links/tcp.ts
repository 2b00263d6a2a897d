/** Plain TCP. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { RatatoskError } from '../core/error.ts';
import type { LinkFacts } from '../core/port.ts';
import { connectTcp } from './connect.ts';
import { acceptedFacts, dialledFacts, remoteUri } from './facts.ts';
import type { Carrier, CarrierEvents, LinkKind, LinkUri, Listener } from './link.ts';

/** What was written still gets this long to leave. */
const CLOSE_GRACE_MS = 1_000;

export const tcp: LinkKind = {
  async dial(uri, sourceInterface, signal) {
    return new SocketCarrier(await connectTcp(uri, sourceInterface, signal), dialledFacts(uri));
  },

  listen(uri, accept) {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
        const remote = remoteUri(uri.scheme, socket.remoteAddress, socket.remotePort);
        accept(new SocketCarrier(socket, acceptedFacts(uri, remote)));
      });
      server.once('error', (error) => reject(listenFailed(uri, error)));
      server.listen(uri.port, uri.host, () => {
        server.removeAllListeners('error');
        // A failed accept, such as for lack of descriptors, concerns that connection only.
        server.on('error', () => {});
        const { port } = server.address() as AddressInfo;
        resolve(listenerOf(uri, port, () => server.close()));
      });
    });
  },
};

/** A connected TCP socket, or any socket that behaves like one. */
export class SocketCarrier implements Carrier {
  readonly facts: LinkFacts;
  readonly remoteHost: string;
  readonly localHost: string;
  readonly #socket: Socket;
  #events: CarrierEvents | undefined;
  #isHeld = false;
  #isClosed = false;
  #reason = 'the other side closed the connection';

  constructor(socket: Socket, facts: LinkFacts) {
    this.#socket = socket;
    this.facts = facts;
    this.remoteHost = socket.remoteAddress ?? '';
    this.localHost = socket.localAddress ?? '';
    socket.pause();
    // Before `start` an error shows as a closed socket; a later one gives the reason.
    socket.on('error', (error) => {
      this.#reason = error.message;
    });
  }

  start(events: CarrierEvents): void {
    this.#events = events;
    if (this.#socket.destroyed) return queueMicrotask(() => this.#ended());
    this.#socket.on('data', (chunk) => {
      if (!this.#isClosed) events.bytes(chunk);
    });
    this.#socket.once('close', () => this.#ended());
    // Who has ended its half may read no more: what is still held would keep the link.
    this.#socket.once('end', () => {
      if (!this.#isClosed) this.#socket.destroy();
    });
    this.#socket.resume();
  }

  /** The system often takes all of it at once; then nothing is left in the socket when `write` returns. */
  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#socket.destroyed) return true;
    this.#socket.write(bytes, this.#written);
    this.#isHeld = this.#socket.writableLength > 0;
    return !this.#isHeld;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_GRACE_MS);
    this.#socket.once('close', () => clearTimeout(timer));
    // Until it is closed what still comes in is read and thrown away, or the close would wait for it.
    this.#socket.resume();
  }

  /** Also called, later, for writes that failed or that were taken at once: the latter leave a newer one in the socket. */
  readonly #written = (): void => {
    if (!this.#isHeld || this.#socket.writableLength > 0 || this.#socket.destroyed) return;
    this.#isHeld = false;
    if (!this.#isClosed) this.#events?.writable();
  };

  #ended(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events?.closed(this.#reason);
  }
}

export function listenFailed(uri: LinkUri, error: NodeJS.ErrnoException): RatatoskError {
  const remedy =
    error.code === 'EADDRINUSE'
      ? 'another process uses this port: stop it or choose another'
      : error.code === 'EACCES'
        ? 'ports below 1024 need root'
        : error.code === 'EADDRNOTAVAIL'
          ? 'no interface here has this address'
          : error.message;
  return new RatatoskError('LISTEN_FAILED', `Cannot listen on ${uri.name}: ${remedy}`, { cause: error });
}

/**
 * A listener that shows the port it really has. Its links live on when it closes, and are not waited for: a server says
 * that it is closed only when they have ended.
 */
export function listenerOf(uri: LinkUri, port: number, close: () => void): Listener {
  return {
    uri: `${remoteUri(uri.scheme, uri.host, port)}${uri.path}`,
    close: async () => close(),
  };
}
