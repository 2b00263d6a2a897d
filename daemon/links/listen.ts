/** Opening a socket that takes connections, and saying what stands in the way. */
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { RatatoskError } from '../core/error.ts';
import { remoteUri } from './facts.ts';
import type { LinkUri, Listener } from './link.ts';

/**
 * Of every TCP socket that may become a link. An idle link carries nothing, so the kernel asks whether the other end is
 * still there: after 30 s, then every second, ten times.
 */
export const TCP_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 } as const;

/** A TCP listener. What connects is given away before anything has been read from it. */
export function listenTcp(uri: LinkUri, take: (socket: Socket) => void): Promise<Listener> {
  const server = createServer({ ...TCP_OPTIONS, pauseOnConnect: true }, take);
  return openServer(server, uri, { port: uri.port, host: uri.host }, () => server.close());
}

/**
 * Listens with any kind of server; rejects with `LISTEN_FAILED`. The listener shows the port that it really has. Its
 * links live on when it closes, and are not waited for: a server says that it is closed only when they have ended.
 */
export function openServer(server: Server, uri: LinkUri, at: ListenOptions, close: () => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenFailed(uri, error)));
    server.listen(at, () => {
      server.removeAllListeners('error');
      // A failed accept, such as for lack of descriptors, concerns that connection only.
      server.on('error', () => {});
      const address = server.address();
      const hasPort = typeof address === 'object' && address !== null;
      const shown = hasPort ? `${remoteUri(uri.scheme, uri.host, address.port)}${uri.path}` : uri.name;
      resolve({ uri: shown, close: async () => close() });
    });
  });
}

export function listenFailed(uri: LinkUri, error: NodeJS.ErrnoException): RatatoskError {
  return new RatatoskError('LISTEN_FAILED', `Cannot listen on ${uri.name}: ${remedyFor(uri, error)}`, { cause: error });
}

function remedyFor(uri: LinkUri, { code, message }: NodeJS.ErrnoException): string {
  const isFile = uri.scheme === 'unix';
  if (code === 'EADDRINUSE') return 'another process uses this port: stop it or choose another';
  if (code === 'EACCES') return isFile ? 'its folder is not there, or not ours' : 'ports below 1024 need root';
  if (code === 'EADDRNOTAVAIL') return 'no interface here has this address';
  return message;
}
