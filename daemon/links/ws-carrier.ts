/** An open WebSocket as an octet stream: binary messages, whose boundaries mean nothing (section 2.6). */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import type { LinkFacts } from '../core/port.ts';
import type { Carrier, CarrierEvents } from './link.ts';
import { reasonOf } from './reason.ts';
import { type SendQueue, sendQueueOf } from './send-queue.ts';
import { isTaken } from './taken.ts';

/** The sub-protocol token. */
export const PROTOCOL = 'ygg-ws';
/** From the connection, or its TLS, to the end of the upgrade, however busily it is filled. */
export const UPGRADE_TIMEOUT_MS = 5_000;

/** What was written still gets this long to leave. */
const CLOSE_GRACE_MS = 1_000;
/** Larger writes go as several messages. */
const MESSAGE_SENT = 65_536;

/** What both ends ask of the library. */
export const WEB_SOCKET_OPTIONS = {
  perMessageDeflate: false,
  /** One frame of the largest size and its length. */
  maxPayload: 131_080,
  /** Each costs an object; nobody needs more for the largest message. */
  maxFragments: 64,
  /** The library would keep pongs for who does not read, and `writable` waits until nothing is kept. */
  autoPong: false,
  closeTimeout: CLOSE_GRACE_MS,
};

const CLOSE_NORMAL = 1000;
const CLOSE_GOING_AWAY = 1001;
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_ABNORMAL = 1006;

const BINARY = { binary: true };

export class WebSocketCarrier implements Carrier {
  readonly facts: LinkFacts;
  readonly remoteHost: string;
  readonly localHost: string;
  readonly #client: WebSocket;
  readonly #socket: Socket;
  readonly #sendQueue: SendQueue;
  #events: CarrierEvents | undefined;
  #isHeld = false;
  #isClosed = false;
  #reason: string | undefined;

  /** `socket` is what the open `client` runs over. */
  constructor(client: WebSocket, socket: Socket, facts: LinkFacts) {
    this.#client = client;
    this.#socket = socket;
    this.#sendQueue = sendQueueOf(socket);
    this.facts = facts;
    this.remoteHost = socket.remoteAddress ?? '';
    this.localHost = socket.localAddress ?? '';
    client.pause();
    socket.on('error', (error) => {
      this.#reason ??= reasonOf(error);
    });
    // What breaks the rules is no link any more, although the library still says goodbye to it.
    client.on('error', (error) => {
      this.#reason ??= reasonOf(error);
      this.#ended(CLOSE_ABNORMAL);
    });
    // Who pings faster than it reads gets fewer pongs, and none is kept for it.
    client.on('ping', (data) => {
      if (client.bufferedAmount === 0) client.pong(data);
    });
  }

  start(events: CarrierEvents): void {
    this.#events = events;
    if (this.#client.readyState === WebSocket.CLOSED) return queueMicrotask(() => this.#ended(CLOSE_ABNORMAL));
    this.#client.on('message', (data, isBinary) => {
      if (this.#isClosed) return;
      if (isBinary) return events.bytes(data as Buffer);
      this.#end(CLOSE_UNSUPPORTED);
      events.closed('the other side sent text');
    });
    this.#client.once('close', (code) => this.#ended(code));
    // Who has ended its half may read no more: what is still held would keep the link.
    this.#socket.once('end', () => {
      if (!this.#isClosed) this.#socket.destroy();
    });
    this.#client.resume();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#client.readyState !== WebSocket.OPEN) return true;
    const waiting = this.#socket.writableLength;
    for (let at = 0; at < bytes.length; at += MESSAGE_SENT) {
      this.#client.send(bytes.subarray(at, at + MESSAGE_SENT), BINARY, this.#written);
    }
    const isOneMessage = bytes.length <= MESSAGE_SENT;
    this.#isHeld =
      this.#client.bufferedAmount > 0 &&
      !(isOneMessage && isTaken(this.#socket, waiting, bytes.length, this.#socket instanceof TLSSocket));
    if (this.#isHeld) this.#sendQueue.held(bytes.length, performance.now());
    else this.#sendQueue.taken(bytes.length);
    return !this.#isHeld;
  }

  close(): void {
    if (!this.#isClosed) this.#end(CLOSE_NORMAL);
  }

  #end(code: number): void {
    this.#isClosed = true;
    this.#client.close(code);
    const timer = setTimeout(() => this.#client.terminate(), CLOSE_GRACE_MS);
    this.#client.once('close', () => clearTimeout(timer));
    this.#client.resume();
  }

  /** Also called, later, for writes that failed or that were taken at once. */
  readonly #written = (): void => {
    if (!this.#isHeld || this.#client.bufferedAmount > 0 || this.#socket.destroyed) return;
    this.#isHeld = false;
    if (!this.#isClosed) this.#events?.writable();
  };

  #ended(code: number): void {
    if (this.#isClosed || this.#events === undefined) return;
    this.#isClosed = true;
    this.#events.closed(this.#reason ?? endOf(code));
  }
}

function endOf(code: number): string {
  if (code === CLOSE_NORMAL || code === CLOSE_GOING_AWAY) return 'the other side closed the connection';
  if (code === CLOSE_ABNORMAL) return 'the connection ended without a close message';
  return `the other side closed the connection with code ${code}`;
}
