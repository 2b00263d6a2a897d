/** Making and opening Init and Ack, and what must be remembered of them per key (sections 5.2, 5.6, 5.7). */
import {
  HANDSHAKE_BOX_AT,
  HANDSHAKE_INNER,
  HANDSHAKE_SIZE,
  type Handshake,
  handshakeSigned,
  readHandshake,
  type SESSION,
  writeHandshake,
} from '../../wire/session.ts';
import type { Context } from '../context.ts';
import {
  HANDSHAKE_MEMORY,
  HANDSHAKE_MEMORY_LIFE_MS,
  INITS,
  INITS_PER_KEY,
  RESCUE_INITS,
  SEQ_AHEAD,
} from '../limits.ts';
import { OctetMap } from '../octetmap.ts';
import { Bucket } from '../policy.ts';
import type { BoxJobs, KeyPair, PublicKey } from '../port.ts';
import { addJob, clearJobs, newJobs } from './jobs.ts';
import { newPair } from './session.ts';

/** What is remembered of a key beyond its session. */
type Memory = {
  readonly key: Uint8Array;
  untilMs: number;
  /** Highest seq of a handshake accepted from it. */
  highest: bigint;
  /** Seq of an Init sent without a session: the Ack that follows must be newer to take effect. */
  thrownAway: bigint;
  rescuedMs: number;
  readonly inits: Bucket;
  /** We wrote to it. */
  isKnown: boolean;
};

export class Handshakes {
  readonly #context: Context;
  readonly #preimage: Uint8Array;
  readonly #memory: OctetMap<Memory>;
  readonly #inits: Bucket;
  readonly #rescues: Bucket;
  readonly #jobs: BoxJobs = newJobs();
  /** X25519 forms of keys we write to; converting costs a field inversion. */
  readonly #converted: OctetMap<{ key: PublicKey; form: Uint8Array | undefined }>;

  constructor(context: Context) {
    this.#context = context;
    this.#preimage = groupPreimage(context);
    this.#memory = new OctetMap(32, context.hashSeed);
    this.#converted = new OctetMap(32, context.hashSeed);
    this.#inits = new Bucket(INITS, context.nowMs);
    this.#rescues = new Bucket(RESCUE_INITS, context.nowMs);
  }

