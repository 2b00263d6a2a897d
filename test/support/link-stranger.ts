/** Someone who speaks the handshake of datagram links by hand, as well or as badly as a test wants. */
import { macKeys, withMacs } from '../../daemon/core/link/datagram/macs.ts';
import { prologueOf } from '../../daemon/core/link/datagram/prologue.ts';
import { NoiseHandshake, type TransportKeys } from '../../daemon/core/noise.ts';
import { sealOne } from '../../daemon/core/one-aead.ts';
import type { PublicKey } from '../../daemon/core/port.ts';
import {
  NOISE_AT,
  PACKET,
  type Payload1,
  RESP_MAC1_AT,
  readPayload2,
  writeDataHeader,
  writeHead,
  writePayload1,
} from '../../daemon/wire/link-packets.ts';
import { Chance, crypto, type Identity, UNIX_MS } from './core.ts';

export type Attempt = { readonly packet: Uint8Array; readonly index: number; readonly noise: NoiseHandshake };
export type Session = TransportKeys & { readonly peerIndex: number };

const PLAIN_PSK = new Uint8Array(32);

export class LinkStranger {
  readonly owner: Identity;
  readonly target: PublicKey;
  readonly psk: Uint8Array;
  readonly #chance: Chance;
  #timestamp = UNIX_MS;
  #link = 0;

  constructor(owner: Identity, target: PublicKey, psk: Uint8Array = PLAIN_PSK, seed = 1) {
    this.owner = owner;
    this.target = target;
    this.psk = psk;
    this.#chance = new Chance(seed);
  }

  /** A correct INIT of a new link, but for the changes. */
  init(changes: Partial<Payload1> & { form?: Uint8Array } = {}): Attempt {
    const { signer } = this.owner;
    const index = 1 + this.#chance.below(2 ** 32 - 1);
    const head = writeHead(PACKET.init, index);
    const ownForm = crypto.x25519FromEd25519(this.owner.key);
    const form = crypto.x25519FromEd25519(this.target);
    if (ownForm === undefined || form === undefined) throw new Error('both are points of the curve');
    const noise = new NoiseHandshake(crypto, {
      pattern: 'IKpsk1',
      isInitiator: true,
      prologue: prologueOf(this.target, head),
      staticPair: { publicKey: changes.form ?? ownForm, privateKey: signer.x25519Private },
      remoteStatic: form,
      psk: this.psk,
    });
    const payload: Payload1 = {
      sign: (this.owner.key[31] as number) >> 7,
      carried: 5,
      features: 1,
      rxMtu: 1_472,
      priority: 0,
      carrierClass: 0,
      timestamp: ++this.#timestamp,
      instance: 0x7777_0000 + ++this.#link,
      peerInstance: 0,
      ...changes,
    };
    const message = noise.writeMessage(crypto.x25519Pair(this.#chance.octets(32)), writePayload1(payload));
    if (message === undefined) throw new Error('the target is a point of the curve');
    return { packet: withMacs(crypto, macKeys(crypto, this.psk, this.target), [head, message]), index, noise };
  }

  /** Undefined: it is no answer to the attempt. */
  read({ noise }: Attempt, resp: Uint8Array): Session | undefined {
    const payload = noise.readMessage(resp.subarray(NOISE_AT, RESP_MAC1_AT));
    const fields = payload && readPayload2(payload);
    return fields && { ...noise.split(), peerIndex: fields.index };
  }
}

/** A record under the keys of a session. */
export function record({ send, peerIndex }: Session, counter: number, plaintext: Uint8Array): Uint8Array {
  const header = new Uint8Array(9);
  writeDataHeader(header, 0, PACKET.data32, peerIndex, counter);
  return Uint8Array.of(...header, ...sealOne(crypto.aead, send, counter, header, plaintext));
}

export const PING: Uint8Array = Uint8Array.of(1, 0, 0, 0, 7);
