/** What the addon does with a connected socket of Node's, past Node. */
import type { Socket } from 'node:net';
import { loadAddon } from '../../native-bindings/addon.ts';

const addon = loadAddon();

/** That of a socket, of TLS that of the connection below it; -1: it has none. */
export function descriptorOf(socket: Socket): number {
  // Node shows the descriptor there, and nowhere else.
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null };
  return handle?.fd ?? -1;
}

/**
 * Gives octets to the system at once and says how many it has taken; only while nothing waits in the socket. What Node does
 * for a write (a request, two ticks, a callback) takes longer than the system call, and has to be compiled first.
 */
export function sendNowOf(socket: Socket): (bytes: Uint8Array) => number {
  const descriptor = descriptorOf(socket);
  if (addon === undefined || descriptor < 0) return () => 0;
  return (bytes) => addon.sendNow(descriptor, bytes);
}
