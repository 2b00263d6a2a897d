/** What every part of one node shares: its identity, the moment being handled, and where facts go. */

import { addressForKey, bloomItem, subnetForKey } from './identity.ts';
import { equalOctets } from './octetmap.ts';
import { BufferPool } from './pool.ts';
import type { CoreEvent, Crypto, NodeOptions, PublicKey, Signer } from './port.ts';
import { publicKey } from './port.ts';
import { Ledgers } from './radio/ledgers.ts';
import { Stats } from './stats.ts';
import { Timers } from './timers.ts';

export class Context {
  readonly options: NodeOptions;
  readonly crypto: Crypto;
  readonly signer: Signer;
  readonly key: PublicKey;
  readonly address: Uint8Array;
  readonly subnet: Uint8Array;
  readonly item: Uint8Array;
  readonly stats = new Stats();
  readonly timers = new Timers();
  readonly pool = new BufferPool();
  /** Of the radios of this node. */
  readonly ledgers: Ledgers;
  /** As in the options; they may change. */
  allowedKeys: readonly PublicKey[];
  nodeInfo: Uint8Array;
  /** Links of both families, against their common cap. */
  openLinks = 0;
  /** Seed of the hash tables. */
  readonly hashSeed: number;
  /** Events since the last drain. */
  events: CoreEvent[] = [];
  /** Monotonic time of the input being handled. */
  nowMs = 0;
  #unixOffsetMs = 0;

  constructor(options: NodeOptions) {
    this.options = options;
    this.allowedKeys = options.allowedKeys;
    this.nodeInfo = options.nodeInfo;
    this.crypto = options.crypto;
    this.ledgers = new Ledgers(options.airMemories ?? []);
    this.signer = options.crypto.ed25519Signer(options.seed);
    this.key = publicKey(this.signer.publicKey);
    this.address = addressForKey(this.key);
    this.subnet = subnetForKey(this.key);
    this.item = bloomItem(this.key);
    const seed = this.randomOctets(4);
    this.hashSeed = new DataView(seed.buffer).getInt32(0);
  }

  /** By `AllowedPublicKeys`, for links that come in. */
  isAllowed(key: Uint8Array): boolean {
    return this.allowedKeys.length === 0 || this.allowedKeys.some((allowed) => equalOctets(allowed, key));
  }

  setWallClock(unixMs: number): void {
    this.#unixOffsetMs = unixMs - this.nowMs;
  }

  unixMs(): number {
    return Math.floor(this.nowMs + this.#unixOffsetMs);
  }

  unixSeconds(): bigint {
    return BigInt(Math.floor(this.unixMs() / 1000));
  }

  randomOctets(count: number): Uint8Array {
    const octets = new Uint8Array(count);
    this.options.random(octets);
    return octets;
  }

  randomU64(): bigint {
    return new DataView(this.randomOctets(8).buffer).getBigUint64(0);
  }
}
