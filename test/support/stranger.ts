/**
 * A peer that says whatever a test likes: greetings and frames made here from the protocol reference, without the
 * daemon's code. On its own it answers SigReqs and nothing else.
 */
import { connect, type Socket } from 'node:net';
import { greeting, signed } from './greeting.ts';
import type { Identity } from './identity.ts';
import { waitFor } from './wait.ts';

export type Frame = { readonly type: number; readonly body: Buffer };

export class Stranger {
  readonly identity: Identity;
  readonly frames: Frame[] = [];
  readonly #socket: Socket;
  readonly #openedAtMs = performance.now();
  #received = Buffer.alloc(0);
  #greeting: Buffer | undefined;
  #closedAfterMs: number | undefined;
  #nonce = 1000n;

  constructor(path: string, identity: Identity) {
    this.identity = identity;
    this.#socket = connect({ path });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.#closedAfterMs = performance.now() - this.#openedAtMs;
    });
  }

  /** The daemon's greeting; undefined until it has come. */
  get greeting(): Buffer | undefined {
    return this.#greeting;
  }

  /** How long the daemon held the connection; undefined while it does. */
  get closedAfterMs(): number | undefined {
    return this.#closedAfterMs;
  }

  get daemonKey(): Buffer {
    if (this.#greeting === undefined) throw new Error('no greeting yet');
    // The reference and ratatosk send the key as the third field: 6 octets of head, two fields of 6, a field head of 4.
    return this.#greeting.subarray(22, 54);
  }

  send(octets: Uint8Array): void {
    this.#socket.write(octets);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Whether the daemon takes the greeting: its first frame comes, or it closes. */
  async isAccepted(limitMs = 10_000): Promise<boolean> {
    return waitFor(
      'a frame or the end',
      () => (this.#closedAfterMs !== undefined ? { is: false } : this.frames.length > 0 ? { is: true } : undefined),
      { limitMs, everyMs: 10 },
    ).then(({ is }) => is);
  }

  /**
   * Whether the daemon still serves this link: it answers a fresh SigReq, or closes. What was sent before has been
   * handled by then, since frames are handled in order.
   */
  async isServed(limitMs = 5000): Promise<boolean> {
    const nonce = this.#nonce++;
    this.send(frame(2, Buffer.concat([uvarint(1n), uvarint(nonce)])));
    const isAnswer = ({ type, body }: Frame) =>
      type === 3 && readUvarint(body, readUvarint(body, 0).next).value === nonce;
    return waitFor(
      'an answer to SigReq or the end',
      () => (this.#closedAfterMs !== undefined ? { is: false } : this.frames.some(isAnswer) ? { is: true } : undefined),
      { limitMs, everyMs: 10 },
    ).then(({ is }) => is);
  }

  /** Greets, and proves the key by answering the daemon's SigReq. */
  async introduce(): Promise<void> {
    this.send(greeting(this.identity));
    if (!(await this.isAccepted())) throw new Error('the daemon refused a good greeting');
    if (!(await this.isServed())) throw new Error('the daemon closed a good link');
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    if (this.#greeting === undefined) {
      if (this.#received.length < 6) return;
      const length = 6 + this.#received.readUInt16BE(4);
      if (this.#received.length < length) return;
      this.#greeting = this.#received.subarray(0, length);
      this.#received = this.#received.subarray(length);
    }
    for (;;) {
      const head = tryUvarint(this.#received);
      if (head === undefined || this.#received.length < head.next + Number(head.value)) return;
      const octets = this.#received.subarray(head.next, head.next + Number(head.value));
      this.#received = this.#received.subarray(head.next + Number(head.value));
      this.#react({ type: octets[0] ?? 0, body: octets.subarray(1) });
    }
  }

  #react(received: Frame): void {
    this.frames.push(received);
    if (received.type !== 2) return;
    const seq = readUvarint(received.body, 0);
    const nonce = readUvarint(received.body, seq.next);
    const fields = Buffer.concat([uvarint(seq.value), uvarint(nonce.value), uvarint(1n)]);
    this.send(frame(3, Buffer.concat([fields, this.parentSignature(this.daemonKey, fields)])));
  }

  /** Signs, as the parent, what SigRes and Announce carry. */
  parentSignature(child: Uint8Array, fields: Uint8Array): Buffer {
    return signed(this.identity, Buffer.concat([child, this.identity.publicKey, fields]));
  }
}

export function frame(type: number, body: Uint8Array): Buffer {
  return Buffer.concat([uvarint(BigInt(body.length + 1)), Buffer.from([type]), body]);
}

export function uvarint(value: bigint): Buffer {
  const octets: number[] = [];
  for (; value >= 0x80n; value >>= 7n) octets.push(Number(value & 0x7fn) | 0x80);
  return Buffer.from([...octets, Number(value)]);
}

export function readUvarint(octets: Uint8Array, offset: number): { value: bigint; next: number } {
  const found = tryUvarint(octets.subarray(offset));
  if (found === undefined) throw new Error('a uvarint without an end');
  return { value: found.value, next: offset + found.next };
}

function tryUvarint(octets: Uint8Array): { value: bigint; next: number } | undefined {
  let value = 0n;
  for (let i = 0; i < Math.min(octets.length, 10); i++) {
    const octet = octets[i] ?? 0;
    value |= BigInt(octet & 0x7f) << BigInt(7 * i);
    if (octet < 0x80) return { value, next: i + 1 };
  }
  return undefined;
}
