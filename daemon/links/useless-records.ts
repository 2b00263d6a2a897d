/** TLS records that carry no message: KeyUpdate costs time, and memory where nobody takes the answer. Node bounds neither. */
import type { Socket } from 'node:net';

/**
 * Octets of such records in the life of a connection. Honest ones have 22 in 2^24 records; what has come in and is not
 * read yet looks the same, and is less than half of it.
 */
const USELESS_MAX = 262_144;
/** What TLS 1.3 adds to each record: header, kind, tag. OpenSSL hands over one record at a time. */
const RECORD_OVERHEAD = 22;
const LOOK_MS = 1_000;

/** Ends the connection that brings more. `raw` is what TLS runs over; `socket` is paused, and nothing was read from it. */
export function boundUselessRecords(socket: Socket, raw: Socket): void {
  const start = raw.bytesRead;
  let useful = 0;
  socket.on('data', (octets: Uint8Array) => {
    useful += octets.length + RECORD_OVERHEAD;
  });
  let timer = setTimeout(look, LOOK_MS);
  socket.once('close', () => clearTimeout(timer));

  function look(): void {
    if (socket.destroyed) return;
    if (raw.bytesRead - start - useful <= USELESS_MAX) timer = setTimeout(look, LOOK_MS);
    else socket.destroy(new Error('too many TLS records without a message'));
  }
}
