/**
 * A connected socket that reads into one buffer for ever. Node otherwise makes a buffer of 64 KiB for every read, and at
 * gigabits the garbage collector then takes as long as the cipher.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';
import { TLSSocket } from 'node:tls';

/** One for the thread: what was read is used up before anybody reads again. A power of two that holds several frames. */
const READ_BUFFER = Buffer.allocUnsafeSlow(256 * 1024);

type Handled = Socket & { _handle: unknown };
type HandleOptions = SocketConstructorOpts & {
  handle: unknown;
  onread: { buffer: Uint8Array; callback: (size: number) => boolean };
};

/**
 * Takes the connection over from `socket`, which ends without a trace; it must not have begun to flow. The new one is
 * paused, and is used like any other, but the octets of a 'data' event last only until the listener returns. (Sockets that
 * are dialled can be told so when they are made, those of a server cannot; both own their connection in the same field.)
 */
export function inBulk(socket: Socket): Socket {
  const owner = socket as Handled;
  const { _handle: handle } = owner;
  if (handle === null || handle === undefined) return socket;
  const early: unknown = socket.read();
  owner._handle = null;
  // TLS ends with the connection below it, and not before: its state lives there.
  if (!(socket instanceof TLSSocket)) socket.destroy();
  const callback = (size: number): boolean => {
    bulk.emit('data', READ_BUFFER.subarray(0, size));
    return true;
  };
  const options: HandleOptions = { handle, onread: { buffer: READ_BUFFER, callback } };
  const bulk: Socket = new Socket(options);
  bulk.pause();
  if (early !== null) bulk.unshift(early);
  return bulk;
}
