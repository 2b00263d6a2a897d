/**
 * TLS as links use it (section 2.5; link document, part C): certificates prove keys, and no authority is asked. What a
 * certificate says of names and dates is nobody's business.
 */
import { isIP, type Socket } from 'node:net';
import { connect, createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls';
import { RatatoskError } from '../core/error.ts';
import { type PublicKey, publicKey } from '../core/port.ts';
import { watchAttempt } from './attempt.ts';
import type { Certificate } from './certificate.ts';
import type { LinkUri } from './link.ts';
import { reasonOf } from './reason.ts';

export const TLS_TIMEOUT_MS = 10_000;

/** Without the list of the world's authorities: loading it takes long, and it is not used. */
const NO_AUTHORITIES: string[] = [];

/** `minVersion` is that of the peers of a kind: reverse proxies may lack 1.3. */
export function diallingContext(own: Certificate, minVersion: 'TLSv1.2' | 'TLSv1.3'): SecureContext {
  return createSecureContext({ cert: own.certificate, key: own.key, ca: NO_AUTHORITIES, minVersion });
}

/** Takes connections by its event `connection`. A certificate is asked for, and none is required. */
export function secureServer(own: Certificate, accept: (socket: TLSSocket) => void): Server {
  return createServer(
    {
      cert: own.certificate,
      key: own.key,
      ca: NO_AUTHORITIES,
      minVersion: 'TLSv1.3',
      requestCert: true,
      rejectUnauthorized: false,
    },
    accept,
  );
}

/** What the dialler asks for (section 2.5): a name, never an address. */
export function serverName({ options, target, host }: LinkUri): string | undefined {
  const name = target?.host ?? host;
  return options.sni ?? (isIP(name.split('%')[0] ?? '') === 0 ? name : undefined);
}

/** The client's part over a connected socket, which ends with a failure. */
export function secure(
  socket: Socket,
  secureContext: SecureContext,
  servername: string | undefined,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const client = connect({
      socket,
      secureContext,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(servername === undefined ? {} : { servername }),
    });
    const settle = watchAttempt({ what: 'the TLS handshake', limitMs: TLS_TIMEOUT_MS, signal }, (why) => {
      client.destroy(why);
    });
    // Stays: until a carrier listens, an error must find somebody.
    client.on('error', (cause) => {
      settle();
      socket.destroy();
      reject(new RatatoskError('DIAL_FAILED', reasonOf(cause), { cause }));
    });
    client.once('secureConnect', () => {
      settle();
      resolve(client);
    });
  });
}

/** The Ed25519 key that the other side has just proven to hold. Undefined: another kind of key, or no certificate. */
export function provenKey(socket: TLSSocket): PublicKey | undefined {
  const key = socket.getPeerX509Certificate()?.publicKey;
  if (key?.asymmetricKeyType !== 'ed25519') return undefined;
  const info = key.export({ format: 'der', type: 'spki' });
  return publicKey(Uint8Array.from(info.subarray(-32)));
}
