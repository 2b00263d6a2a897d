/** The two handshake messages of an end-to-end session: making and reading them (link document, sections 17 and 18). */
import { FEATURE_COMPRESSION } from '../../wire/compressed.ts';
import {
  E2E,
  E2E_VERSION,
  type FirstPayload,
  NOISE_AT,
  readFirstPayload,
  readSecondPayload,
  type SecondPayload,
  writeFirstPayload,
  writeSecondPayload,
  writeSid,
} from '../../wire/e2e.ts';
import { FEATURE_SUPER_PACKETS } from '../../wire/super-packet.ts';
import type { Context } from '../context.ts';
import { concatenate, NoiseHandshake, type TransportKeys } from '../noise.ts';
import type { KeyPair, NodeOptions, PublicKey } from '../port.ts';
import { groupPreimage } from './handshake.ts';
import { newPair } from './session.ts';

const ZERO_PSK = new Uint8Array(32);
export type FirstMessage = { readonly message: Uint8Array; readonly noise: NoiseHandshake };
export type FirstRead = { readonly payload: FirstPayload; readonly noise: NoiseHandshake };
export type SecondMade = { readonly message: Uint8Array; readonly keys: TransportKeys };
export type SecondRead = { readonly payload: SecondPayload; readonly keys: TransportKeys };

export class E2eHandshakes {
  readonly #context: Context;
  readonly #psk: Uint8Array;
  #staticPair: KeyPair | undefined;
  readonly #instance: number;
  readonly #features: number;
  #lastTimestampMs = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#psk = groupPsk(context);
    this.#features = featuresOf(context.options);
    this.#instance = new DataView(context.randomOctets(4).buffer).getUint32(0);
  }

  /** Of the features that a peer speaks, those that we speak too. */
  common(theirs: number): number {
    return theirs & this.#features;
  }

  /** Undefined if the key is no point of the curve, or of low order. */
  makeFirst(dest: PublicKey, sid: number): FirstMessage | undefined {
    const head = headOf(E2E.first, sid);
    const noise = this.#start(dest, true, head);
    this.#lastTimestampMs = Math.max(this.#context.unixMs(), this.#lastTimestampMs + 1);
    const timestampMs = this.#lastTimestampMs;
    const payload = { version: E2E_VERSION, features: this.#features, timestampMs, instance: this.#instance };
    const body = noise?.writeMessage(newPair(this.#context), writeFirstPayload(payload));
    return noise === undefined || body === undefined ? undefined : { message: concatenate([head, body]), noise };
  }

  /** For a message of the right size and type. Undefined: not from this source, or not for us. */
  readFirst(source: PublicKey, message: Uint8Array): FirstRead | undefined {
    const noise = this.#start(source, false, message.subarray(0, NOISE_AT));
    const octets = noise?.readMessage(message.subarray(NOISE_AT));
    const payload = octets && readFirstPayload(octets);
    if (noise === undefined || payload === undefined) return undefined;
    return payload.version === E2E_VERSION ? { payload, noise } : undefined;
  }

  makeSecond({ noise }: FirstRead, receiverSid: number, sid: number): SecondMade | undefined {
    const payload = { sid, version: E2E_VERSION, features: this.#features, instance: this.#instance };
    const body = noise.writeMessage(newPair(this.#context), writeSecondPayload(payload));
    return body && { message: concatenate([headOf(E2E.second, receiverSid), body]), keys: noise.split() };
  }

  /** Reads on a copy: what does not open leaves `waiting` as it is. */
  readSecond(waiting: NoiseHandshake, message: Uint8Array): SecondRead | undefined {
    const noise = waiting.clone();
    const octets = noise.readMessage(message.subarray(NOISE_AT));
    const payload = octets && readSecondPayload(octets);
    if (payload?.version === E2E_VERSION) return { payload, keys: noise.split() };
    noise.wipe();
    return undefined;
  }

  #ownPair(): KeyPair | undefined {
    const { crypto, key, signer } = this.#context;
    const publicHalf = this.#staticPair?.publicKey ?? crypto.x25519FromEd25519(key);
    this.#staticPair ??= publicHalf && { publicKey: publicHalf, privateKey: signer.x25519Private };
    return this.#staticPair;
  }

  #start(peer: PublicKey, isInitiator: boolean, head: Uint8Array): NoiseHandshake | undefined {
    const { crypto, key } = this.#context;
    const remoteStatic = crypto.x25519FromEd25519(peer);
    const staticPair = this.#ownPair();
    if (remoteStatic === undefined || staticPair === undefined) return undefined;
    const [initiator, responder] = isInitiator ? [key, peer] : [peer, key];
    return new NoiseHandshake(crypto, {
      pattern: 'KKpsk0',
      isInitiator,
      prologue: concatenate([LABEL, initiator, responder, head]),
      staticPair,
      remoteStatic,
      psk: this.#psk,
    });
  }
}

/** What we speak beside the version (section 17): super-packets only where our TUN can give and take them. */
export function featuresOf({ cutter, compresses = true }: Pick<NodeOptions, 'cutter' | 'compresses'>): number {
  return (cutter === undefined ? 0 : FEATURE_SUPER_PACKETS) | (compresses ? FEATURE_COMPRESSION : 0);
}

const LABEL = new TextEncoder().encode('ratatosk e2e v1\0');

/** Section 18. */
function groupPsk(context: Context): Uint8Array {
  const group = groupPreimage(context);
  if (group.length === 0) return ZERO_PSK;
  return context.crypto.hmacSha256(group, new TextEncoder().encode('ratatosk e2e psk v1'));
}

function headOf(type: number, sid: number): Uint8Array {
  const head = new Uint8Array(NOISE_AT);
  writeSid(head, 0, type, sid);
  return head;
}
