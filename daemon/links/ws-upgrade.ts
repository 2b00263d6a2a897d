/** The handshake that makes a WebSocket of an HTTP connection (RFC 6455, section 4; section 2.6). */
import { createHash, randomBytes } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { watchAttempt } from './attempt.ts';
import type { LinkUri } from './link.ts';

/** From the connection, or its TLS, to the end of the upgrade, however busily it is filled. */
export const UPGRADE_TIMEOUT_MS = 5_000;

/** The sub-protocol token. */
const PROTOCOL = 'ygg-ws';
const VERSION = '13';
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The answer to a client that asks well, whether it is a peer or not. Undefined: this is no handshake. */
export function upgradeAnswer({ method, headers }: IncomingMessage): { text: string; isPeer: boolean } | undefined {
  const key = headers['sec-websocket-key'];
  const isWell = method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && key !== undefined;
  if (!isWell || !KEY.test(key) || headers['sec-websocket-version'] !== VERSION) return undefined;
  const offered = headers['sec-websocket-protocol']?.split(',').map((token) => token.trim()) ?? [];
  const isPeer = offered.includes(PROTOCOL);
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
    ...(isPeer ? [`Sec-WebSocket-Protocol: ${PROTOCOL}`] : []),
  ];
  return { text: `${lines.join('\r\n')}\r\n\r\n`, isPeer };
}

/**
 * Asks for the URI's own path and query, without our options: they may hold a password. `Host` goes without the port. Rejects
 * unless the other side takes our sub-protocol; whatever came behind its answer is the first that the socket reads.
 */
export function askForUpgrade(uri: LinkUri, socket: Socket, signal: AbortSignal): Promise<void> {
  const query = uri.otherQuery === '' ? '' : `?${uri.otherQuery}`;
  const key = randomBytes(16).toString('base64');
  const headers = {
    Host: uri.host.includes(':') ? `[${uri.host.split('%')[0]}]` : uri.host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': VERSION,
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Protocol': PROTOCOL,
  };
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const path = `${uri.path === '' ? '/' : uri.path}${query}`;
    const asked = request({ path, headers, createConnection: () => socket });
    const settle = watchAttempt({ what: 'the upgrade', limitMs: UPGRADE_TIMEOUT_MS, signal }, (why) => {
      asked.destroy(why);
      reject(why);
    });
    const fail = (error: Error): void => {
      settle();
      asked.destroy();
      reject(error);
    };
    asked.on('error', fail);
    asked.once('response', ({ statusCode }) => fail(new Error(`the server answered ${statusCode} to the upgrade`)));
    asked.once('upgrade', (answer, _, early) => {
      const problem = problemOf(answer, key);
      if (problem !== undefined) return fail(new Error(problem));
      settle();
      socket.pause();
      if (early.length > 0) socket.unshift(early);
      resolve();
    });
    asked.end();
  });
}

function problemOf({ headers }: IncomingMessage, key: string): string | undefined {
  const isOurs = headers.upgrade?.toLowerCase() === 'websocket' && headers['sec-websocket-accept'] === acceptOf(key);
  if (!isOurs) return 'the server does not know what a WebSocket is';
  if (headers['sec-websocket-extensions'] !== undefined) return 'the server wants an extension that nobody offered';
  const chosen = headers['sec-websocket-protocol'];
  if (chosen === undefined) return 'the server took no subprotocol: it is no peer';
  return chosen === PROTOCOL ? undefined : `the server took the subprotocol ${chosen}: it is no peer`;
}

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64');
}
