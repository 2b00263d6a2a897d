/** One confirmed link: its keys, and the channel that lives inside their encryption (link document, sections 4.5 and 4.6). */
import type { Context } from '../../context.ts';
import type { ReplayWindow } from '../../replay-window.ts';
import { REKEY_AFTER_MESSAGES } from './classes.ts';
import type { Dial } from './dials.ts';
import type { Identity } from './identities.ts';
import type { KeyTable } from './key-table.ts';
import type { LinkChannel } from './link-channel.ts';
import type { LinkKey } from './link-key.ts';
import type { DatagramSocket, Password } from './socket.ts';

/** The responder of a key renews it only if its initiator is late by so much. */
const RESPONDER_DELAY = 1.15;

export class DatagramLink {
  readonly channel: LinkChannel;
  readonly socket: DatagramSocket;
  readonly identity: Identity;
  readonly password: Password;
  readonly ownInstance: number;
  readonly peerInstance: number;
  /** The wish that it fulfils. */
  dial: Dial | undefined;
  /** It waits in its socket's queue, because the channel has something to say. */
  isReady = false;
  /** The channel has something to say, and there is no key to say it under. */
  isMute = false;
  #current: LinkKey;
  #prev: LinkKey | undefined;
  #prevUntilMs = Number.POSITIVE_INFINITY;
  #rekeyAtMs = 0;
  /** Packets sealed for the channel since the key came. */
  #isUsed = false;
  readonly #context: Context;
  readonly #keys: KeyTable;

  constructor(context: Context, keys: KeyTable, first: LinkKey, channel: LinkChannel, password: Password) {
    const { socket, identity, ownInstance, peerInstance } = first.terms;
    this.#context = context;
    this.#keys = keys;
    this.channel = channel;
    this.socket = socket;
    this.identity = identity;
    this.password = password;
    this.ownInstance = ownInstance;
    this.peerInstance = peerInstance;
    this.#current = first;
    this.#install(first);
  }

  /** The key to seal under; undefined: none may be used any more. */
  get sealingKey(): LinkKey | undefined {
    return this.#current.maySeal(this.#context.nowMs, this.socket.constants) ? this.#current : undefined;
  }

  /** We asked for the current key and nothing has come under it. */
  get hasUnheardKey(): boolean {
    return this.#current.isInitiator && !this.#current.isHeard && !this.#current.isGone;
  }

  /** What has come under the key that we seal with. */
  get window(): ReplayWindow {
    return this.#current.window;
  }

  isCurrent(key: LinkKey): boolean {
    return key === this.#current;
  }

  sealed(): void {
    this.#isUsed = true;
  }

  /** A new key: we send under it at once. What comes under the one before is still read. */
  renew(key: LinkKey): void {
    if (this.#prev !== undefined) this.#keys.eraseKey(this.#prev);
    this.#prev = this.#current;
    this.#prevUntilMs = Number.POSITIVE_INFINITY;
    this.#current = key;
    this.#install(key);
    this.channel.rekeyed();
  }

  /** The first packet under a key. */
  heard(key: LinkKey): void {
    key.isHeard = true;
    if (key !== this.#current || this.#prev === undefined) return;
    this.#prevUntilMs = this.#context.nowMs + this.socket.constants.prevKeyHoldMs;
    this.#context.timers.arm(this.#prevUntilMs);
  }

  /** Erases keys that are over. */
  expireKeys(nowMs: number): void {
    const { constants } = this.socket;
    if (this.#prev !== undefined) {
      const untilMs = Math.min(this.#prevUntilMs, this.#prev.endsAtMs(constants));
      if (nowMs < untilMs) this.#context.timers.arm(untilMs);
      else {
        this.#keys.eraseKey(this.#prev);
        this.#prev = undefined;
      }
    }
    if (this.#current.isGone) return;
    const endsAtMs = this.#current.endsAtMs(constants);
    if (nowMs >= endsAtMs) this.#keys.eraseKey(this.#current);
    else this.#context.timers.arm(endsAtMs);
  }

  /** Whether a new handshake is due; otherwise arms the moment when it will be. */
  wantsKey(nowMs: number): boolean {
    const key = this.#current;
    if (key.isGone || this.isMute) return this.isMute;
    if (key.sealed >= REKEY_AFTER_MESSAGES) return true;
    const isDue = nowMs >= this.#rekeyAtMs;
    if (!isDue) this.#context.timers.arm(this.#rekeyAtMs);
    return isDue && this.#isUsed;
  }

  /** The link is over. */
  eraseKeys(): void {
    if (this.#prev !== undefined) this.#keys.eraseKey(this.#prev);
    this.#keys.eraseKey(this.#current);
  }

  #install(key: LinkKey): void {
    const { rekeyAfterMs } = this.socket.constants;
    const chance = (this.#context.randomOctets(1)[0] as number) / 256;
    const share = key.isInitiator ? 0.9 + 0.1 * chance : RESPONDER_DELAY + 0.05 * chance;
    key.link = this;
    this.#rekeyAtMs = key.createdMs + share * rekeyAfterMs;
    this.#isUsed = false;
    this.isMute = false;
    this.#context.timers.arm(this.#rekeyAtMs);
  }
}
