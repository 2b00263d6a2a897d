/**
 * Stream sockets in the file system, `unix:///path`. The file gets the mode that the process' mask leaves, as
 * Yggdrasil's does: who may write to it may connect.
 */
import { connect, createServer, type Socket } from 'node:net';
import { RatatoskError } from '../core/error.ts';
import { watchAttempt } from './attempt.ts';
import { inBulk } from './bulk-socket.ts';
import { acceptedFacts, dialledFacts } from './facts.ts';
import type { LinkKind, LinkUri } from './link.ts';
import { listenFailed, openServer } from './listen.ts';
import { SocketCarrier } from './socket-carrier.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** `makeWay` removes a socket on which nobody answers, and rejects if somebody does or if it is something else. */
export function unix(makeWay: (path: string) => Promise<void>): LinkKind {
  return {
    async dial(uri, _sourceInterface, signal) {
      return new SocketCarrier(inBulk(await connectUnix(uri, signal)), dialledFacts(uri));
    },

    async listen(uri, accept) {
      await makeWay(uri.path).catch((error: Error) => {
        throw listenFailed(uri, error);
      });
      const server = createServer({ pauseOnConnect: true }, (socket) => {
        accept(new SocketCarrier(inBulk(socket), acceptedFacts(uri, uri.name)));
      });
      return openServer(server, uri, { path: uri.path }, () => server.close());
    },
  };
}

function connectUnix(uri: LinkUri, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: uri.path });
    const settle = watchAttempt({ what: 'connecting', limitMs: CONNECT_TIMEOUT_MS, signal }, (why) => {
      socket.destroy(why);
    });
    // Stays: until a carrier listens, an error must find somebody.
    socket.on('error', (cause) => {
      settle();
      reject(new RatatoskError('DIAL_FAILED', cause.message, { cause }));
    });
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
  });
}
