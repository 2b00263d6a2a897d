/** Short frames that wait for a packet: what the other side is owed, and what we ask ourselves (link document, section 6). */
import type { Writer } from '../../../wire/cursor.ts';
import {
  CHALLENGE,
  LINK_FRAME,
  PING_SIZE,
  PROBE_SIZE,
  writeChallenge,
  writePing,
  writeProbe,
} from '../../../wire/link-frames.ts';
import { ANSWERS_WAITING } from '../../limits.ts';
import { equalOctets } from '../../octetmap.ts';

export class Answers {
  readonly #pongs: number[] = [];
  readonly #probed: { id: number; size: number }[] = [];
  /** Each goes to the address that its PCHAL came from. */
  readonly #returns: { octets: Uint8Array; address: Uint8Array }[] = [];
  /** PINGs without an answer so far, oldest first. */
  readonly #asked = new Map<number, number>();
  #nextPing = 1;
  /** When the last PING was sent. */
  pingedMs = Number.NEGATIVE_INFINITY;

  /** PONG or PROBED wait. */
  get isEmpty(): boolean {
    return this.#pongs.length === 0 && this.#probed.length === 0;
  }

  get hasReturns(): boolean {
    return this.#returns.length > 0;
  }

  owePong(id: number): void {
    if (this.#pongs.length < ANSWERS_WAITING) this.#pongs.push(id);
  }

  oweProbed(id: number, size: number): void {
    if (this.#probed.length < ANSWERS_WAITING) this.#probed.push({ id, size });
  }

  oweReturn(buffer: Uint8Array, at: number, address: Uint8Array): void {
    if (this.#returns.length >= ANSWERS_WAITING) return;
    this.#returns.push({ octets: buffer.slice(at, at + CHALLENGE), address: address.slice() });
  }

  /** Writes the PRESPs for one address, which it returns; undefined: there are none. */
  writeReturns(writer: Writer): Uint8Array | undefined {
    const address = this.#returns[0]?.address;
    while (address !== undefined && this.#returns[0] !== undefined && equalOctets(this.#returns[0].address, address)) {
      writeChallenge(writer, LINK_FRAME.presp, this.#returns[0].octets);
      this.#returns.shift();
    }
    return address;
  }

  /** Writes what fits before `limit`. */
  write(writer: Writer, limit: number): void {
    while (this.#pongs.length > 0 && writer.pos + PING_SIZE <= limit) {
      writePing(writer, LINK_FRAME.pong, this.#pongs.shift() as number);
    }
    while (this.#probed.length > 0 && writer.pos + PROBE_SIZE <= limit) {
      const { id, size } = this.#probed.shift() as { id: number; size: number };
      writeProbe(writer, LINK_FRAME.probed, id, size);
    }
  }

  /** The id of a PING that is being sent. */
  ping(nowMs: number): number {
    const id = this.#nextPing;
    this.#nextPing = (id + 1) % 0x1_0000_0000;
    for (const oldest of this.#asked.keys()) {
      if (this.#asked.size < ANSWERS_WAITING) break;
      this.#asked.delete(oldest);
    }
    this.#asked.set(id, nowMs);
    this.pingedMs = nowMs;
    return id;
  }

  /** The round trip in ms; undefined for an answer to nothing we remember. */
  ponged(id: number, nowMs: number): number | undefined {
    const askedMs = this.#asked.get(id);
    this.#asked.delete(id);
    return askedMs === undefined ? undefined : nowMs - askedMs;
  }
}
