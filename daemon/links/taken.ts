/** When the octets of a write are the caller's again. */
import type { Socket } from 'node:net';

/** Octets of one write that a TLS socket may hold, encrypted, before the system has them: all that the core writes at once. */
const ENCRYPTED_MAX = 262_144;

/**
 * Whether one write of `size` octets counts as taken. Of a plain socket when nothing of it waits. TLS says only in a later
 * turn that the system has everything; but what it gets while nothing waits it encrypts, and so copies, at once. Waiting
 * a turn for each write would leave the next packets of that turn to the queue.
 */
export function isTaken(socket: Socket, waitedBefore: number, size: number, isEncrypted: boolean): boolean {
  return socket.writableLength === 0 || (isEncrypted && waitedBefore === 0 && size <= ENCRYPTED_MAX);
}
