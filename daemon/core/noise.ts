/**
 * Noise handshakes of two messages (The Noise Protocol Framework, revision 34): IKpsk1 for links, KKpsk0 for end-to-end
 * sessions, both with X25519, ChaCha20-Poly1305 and SHA-256. A message is what its side writes from `e` to the payload;
 * the framing around it belongs to the caller.
 */
import { openOne, sealOne } from './one-aead.ts';
import type { Crypto, KeyPair } from './port.ts';

export type NoisePattern = 'IKpsk1' | 'KKpsk0';

export type NoiseOptions = {
  readonly pattern: NoisePattern;
  readonly isInitiator: boolean;
  readonly prologue: Uint8Array;
  readonly staticPair: KeyPair;
  /** Undefined only for the responder of IKpsk1, who reads it in the first message. */
  readonly remoteStatic: Uint8Array | undefined;
  /** 32 octets. They stay the caller's. */
  readonly psk: Uint8Array;
};

/** 32 octets each; the caller wipes them. */
export type TransportKeys = { readonly send: Uint8Array; readonly receive: Uint8Array };

export type NoiseCrypto = Pick<Crypto, 'x25519' | 'hmacSha256' | 'sha256' | 'aead'>;

/** `payload` ends every message. The DH tokens name the initiator's key first. */
type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk' | 'payload';
type Dh = 'ee' | 'es' | 'se' | 'ss';

const KEY_SIZE = 32;
const HASH_SIZE = 32;
const TAG_SIZE = 16;
const ANSWER: readonly Token[] = ['e', 'ee', 'se', 'payload'];
const MESSAGES: Record<NoisePattern, readonly (readonly Token[])[]> = {
  IKpsk1: [['e', 'es', 's', 'ss', 'psk', 'payload'], ANSWER],
  KKpsk0: [['psk', 'e', 'es', 'ss', 'payload'], ANSWER],
};
const MESSAGE_COUNT = 2;

/** What a handshake that reads and one that writes leave behind, octet by octet. */
type Secrets = {
  chainingKey: Uint8Array;
  hash: Uint8Array;
  key: Uint8Array | undefined;
  ephemeral: KeyPair | undefined;
  remoteStatic: Uint8Array | undefined;
  remoteEphemeral: Uint8Array | undefined;
  /** Of `key`. */
  nonce: number;
  /** Messages done. */
  message: number;
  /** Tokens of this message done, and octets of it read. */
  token: number;
  at: number;
};

/**
 *     waiting --writeMessage / readMessage--> waiting --the second--> complete --split--> spent
 *        |--readStatic (responder of IKpsk1), then readMessage
 *        '--a message that does not open, a DH result of zero--> spent
 *
 * A message that may be forged is read on a `clone`; the original then waits for the genuine one.
 */
export class NoiseHandshake {
  readonly #crypto: NoiseCrypto;
  readonly #options: NoiseOptions;
  readonly #state: Secrets;

  /** @param from only for `clone` */
  constructor(crypto: NoiseCrypto, options: NoiseOptions, from?: Secrets) {
    this.#crypto = crypto;
    this.#options = options;
    this.#state = from ?? this.#start();
  }

  /** The other side's X25519 key: from the start, or since it was read and found authentic. */
  get remoteStatic(): Uint8Array | undefined {
    return this.#state.remoteStatic;
  }

  get isComplete(): boolean {
    return this.#state.message === MESSAGE_COUNT;
  }

  /** Equal on both sides when complete. */
  get handshakeHash(): Uint8Array {
    return this.#state.hash;
  }

