/** Where a modem's octets come from and go to: a device file or a TCP connection, one small interface for every dialect. */
import type { Duplex } from 'node:stream';
import { reasonOf } from './reason.ts';

export interface OctetPort {
  /** Octets written that the system has not taken. */
  readonly unsent: number;
  /** Begins to read. Events come only after this call, never from within it. */
  start(events: PortEvents): void;
  /** Takes all of it, and keeps nothing of the buffer. */
  write(octets: Uint8Array): void;
  /** Ends it; what was written still leaves, for a short while. No event follows. Idempotent. */
  close(): void;
}

export type PortEvents = {
  /** The octets are the port's again when the receiver returns. */
  octets(octets: Uint8Array): void;
  /** The system has taken everything. */
  drained(): void;
  /** Once, when the other side or the system ended it. `reason` is one line for operators. */
  closed(reason: string): void;
};

/** What is written last gets so long to leave. */
const CLOSE_MS = 200;

/** An open stream as a port. */
export class StreamPort implements OctetPort {
  readonly #stream: Duplex;
  readonly #gone: string;
  #events: PortEvents | undefined;
  #reason: string | undefined;
  #isClosed = false;

  /** @param gone what the end of the stream means */
  constructor(stream: Duplex, gone: string) {
    this.#stream = stream;
    this.#gone = gone;
    stream.on('error', (error) => {
      this.#reason = reasonOf(error);
    });
    stream.on('end', () => this.#ended());
    stream.on('close', () => this.#ended());
  }

  get unsent(): number {
    return this.#stream.writableLength;
  }

  start(events: PortEvents): void {
    this.#events = events;
    const stream = this.#stream;
    stream.on('data', (octets: Buffer) => {
      if (!this.#isClosed) events.octets(octets);
    });
    stream.on('drain', () => {
      if (!this.#isClosed) events.drained();
    });
    // It may have ended before anybody listened.
    if (stream.destroyed || stream.readableEnded) setImmediate(() => this.#ended());
  }

  write(octets: Uint8Array): void {
    if (!this.#isClosed && this.#stream.writable) this.#stream.write(octets.slice());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const stream = this.#stream;
    // A device that takes nothing any more would keep its file open for ever.
    const timer = setTimeout(() => stream.destroy(), CLOSE_MS);
    stream.once('close', () => clearTimeout(timer));
    stream.end(() => stream.destroy());
  }

  #ended(): void {
    if (this.#events === undefined || this.#isClosed) return;
    this.#isClosed = true;
    this.#stream.destroy();
    this.#events.closed(this.#reason ?? this.#gone);
  }
}
