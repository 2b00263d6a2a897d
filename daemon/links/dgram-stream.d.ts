/** The package has no types of its own. Written are `{ payload, to }`, read `{ payload, from }`. */
declare module 'dgram-stream' {
  import type { Socket } from 'node:dgram';
  import { Duplex } from 'node:stream';

  class DgramStream extends Duplex {
    constructor(socket: Socket);
  }
  export = DgramStream;
}
