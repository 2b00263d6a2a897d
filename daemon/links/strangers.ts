/** Connections to a listener that are no links yet: few, and living shortly. */
import type { Socket } from 'node:net';
import { Gate } from './gate.ts';

export class Strangers {
  readonly #gate = new Gate();
  readonly #limitMs: number;
  readonly #entries = new Map<string, { socket: Socket; leave: () => void }>();

  /** `limitMs` is the longest that a stranger may take to become a link, however busy it is. */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** False: there are too many, and the connection has been ended. */
  admit(socket: Socket): boolean {
    const host = socket.remoteAddress;
    // Without an address it has ended already.
    if (host === undefined || this.#gate.admit(host) !== undefined) {
      socket.destroy();
      return false;
    }
    const name = nameOf(socket);
    const timer = setTimeout(() => socket.destroy(), this.#limitMs);
    let isHere = true;
    const leave = (): void => {
      if (!isHere) return;
      isHere = false;
      clearTimeout(timer);
      this.#gate.gone(host, false);
      if (this.#entries.get(name)?.leave === leave) this.#entries.delete(name);
    };
    this.#entries.set(name, { socket, leave });
    socket.once('close', leave);
    return true;
  }

  /**
   * It is a link now. The socket may be another one over the same connection.
   * @returns the one that was admitted; undefined if it has left already
   */
  becameLink(socket: Socket): Socket | undefined {
    const entry = this.#entries.get(nameOf(socket));
    entry?.leave();
    return entry?.socket;
  }

  /** Ends those that are still there: nobody listens any more. */
  dismiss(): void {
    for (const { socket } of this.#entries.values()) socket.destroy();
  }
}

/** No two connections to one listener have it at the same time. */
function nameOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