  clone(): NoiseHandshake {
    const { chainingKey, hash, key, ephemeral, ...rest } = this.#state;
    return new NoiseHandshake(this.#crypto, this.#options, {
      ...rest,
      chainingKey: chainingKey.slice(),
      hash: hash.slice(),
      key: key?.slice(),
      ephemeral: ephemeral && { publicKey: ephemeral.publicKey, privateKey: ephemeral.privateKey.slice() },
    });
  }

  /**
   * @param ephemeral fresh for this message; copied
   * @returns undefined if the other side's keys lead nowhere (a DH result of zero)
   */
  writeMessage(ephemeral: KeyPair, payload: Uint8Array): Uint8Array | undefined {
    if (!this.#isMine()) throw new Error('this side of the handshake has nothing to write now');
    const state = this.#state;
    state.ephemeral = { publicKey: ephemeral.publicKey, privateKey: ephemeral.privateKey.slice() };
    const parts: Uint8Array[] = [];
    for (const token of this.#tokens()) {
      if (token === 'payload') parts.push(this.#encrypt(payload));
      else if (token === 'e') parts.push(this.#mixEphemeral(ephemeral.publicKey));
      else if (token === 's') parts.push(this.#encrypt(this.#options.staticPair.publicKey));
      else if (!this.#mixSecret(token)) return this.#fail();
    }
    this.#endMessage();
    return concatenate(parts);
  }

  /**
   * Reads a first message of IKpsk1 as far as the sender's static key: one DH. `readMessage` goes on with the same
   * message, for one DH more. Undefined: not for us.
   */
  readStatic(message: Uint8Array): Uint8Array | undefined {
    return this.#read(message, 's') && this.#state.remoteStatic;
  }

  /** The payload; undefined for a message that is not authentic. After that this state is spent. */
  readMessage(message: Uint8Array): Uint8Array | undefined {
    const payload = this.#read(message, 'payload');
    if (payload !== undefined) this.#endMessage();
    return payload;
  }

  /** The keys of both directions, as this side uses them. Once, when complete; the state is spent. */
  split(): TransportKeys {
    if (!this.isComplete) throw new Error('keys are split when the handshake is complete');
    const [first, second, unused] = this.#derive(new Uint8Array(0));
    unused.fill(0);
    this.wipe();
    const { isInitiator } = this.#options;
    return { send: isInitiator ? first : second, receive: isInitiator ? second : first };
  }

  /** Forgets every secret. Nothing can be done with the state afterwards. */
  wipe(): void {
    const state = this.#state;
    state.chainingKey.fill(0);
    state.key?.fill(0);
    state.ephemeral?.privateKey.fill(0);
    state.message = Number.POSITIVE_INFINITY;
  }

  /** Section 5.3 of the framework; both patterns begin with what each side knows of the other. */
  #start(): Secrets {
    const { pattern, isInitiator, prologue, staticPair, remoteStatic } = this.#options;
    const name = new TextEncoder().encode(`Noise_${pattern}_25519_ChaChaPoly_SHA256`);
    const hash = this.#crypto.sha256(name);
    const fresh = { key: undefined, ephemeral: undefined, remoteStatic, remoteEphemeral: undefined };
    const state: Secrets = { chainingKey: hash.slice(), hash, ...fresh, nonce: 0, message: 0, token: 0, at: 0 };
    const mix = (octets: Uint8Array | undefined) => {
      if (octets === undefined) throw new Error(`this side of ${pattern} needs the other's static key`);
      state.hash = this.#crypto.sha256(concatenate([state.hash, octets]));
    };
    mix(prologue);
    if (pattern === 'KKpsk0') mix(isInitiator ? staticPair.publicKey : remoteStatic);
    mix(isInitiator ? remoteStatic : staticPair.publicKey);
    return state;
  }

  /** The side whose turn it is writes; the initiator begins. */
  #isMine(): boolean {
    return this.#state.message < MESSAGE_COUNT && (this.#state.message === 0) === this.#options.isInitiator;
  }

  #tokens(): readonly Token[] {
    return MESSAGES[this.#options.pattern][this.#state.message] ?? [];
  }

  /** Up to and with `last`; gives what `last` decrypted. */
  #read(message: Uint8Array, last: 's' | 'payload'): Uint8Array | undefined {
    const state = this.#state;
    const tokens = this.#tokens();
    if (this.#isMine() || !tokens.includes(last)) throw new Error('this side of the handshake has nothing to read now');
    while (state.token < tokens.length) {
      const token = tokens[state.token++] as Token;
      let read: Uint8Array | undefined;
      if (token === 'payload') {
        read = this.#decrypt(message.subarray(state.at));
      } else if (token === 'e') {
        if (message.length < state.at + KEY_SIZE) return this.#fail();
        state.remoteEphemeral = message.slice(state.at, state.at + KEY_SIZE);
        read = this.#mixEphemeral(state.remoteEphemeral);
        state.at += KEY_SIZE;
      } else if (token === 's') {
        read = this.#decrypt(message.subarray(state.at, state.at + KEY_SIZE + TAG_SIZE));
        if (read?.length !== KEY_SIZE) return this.#fail();
        state.remoteStatic = read;
        state.at += KEY_SIZE + TAG_SIZE;
      } else if (!this.#mixSecret(token)) {
        return this.#fail();
      }
      if (token === last) return read ?? this.#fail();
    }
    return this.#fail();
  }

  #endMessage(): void {
    const state = this.#state;
    state.message++;
    state.token = 0;
    state.at = 0;
    if (!this.isComplete) return;
    state.ephemeral?.privateKey.fill(0);
    state.key?.fill(0);
  }

  #fail(): undefined {
    this.wipe();
  }

  /** With a psk in the pattern, ephemeral keys go into the chain as well (section 9.2 of the framework). */
  #mixEphemeral(octets: Uint8Array): Uint8Array {
    this.#mixHash(octets);
    this.#mixKey(octets);
    return octets;
  }

  #mixSecret(token: Dh | 'psk'): boolean {
    const state = this.#state;
    if (token === 'psk') {
      const [chainingKey, hash, key] = this.#derive(this.#options.psk);
      this.#replace(chainingKey, key);
      this.#mixHash(hash);
      return true;
    }
    const { isInitiator, staticPair } = this.#options;
    const [initiators, responders] = token;
    const ours = (isInitiator ? initiators : responders) === 'e' ? state.ephemeral : staticPair;
    const theirs = (isInitiator ? responders : initiators) === 'e' ? state.remoteEphemeral : state.remoteStatic;
    if (ours === undefined || theirs === undefined) throw new Error(`${token} comes before its keys`);
    const secret = this.#crypto.x25519(ours.privateKey, theirs);
    if (secret === undefined) return false;
    this.#mixKey(secret);
    secret.fill(0);
    return true;
  }

  #mixKey(input: Uint8Array): void {
    const [chainingKey, key, unused] = this.#derive(input);
    unused.fill(0);
    this.#replace(chainingKey, key);
  }

  #replace(chainingKey: Uint8Array, key: Uint8Array): void {
    const state = this.#state;
    state.chainingKey.fill(0);
    state.key?.fill(0);
    state.chainingKey = chainingKey;
    state.key = key;
    state.nonce = 0;
  }

  /** HKDF of the framework, with its three outputs. */
  #derive(input: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
    const { hmacSha256 } = this.#crypto;
    const temporary = hmacSha256(this.#state.chainingKey, input);
    const block = new Uint8Array(HASH_SIZE + 1);
    const next = (from: number, index: number): Uint8Array => {
      block[HASH_SIZE] = index;
      const output = hmacSha256(temporary, block.subarray(from));
      block.set(output);
      return output;
    };
    const outputs: [Uint8Array, Uint8Array, Uint8Array] = [next(HASH_SIZE, 1), next(0, 2), next(0, 3)];
    temporary.fill(0);
    block.fill(0);
    return outputs;
  }

  #mixHash(octets: Uint8Array): void {
    this.#state.hash = this.#crypto.sha256(concatenate([this.#state.hash, octets]));
  }

  #encrypt(text: Uint8Array): Uint8Array {
    const state = this.#state;
    if (state.key === undefined) throw new Error('both patterns have a key before they encrypt');
    const sealed = sealOne(this.#crypto.aead, state.key, state.nonce++, state.hash, text);
    this.#mixHash(sealed);
    return sealed;
  }

  #decrypt(sealed: Uint8Array): Uint8Array | undefined {
    const state = this.#state;
    if (state.key === undefined) throw new Error('both patterns have a key before they decrypt');
    const text = openOne(this.#crypto.aead, state.key, state.nonce++, state.hash, sealed);
    if (text !== undefined) this.#mixHash(sealed);
    return text;
  }
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
