/** A handshake that we began: its attempts, and when the next INIT goes out (link document, section 4.3). */
import type { NoiseHandshake } from '../../noise.ts';
import type { PublicKey } from '../../port.ts';
import type { AddressRow } from './addresses.ts';
import type { DatagramLink } from './datagram-link.ts';
import type { Dial } from './dials.ts';
import type { LinkKey } from './link-key.ts';
import type { HeldCookie, MacKeys } from './macs.ts';
import type { DatagramSocket, Password } from './socket.ts';

/** One ephemeral key, one index, one timestamp. */
export type Attempt = {
  readonly initiation: Initiation;
  readonly index: number;
  readonly timestamp: number;
  readonly noise: NoiseHandshake;
  /** The INIT without mac2. */
  readonly packet: Uint8Array;
  sendings: number;
};

export type Initiation = {
  readonly socket: DatagramSocket;
  readonly key: PublicKey;
  /** X25519 form of the key. */
  readonly form: Uint8Array;
  /** Of a link: where it was at the last sending. */
  address: AddressRow;
  readonly password: Password;
  /** Towards the other side. */
  readonly macs: MacKeys;
  readonly priority: number;
  /** What asked for it: a dial, or a link that needs a new key. */
  readonly dial: Dial | undefined;
  readonly link: DatagramLink | undefined;
  readonly ownInstance: number;
  /** Attempts that may still be answered, oldest first. */
  readonly pending: Attempt[];
  /** Waits for the first packet under it, the answer being here. */
  unheard: LinkKey | undefined;
  cookie: HeldCookie | undefined;
  attempts: number;
  /** Undefined while too many others run. */
  startedMs: number | undefined;
  nextMs: number;
};
