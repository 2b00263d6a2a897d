/**
 * What is remembered of the identities at the other end of datagram links: the timestamp of the last handshake that
 * they confirmed, when they were heard, their links and the keys they have not confirmed yet (link document, 4.2).
 */
import type { Context } from '../../context.ts';
import {
  IDENTITIES_REMEMBERED,
  UNCONFIRMED_KEYS,
  UNCONFIRMED_PER_IDENTITY,
  UNCONFIRMED_PER_LINK,
} from '../../limits.ts';
import { OctetMap } from '../../octetmap.ts';
import { type PublicKey, publicKey } from '../../port.ts';
import type { ClassConstants } from './classes.ts';
import type { DatagramLink } from './datagram-link.ts';
import type { LinkKey } from './link-key.ts';

export type Identity = {
  readonly key: PublicKey;
  /** Of the last confirmed INIT; below every other while there is none. */
  timestamp: number;
  /** When the last authentic packet came. */
  heardMs: number;
  /** When an INIT whose timestamp was not higher was last accepted. */
  lowerAcceptedMs: number;
  readonly links: DatagramLink[];
  /** Keys that stand for it, of whatever state: while there are any it is not forgotten. */
  keys: number;
  /** Keys we answered for, oldest first. */
  readonly unconfirmed: LinkKey[];
  /** How often in a row it closed a link because of a protocol error. */
  protocolErrors: number;
};

export class Identities {
  readonly #context: Context;
  readonly #byKey: OctetMap<Identity>;
  /** From the X25519 form to the Ed25519 form without its sign bit: the way back costs a square root. */
  readonly #forms: OctetMap<{ readonly form: Uint8Array; readonly key: Uint8Array }>;
  /** The way there, for keys we write to and those of the allow list: each INIT is compared with them. */
  readonly #converted: OctetMap<{ readonly key: PublicKey; readonly form: Uint8Array | undefined }>;
  /** Our own key in the X25519 form. */
  readonly ownForm: Uint8Array;

  constructor(context: Context) {
    this.#context = context;
    this.#byKey = new OctetMap(32, context.hashSeed);
    this.#forms = new OctetMap(32, context.hashSeed);
    this.#converted = new OctetMap(32, context.hashSeed);
    const ownForm = context.crypto.x25519FromEd25519(context.key);
    if (ownForm === undefined) throw new Error('a key made from a seed is a point of the curve');
    this.ownForm = ownForm;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** The X25519 form of a key that we write to; undefined if it is no point of the curve. */
  formOf(key: PublicKey): Uint8Array | undefined {
    const known = this.#converted.get(key);
    if (known !== undefined) return known.form;
    const form = this.#context.crypto.x25519FromEd25519(key);
    const oldest = this.#converted.size >= IDENTITIES_REMEMBERED ? this.#converted.oldest() : undefined;
    if (oldest !== undefined) this.#converted.delete(oldest.key);
    this.#converted.set(key, { key, form });
    if (form !== undefined) this.#keepForm(form, unsigned(key));
    return form;
  }

  /** The identity behind an X25519 key and a sign bit; undefined as link document, section 1. */
  keyOf(form: Uint8Array, sign: number): PublicKey | undefined {
    let key = this.#forms.get(form)?.key;
    if (key === undefined) {
      key = this.#context.crypto.ed25519FromX25519(form, 0);
      if (key === undefined) return undefined;
      this.#keepForm(form, key);
    }
    const signed = key.slice();
    signed[31] = (signed[31] as number) | (sign << 7);
    return publicKey(signed);
  }

  get(key: PublicKey): Identity | undefined {
    return this.#byKey.get(key);
  }

  /** An identity that has proved itself. The one used longest ago makes room, unless it has links or keys. */
  remember(key: PublicKey): Identity {
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      this.#byKey.touch(key);
      return known;
    }
    if (this.#byKey.size >= IDENTITIES_REMEMBERED) this.#forgetOldest();
    const never = Number.NEGATIVE_INFINITY;
    const fresh = { timestamp: never, heardMs: never, lowerAcceptedMs: never, protocolErrors: 0, keys: 0 };
    const identity: Identity = { key, ...fresh, links: [], unconfirmed: [] };
    this.#byKey.set(key, identity);
    return identity;
  }

  /** Forgets an identity that never confirmed anything, when its last key has gone. */
  release(identity: Identity): void {
    if (!isUsed(identity) && identity.timestamp === Number.NEGATIVE_INFINITY) this.#byKey.delete(identity.key);
  }

  #forgetOldest(): void {
    for (const identity of this.#byKey.values()) {
      if (isUsed(identity)) continue;
      this.#byKey.delete(identity.key);
      return;
    }
  }

  #keepForm(form: Uint8Array, key: Uint8Array): void {
    const oldest = this.#forms.size >= IDENTITIES_REMEMBERED ? this.#forms.oldest() : undefined;
    if (oldest !== undefined) this.#forms.delete(oldest.form);
    this.#forms.set(form, { form: form.slice(), key });
  }
}

/** The timestamp rule: no clock is trusted, a replay is worth nothing, a clock set back heals. */
export function isTimely(
  identity: Identity,
  timestamp: number,
  constants: Pick<ClassConstants, 'deadAfterMs' | 'lowerTimestampMs'>,
  nowMs: number,
): boolean {
  if (timestamp > identity.timestamp) return true;
  if (nowMs - identity.heardMs < constants.deadAfterMs) return false;
  return nowMs - identity.lowerAcceptedMs >= constants.lowerTimestampMs;
}

function isUsed({ links, keys }: Identity): boolean {
  return links.length > 0 || keys > 0;
}

function unsigned(key: PublicKey): Uint8Array {
  const octets = key.slice();
  octets[31] = (octets[31] as number) & 0x7f;
  return octets;
}

/** Keys that were answered for and wait for their first packet; each dies by itself. */
export class UnconfirmedKeys {
  readonly #keys = new Set<LinkKey>();

  get size(): number {
    return this.#keys.size;
  }

  get isFull(): boolean {
    return this.#keys.size >= UNCONFIRMED_KEYS;
  }

  values(): IterableIterator<LinkKey> {
    return this.#keys.values();
  }

  /** Which keys must go so that this one fits: two of one link, six of one identity, the oldest first. */
  victims(identity: Identity, isSameLink: (key: LinkKey) => boolean): LinkKey[] {
    const ofLink = identity.unconfirmed.filter(isSameLink);
    if (ofLink.length >= UNCONFIRMED_PER_LINK) return ofLink.slice(0, 1);
    return identity.unconfirmed.length >= UNCONFIRMED_PER_IDENTITY ? identity.unconfirmed.slice(0, 1) : [];
  }

  add(key: LinkKey): void {
    this.#keys.add(key);
    key.terms.identity.unconfirmed.push(key);
  }

  delete(key: LinkKey): boolean {
    const { unconfirmed } = key.terms.identity;
    const at = unconfirmed.indexOf(key);
    if (at >= 0) unconfirmed.splice(at, 1);
    return this.#keys.delete(key);
  }
}
