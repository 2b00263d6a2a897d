/**
 * One daemon for one key: two would take each other's place in the tree again and again. The mark is a UNIX socket that
 * lives as long as the daemon: a crash leaves a file nobody answers on, which the next start may remove.
 */
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { RatatoskError } from '../core/error.ts';
import { hexText } from './address.ts';

/** Section 7.1: a file on which nobody answers within this time is stale. */
const ANSWER_LIMIT_MS = 2_000;

export type Mark = { release(): void };

/** Throws `KEY_IN_USE` if a daemon with this key runs on this machine. */
export async function markInstance(folder: string, publicKey: Uint8Array): Promise<Mark> {
  const path = join(folder, `key-${hexText(publicKey.subarray(0, 8))}.lock`);
  await removeStaleSocket(path, (owner) => {
    const remedy = 'stop that one first, or give this one a configuration of its own';
    return new RatatoskError('KEY_IN_USE', `a daemon with the same key runs already (${owner}): ${remedy}`);
  });
  const server = createServer((socket) => socket.destroy());
  await listenUnix(server, path, 0o600);
  server.unref();
  return {
    release: () => {
      server.close();
      rmSync(path, { force: true });
    },
  };
}

/** Makes way for a socket at `path`. What is no socket, or is answered, stays and ends in an error. */
export async function removeStaleSocket(path: string, taken: (path: string) => RatatoskError): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) {
    throw new RatatoskError('SOCKET_PATH', `${path}: a socket is wanted here, but something else has this name`);
  }
  if (await isAnswered(path)) throw taken(path);
  rmSync(path, { force: true });
}

/** Listens with the file's mode right from the first moment, and makes the folder if it lacks. */
export async function listenUnix(server: Server, path: string, mode: number): Promise<void> {
  const isAbstract = path.startsWith('\0');
  if (!isAbstract) makeFolder(path);
  const before = process.umask(0o777 & ~mode);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path }, () => {
        server.removeListener('error', reject);
        resolve();
      });
      // The file is made within `listen`; files of others must not be made with our mask.
      process.umask(before);
    });
    if (!isAbstract) chmodSync(path, mode);
  } catch (cause) {
    process.umask(before);
    throw socketError(path, cause);
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: process.geteuid?.() === 0 ? 0o755 : 0o700 });
  } catch (cause) {
    throw socketError(path, cause);
  }
}

function socketError(path: string, cause: unknown): RatatoskError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  const remedy = code === 'EACCES' ? ': no right to make it there; run as root or choose another path' : `: ${code}`;
  return new RatatoskError('SOCKET_LISTEN', `cannot listen on ${path.replace('\0', '@')}${remedy}`, { cause });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_LIMIT_MS, () => settle(false));
    socket.on('connect', () => settle(true));
    // Refused: nobody listens. Anything else, such as a full queue or a lack of rights, means that somebody may.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}
