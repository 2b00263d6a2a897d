/** When the octets of a write are the caller's again. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** Octets of one write that a TLS socket may hold, encrypted, before the system has taken them. */
const ENCRYPTED_MAX = 65_536;

/**
 * Whether one write of `size` octets counts as taken. Of a plain socket when nothing of it waits. A TLS socket says only
 * in a later turn that the system has everything; but what it gets while nothing waits it encrypts, and so copies, at
 * once. Waiting a turn for each small write would cost more than the few octets it may keep.
 */
export function isTaken(socket: Socket, waitedBefore: number, size: number): boolean {
  if (socket.writableLength === 0) return true;
  return socket instanceof TLSSocket && waitedBefore === 0 && size <= ENCRYPTED_MAX;
}
