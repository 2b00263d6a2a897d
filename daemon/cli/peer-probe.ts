/**
 * How far a peer is: the time until it is connected, and from then until its greeting is here, which it sends unasked (section
 * 2.3). Nothing is said to it but what TLS and WebSocket need, so it learns no key and gets no link.
 */
import { randomBytes } from 'node:crypto';
import { RatatoskError } from '../core/error.ts';
import { identityCertificate } from '../links/certificate.ts';
import type { Carrier } from '../links/link.ts';
import { type Links, openLinks } from '../links/registry.ts';
import { parseUri } from '../links/uri.ts';
import {
  GREETING_HEADER,
  GREETING_MAX,
  greetingSize,
  readGreeting,
  VERSION_MAJOR,
  VERSION_MINOR,
} from '../wire/greeting.ts';

export type Probe = {
  /** Milliseconds; with names, TLS and WebSockets as they are. */
  readonly connectMs: number;
  /** About one round trip. */
  readonly greetingMs: number;
  readonly key: Uint8Array;
};

/** For one run: a certificate of an identity that is used for nothing else. */
export function probingLinks(): Links {
  return openLinks({
    certificate: identityCertificate(randomBytes(32), Date.now()),
    makeWay: () => Promise.reject(new RatatoskError('LISTEN_FAILED', 'nothing listens here')),
  });
}

/** Rejects with what an operator can read. */
export async function probePeer(links: Links, uri: string, timeoutMs: number): Promise<Probe> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), timeoutMs);
  try {
    const startMs = performance.now();
    const carrier = await links.dial(parseUri(uri, 'dial'), '', end.signal);
    const connectMs = performance.now() - startMs;
    const key = await greetingOf(carrier, end.signal);
    return { connectMs, greetingMs: performance.now() - startMs - connectMs, key };
  } catch (error) {
    if (end.signal.aborted)
      throw new RatatoskError('DIAL_FAILED', `no answer within ${timeoutMs / 1000} s`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Its key; closes the carrier. */
function greetingOf(carrier: Carrier, signal: AbortSignal): Promise<Uint8Array> {
  let octets = new Uint8Array(0);
  return new Promise<Uint8Array>((resolve, reject) => {
    const fail = (problem: string): void => reject(new RatatoskError('DIAL_FAILED', problem));
    signal.addEventListener('abort', () => fail('no greeting'), { once: true });
    if (signal.aborted) fail('no greeting');
    carrier.start({
      bytes: (more) => {
        octets = Uint8Array.from([...octets, ...more.subarray(0, GREETING_MAX)]);
        const size = octets.length < GREETING_HEADER ? 0 : greetingSize(octets);
        if (size === undefined || size > GREETING_MAX)
          return fail('what answers there is no Yggdrasil or Ratatosk node');
        if (size === 0 || octets.length < size) return;
        const greeting = readGreeting(octets.subarray(0, size));
        if (greeting?.key === undefined) return fail('its greeting is malformed');
        const { major, minor, key } = greeting;
        if (major !== VERSION_MAJOR || minor !== VERSION_MINOR)
          return fail(`it speaks version ${major}.${minor}, not 0.5`);
        resolve(Uint8Array.from(key));
      },
      writable: () => undefined,
      closed: (reason) => fail(`it closed the connection: ${reason}`),
    });
  }).finally(() => carrier.close());
}