  /**
   * An Init or Ack for a peer, or undefined if its key is no point of the curve. An Init made without a session is
   * `thrownAway`: its keys are not kept.
   */
  make(
    type: (typeof SESSION)['init' | 'ack'],
    dest: PublicKey,
    fields: HandshakeKeys,
    isThrownAway: boolean,
  ): Uint8Array | undefined {
    const { crypto, signer } = this.#context;
    const form = this.#convert(dest);
    const ephemeral = newPair(this.#context);
    const shared = form === undefined ? undefined : crypto.boxShared(form, ephemeral.privateKey);
    if (shared === undefined) return undefined;
    const memory = this.#remember(dest);
    // Whoever makes us throw Inits away may be anyone: that is no acquaintance.
    memory.isKnown ||= !isThrownAway;
    const seq = this.#nextSeq(memory);
    if (isThrownAway) memory.thrownAway = seq;
    const { send, next, local } = fields;
    const unsigned = { current: send.publicKey, next: next.publicKey, keySeq: BigInt(local), seq };
    const sig = signer.sign(this.#signed(ephemeral.publicKey, unsigned));
    const message = new Uint8Array(HANDSHAKE_SIZE);
    message[0] = type;
    message.set(ephemeral.publicKey, 1);
    addJob(
      this.#jobs,
      writeHandshake({ ...unsigned, sig }),
      0,
      HANDSHAKE_INNER,
      message,
      HANDSHAKE_BOX_AT,
      shared,
      0,
      0,
    );
    crypto.box.seal(this.#jobs);
    clearJobs(this.#jobs);
    return message;
  }

  /** Opens the box of an Init or Ack; the signature is checked by `isAuthentic`, after the cheaper questions. */
  open(buffer: Uint8Array, at: number): Handshake | undefined {
    const { crypto, signer, stats } = this.#context;
    const shared = crypto.boxShared(buffer.subarray(at + 1, at + HANDSHAKE_BOX_AT), signer.x25519Private);
    const inner = new Uint8Array(HANDSHAKE_INNER);
    if (shared !== undefined) {
      addJob(this.#jobs, buffer, at + HANDSHAKE_BOX_AT, HANDSHAKE_INNER + 16, inner, 0, shared, 0, 0);
      crypto.box.open(this.#jobs);
    }
    const isOpen = shared !== undefined && this.#jobs.ok[0] === 1;
    clearJobs(this.#jobs);
    if (isOpen) return readHandshake(inner);
    stats.drop('session handshake unreadable');
    return undefined;
  }

  isAuthentic(source: PublicKey, ephemeral: Uint8Array, handshake: Handshake): boolean {
    return this.#context.crypto.ed25519Verify(source, handshake.sig, this.#signed(ephemeral, handshake));
  }

  /**
   * Half of the budget is kept for keys that we know: the claimed source costs nothing to forge. Nor is it remembered
   * before the budget allows, or a flood of sources would make us forget the keys that we know.
   */
  mayOpen(source: PublicKey, hasSession: boolean): boolean {
    const { nowMs } = this.#context;
    const memory = this.#memory.get(source);
    if (memory !== undefined && !memory.inits.take(nowMs)) return false;
    const reserve = hasSession || memory?.isKnown === true ? 0 : INITS.burst / 2;
    if (!this.#inits.take(nowMs, reserve)) return false;
    if (memory === undefined) this.#remember(source).inits.take(nowMs);
    return true;
  }

  /** Whether something unreadable may cause an Init now. */
  mayRescue(dest: PublicKey, leastDistanceMs: number): boolean {
    const { nowMs } = this.#context;
    const rescuedMs = this.#memory.get(dest)?.rescuedMs ?? Number.NEGATIVE_INFINITY;
    if (nowMs - rescuedMs < leastDistanceMs || !this.#rescues.take(nowMs)) return false;
    this.#remember(dest).rescuedMs = nowMs;
    return true;
  }

  /** In the last minutes an Init went to this key whose keys were not kept. */
  hasThrownAway(dest: PublicKey): boolean {
    const memory = this.#memory.get(dest);
    return memory !== undefined && memory.untilMs > this.#context.nowMs && memory.thrownAway >= 0n;
  }

  /** Highest seq accepted from a key in the last minutes, also after its session has ended. */
  highestSeq(source: PublicKey): bigint {
    const memory = this.#memory.get(source);
    return memory === undefined || memory.untilMs <= this.#context.nowMs ? 0n : memory.highest;
  }

  accepted(source: PublicKey, seq: bigint): void {
    const memory = this.#remember(source);
    memory.highest = seq;
    memory.isKnown = true;
  }

  #nextSeq(memory: Memory): bigint {
    const now = this.#context.unixSeconds();
    const isTooSoon = now <= memory.thrownAway && memory.thrownAway < now + SEQ_AHEAD;
    return isTooSoon ? memory.thrownAway + 1n : now;
  }

  #remember(key: Uint8Array): Memory {
    const { nowMs } = this.#context;
    const untilMs = nowMs + HANDSHAKE_MEMORY_LIFE_MS;
    const existing = this.#memory.get(key);
    if (existing !== undefined) {
      if (existing.untilMs <= nowMs) existing.highest = 0n;
      existing.untilMs = untilMs;
      this.#memory.touch(key);
      return existing;
    }
    const oldest = this.#memory.size >= HANDSHAKE_MEMORY ? this.#memory.oldest() : undefined;
    if (oldest !== undefined) this.#memory.delete(oldest.key);
    const memory: Memory = {
      key: key.slice(),
      untilMs,
      highest: 0n,
      thrownAway: -1n,
      rescuedMs: Number.NEGATIVE_INFINITY,
      inits: new Bucket(INITS_PER_KEY, nowMs),
      isKnown: false,
    };
    this.#memory.set(key, memory);
    return memory;
  }

  #convert(key: PublicKey): Uint8Array | undefined {
    const cached = this.#converted.get(key);
    if (cached !== undefined) return cached.form;
    const oldest = this.#converted.size >= HANDSHAKE_MEMORY ? this.#converted.oldest() : undefined;
    if (oldest !== undefined) this.#converted.delete(oldest.key);
    const form = this.#context.crypto.x25519FromEd25519(key);
    this.#converted.set(key, { key, form });
    return form;
  }

  #signed(ephemeral: Uint8Array, fields: Omit<Handshake, 'sig'>): Uint8Array {
    const octets = handshakeSigned(ephemeral, fields);
    if (this.#preimage.length === 0) return octets;
    const grouped = new Uint8Array(this.#preimage.length + octets.length);
    grouped.set(this.#preimage);
    grouped.set(octets, this.#preimage.length);
    return grouped;
  }
}

export type HandshakeKeys = { send: KeyPair; next: KeyPair; local: number };

/** Section 5.7: empty without a group password. */
export function groupPreimage(context: Context): Uint8Array {
  const { groupPassword } = context.options;
  if (groupPassword.length === 0) return groupPassword;
  const label = Uint8Array.from('ironwood/encrypted\0', (letter) => letter.charCodeAt(0));
  const octets = new Uint8Array(label.length + groupPassword.length);
  octets.set(label);
  octets.set(groupPassword, label.length);
  return context.crypto.sha256(octets);
}
