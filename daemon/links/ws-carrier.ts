/** An open WebSocket as an octet stream: binary messages, whose boundaries mean nothing (section 2.6). */
import { randomFillSync } from 'node:crypto';
import type { Socket } from 'node:net';
import type { LinkFacts } from '../core/port.ts';
import type { Carrier, CarrierEvents } from './link.ts';
import { mask } from './mask.ts';
import { ENDED, SocketCarrier } from './socket-carrier.ts';
import { FrameReader, HEAD_MAX, OPCODE, writeHead } from './ws-frames.ts';

/** Larger writes go as several messages. */
const MESSAGE_SENT = 65_536;
/** What the core writes at once, framed. */
const FRAMED_BYTES = 262_144 + 4 * HEAD_MAX;

const CLOSE_NORMAL = 1000;
const CLOSE_GOING_AWAY = 1001;
const CLOSE_NO_CODE = 1005;

/** `isClient`: we dialled, so what we send is masked. `isEncrypted`: TLS is below. */
export type Role = { readonly isClient: boolean; readonly isEncrypted: boolean };

export class WebSocketCarrier implements Carrier {
  readonly facts: LinkFacts;
  readonly #stream: SocketCarrier;
  readonly #isClient: boolean;
  readonly #reader: FrameReader;
  #events: CarrierEvents | undefined;
  /** Frames that the system may hold; made when first needed. */
  #framed: Uint8Array = new Uint8Array(0);
  #isHeld = false;
  #isClosed = false;

  constructor(socket: Socket, facts: LinkFacts, { isClient, isEncrypted }: Role) {
    this.facts = facts;
    this.#stream = new SocketCarrier(socket, facts, isEncrypted);
    this.#isClient = isClient;
    this.#reader = new FrameReader(!isClient, mask);
  }

  get remoteHost(): string {
    return this.#stream.remoteHost;
  }

  get localHost(): string {
    return this.#stream.localHost;
  }

  start(events: CarrierEvents): void {
    this.#events = events;
    this.#stream.start({
      bytes: (chunk) => {
        const fault = this.#reader.push(chunk, this);
        if (fault !== undefined) this.#end(fault.code, fault.reason);
      },
      writable: () => {
        // A pong may have been what was held.
        if (!this.#isHeld) return;
        this.#isHeld = false;
        events.writable();
      },
      closed: (reason) => {
        if (!this.#isClosed) events.closed(reason === ENDED ? 'the connection ended without a close message' : reason);
      },
    });
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed) return true;
    const size = bytes.length + HEAD_MAX * Math.ceil(bytes.length / MESSAGE_SENT);
    if (this.#isHeld || size > this.#framed.length) this.#framed = new Uint8Array(Math.max(size, FRAMED_BYTES));
    const framed = this.#framed;
    let end = 0;
    for (let at = 0; at < bytes.length; at += MESSAGE_SENT) {
      end = this.#frame(framed, end, OPCODE.binary, bytes, at, Math.min(MESSAGE_SENT, bytes.length - at));
    }
    this.#isHeld = !this.#stream.write(framed.subarray(0, end));
    return !this.#isHeld;
  }

  close(): void {
    if (!this.#isClosed) this.#close(CLOSE_NORMAL);
  }

  /** From the reader. */
  octets(octets: Uint8Array): boolean {
    this.#events?.bytes(octets);
    return !this.#isClosed;
  }

  control(opcode: number, payload: Uint8Array): boolean {
    if (opcode === OPCODE.close) this.#closeReceived(payload);
    // Who pings faster than it reads gets fewer pongs, and none is kept for it.
    else if (opcode === OPCODE.ping && this.#stream.isIdle) this.#sendControl(OPCODE.pong, payload);
    return !this.#isClosed;
  }

  #closeReceived(payload: Uint8Array): void {
    const code = payload.length < 2 ? CLOSE_NO_CODE : ((payload[0] as number) << 8) | (payload[1] as number);
    this.#end(code === CLOSE_NO_CODE ? CLOSE_NORMAL : code, endOf(code));
  }

  #end(code: number, reason: string): void {
    this.#close(code);
    this.#events?.closed(reason);
  }

  #close(code: number): void {
    this.#isClosed = true;
    this.#sendControl(OPCODE.close, Uint8Array.of(code >> 8, code));
    this.#stream.close();
  }

  #sendControl(opcode: number, payload: Uint8Array): void {
    const frame = new Uint8Array(HEAD_MAX + payload.length);
    this.#stream.write(frame.subarray(0, this.#frame(frame, 0, opcode, payload, 0, payload.length)));
  }

  /** Lays a frame with this part of `source` into `target` at `to`; answers where it ends. */
  #frame(target: Uint8Array, to: number, opcode: number, source: Uint8Array, at: number, length: number): number {
    const key = this.#isClient ? freshKey() : undefined;
    const start = to + writeHead(target, to, opcode, length, key);
    if (key !== undefined) mask(source, at, length, target, start, key);
    else target.set(source.subarray(at, at + length), start);
    return start + length;
  }
}

const KEYS = new Uint32Array(1_024);
let keysUsed = KEYS.length;

/** Nobody can foretell it (RFC 6455, section 10.3). */
function freshKey(): number {
  if (keysUsed === KEYS.length) {
    randomFillSync(KEYS);
    keysUsed = 0;
  }
  return KEYS[keysUsed++] as number;
}

function endOf(code: number): string {
  if (code === CLOSE_NORMAL || code === CLOSE_GOING_AWAY) return ENDED;
  return `${ENDED} with code ${code}`;
}
