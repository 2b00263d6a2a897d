/** A connected socket as a carrier: TCP, UNIX, or TLS over either. */
import type { Socket } from 'node:net';
import type { LinkFacts } from '../core/port.ts';
import { sendNowOf } from './descriptor.ts';
import type { Carrier, CarrierEvents } from './link.ts';
import { reasonOf } from './reason.ts';
import { type SendQueue, sendQueueOf } from './send-queue.ts';
import { isTaken } from './taken.ts';

/** What was written still gets this long to leave. */
const CLOSE_GRACE_MS = 1_000;
/** The reason that is told when nothing went wrong. */
export const ENDED = 'the other side closed the connection';

export class SocketCarrier implements Carrier {
  readonly facts: LinkFacts;
  readonly remoteHost: string;
  readonly localHost: string;
  readonly #socket: Socket;
  readonly #sendQueue: SendQueue;
  readonly #isEncrypted: boolean;
  readonly #sendNow: (bytes: Uint8Array) => number;
  #events: CarrierEvents | undefined;
  #isHeld = false;
  #isClosed = false;
  #reason = ENDED;

  constructor(socket: Socket, facts: LinkFacts, isEncrypted = false) {
    this.#socket = socket;
    this.#isEncrypted = isEncrypted;
    this.#sendQueue = sendQueueOf(socket);
    this.#sendNow = isEncrypted ? () => 0 : sendNowOf(socket);
    this.facts = facts;
    this.remoteHost = socket.remoteAddress ?? '';
    this.localHost = socket.localAddress ?? '';
    socket.pause();
    // Before `start` an error shows as a closed socket; a later one gives the reason. A TLS socket would stay open.
    socket.on('error', (error) => {
      this.#reason = reasonOf(error);
      socket.destroy();
    });
  }

  /** Nothing waits for the system. */
  get isIdle(): boolean {
    return this.#socket.writableLength === 0;
  }

  start(events: CarrierEvents): void {
    this.#events = events;
    if (this.#socket.destroyed) return queueMicrotask(() => this.#ended());
    this.#socket.on('data', (chunk) => {
      if (!this.#isClosed) events.bytes(chunk);
    });
    this.#socket.once('close', () => this.#ended());
    // Who has ended its half may read no more: what is still held would keep the link.
    this.#socket.once('end', () => {
      if (!this.#isClosed) this.#socket.destroy();
    });
    this.#socket.resume();
  }

  /** The system often takes all of it at once; then nothing is left in the socket when `write` returns. */
  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#socket.destroyed) return true;
    this.#sendQueue.look(performance.now());
    const waiting = this.#socket.writableLength;
    const sent = waiting === 0 ? this.#sendNow(bytes) : 0;
    if (sent < bytes.length) this.#socket.write(sent === 0 ? bytes : bytes.subarray(sent), this.#written);
    this.#sendQueue.given(bytes.length);
    const isWhole = sent === bytes.length || isTaken(this.#socket, waiting, bytes.length, this.#isEncrypted);
    this.#isHeld ||= !isWhole || this.#sendQueue.isOver;
    if (isWhole && this.#isHeld) this.#sendQueue.later(this.#writable);
    return !this.#isHeld;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_GRACE_MS);
    this.#socket.once('close', () => clearTimeout(timer));
    // Until it is closed what still comes in is read and thrown away, or the close would wait for it.
    this.#socket.resume();
  }

  /** Also called, later, for writes that failed or that were taken at once: the latter leave a newer one in the socket. */
  readonly #written = (): void => {
    if (this.#isHeld && this.#socket.writableLength === 0) this.#sendQueue.await(this.#writable);
  };

  readonly #writable = (): void => {
    if (!this.#isHeld || this.#socket.writableLength > 0 || this.#socket.destroyed) return;
    this.#isHeld = false;
    if (!this.#isClosed) this.#events?.writable();
  };

  #ended(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events?.closed(this.#reason);
  }
}
