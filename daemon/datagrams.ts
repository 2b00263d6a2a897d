/** The driver's half of datagram links: open sockets and wishes for links, by number. */
import type { CloseReason, CoreEvent, DatagramBatch, DialFacts, DialId, Input, LinkId, SocketId } from './core/port.ts';
import type { DatagramCarrier } from './links/datagram.ts';

/** Told about one wish: `failed`, or `up` and later `down`; then nothing more, and the wish is over. */
export type DialWatcher = {
  up(): void;
  down(reason: string, code: CloseReason, retryAfterMs: number): void;
  failed(reason: string, code?: 'own key'): void;
};

type OpenSocket = { readonly carrier: DatagramCarrier; readonly closed: (reason: string) => void };

export class Datagrams {
  readonly #feed: (input: Input) => void;
  readonly #sockets: (OpenSocket | undefined)[] = [];
  readonly #dials = new Map<DialId, DialWatcher>();
  /** Links that are up, of whoever asked for them. */
  readonly #links = new Set<LinkId>();
  #nextDial = 0;

  constructor(feed: (input: Input) => void) {
    this.#feed = feed;
  }

  /** `closed` is told when the system ends it. */
  open(carrier: DatagramCarrier, closed: (reason: string) => void): SocketId {
    const free = this.#sockets.indexOf(undefined);
    const socket = (free < 0 ? this.#sockets.length : free) as SocketId;
    this.#sockets[socket] = { carrier, closed };
    this.#feed({ kind: 'socketOpened', socket, facts: carrier.facts });
    const datagrams: { kind: 'datagrams'; socket: SocketId; batch: DatagramBatch } = {
      kind: 'datagrams',
      socket,
      batch: NONE,
    };
    carrier.start({
      datagrams: (batch) => {
        datagrams.batch = batch;
        this.#feed(datagrams);
      },
      writable: () => this.#feed({ kind: 'socketWritable', socket }),
      report: (report) => this.#feed({ kind: 'airReport', socket, report }),
      closed: (reason) => {
        this.#sockets[socket] = undefined;
        this.#feed({ kind: 'socketClosed', socket, reason });
        closed(reason);
      },
    });
    return socket;
  }

  /** See the input `socketPsk`. */
  listenFor(socket: SocketId, psk: Uint8Array | undefined): void {
    this.#feed({ kind: 'socketPsk', socket, psk });
  }

  close(socket: SocketId, reason: string): void {
    const open = this.#sockets[socket];
    if (open === undefined) return;
    this.#feed({ kind: 'socketClosing', socket, reason });
    this.#feed({ kind: 'socketClosed', socket, reason });
    this.#sockets[socket] = undefined;
    open.carrier.close();
  }

  dial(socket: SocketId, address: Uint8Array, facts: DialFacts, watcher: DialWatcher): DialId {
    const dial = this.#nextDial++ as DialId;
    this.#dials.set(dial, watcher);
    this.#feed({ kind: 'dial', dial, socket, address, facts });
    return dial;
  }

  /** The wish ends, and the link that came of it. The watcher hears nothing more. */
  cancel(dial: DialId): void {
    if (this.#dials.delete(dial)) this.#feed({ kind: 'dialCancelled', dial });
  }

  hasRoom(socket: SocketId): boolean {
    return this.#sockets[socket]?.carrier.hasRoom?.() ?? true;
  }

  send(socket: SocketId, batch: DatagramBatch): number {
    return this.#sockets[socket]?.carrier.send(batch) ?? batch.count;
  }

  heard(event: CoreEvent): void {
    if (event.kind === 'datagramLinkUp') {
      this.#links.add(event.link);
      if (event.dial !== undefined) this.#dials.get(event.dial)?.up();
    } else if (event.kind === 'datagramLinkDown') {
      this.#links.delete(event.link);
      this.#over(event.dial)?.down(`${event.reason}: ${event.detail}`, event.reason, event.retryAfterMs);
    } else if (event.kind === 'dialFailed') {
      this.#over(event.dial)?.failed(event.reason, event.code);
    }
  }

  links(): readonly LinkId[] {
    return [...this.#links];
  }

  stop(): void {
    for (const open of this.#sockets) open?.carrier.close();
  }

  #over(dial: DialId | undefined): DialWatcher | undefined {
    if (dial === undefined) return undefined;
    const watcher = this.#dials.get(dial);
    this.#dials.delete(dial);
    return watcher;
  }
}

const NONE: DatagramBatch = {
  buffers: [],
  offsets: new Int32Array(0),
  lengths: new Int32Array(0),
  addresses: new Uint8Array(0),
  count: 0,
};
