/** The handshakes that we began: sending INIT, reading RESP (link document, sections 4.3 and 4.4). */
import {
  CARRIED_IRONWOOD,
  INIT_MAC1_AT,
  NOISE_AT,
  PACKET,
  RESP_MAC1_AT,
  RX_MTU_MIN,
  readPayload2,
  writeHead,
  writePayload1,
} from '../../../wire/link-packets.ts';
import type { Context } from '../../context.ts';
import { ATTEMPTS_PENDING, COOKIE_LIFE_MS, HANDSHAKES_OUT, INIT_SENDINGS } from '../../limits.ts';
import { NoiseHandshake } from '../../noise.ts';
import { compareOctets, equalOctets } from '../../octetmap.ts';
import type { PublicKey } from '../../port.ts';
import type { AddressRow } from './addresses.ts';
import type { DatagramLink } from './datagram-link.ts';
import type { Attempt, Initiation } from './initiation.ts';
import type { KeyTable } from './key-table.ts';
import { LinkKey } from './link-key.ts';
import { macKeys, openCookie, withMac2, withMacs } from './macs.ts';
import { prologueOf } from './prologue.ts';
import type { DatagramSocket } from './socket.ts';

export type InitiationPorts = {
  send(socket: DatagramSocket, packet: Uint8Array, row: AddressRow): void;
  /** Says PING under a new key until something comes back. */
  ping(key: LinkKey): void;
  /** A link has a new key. */
  renewed(link: DatagramLink, key: LinkKey): void;
  /** Nothing more will be tried. */
  failed(initiation: Initiation, reason: string): void;
};

export type Plan = Pick<
  Initiation,
  'socket' | 'key' | 'form' | 'address' | 'password' | 'priority' | 'dial' | 'link' | 'ownInstance'
>;

/** One attempt of a dial that a beacon caused is sent this often on radio. */
const SENDINGS_BY_BEACON = 2;

export class Initiations {
  readonly #context: Context;
  readonly #keys: KeyTable;
  readonly #ports: InitiationPorts;
  /** In the order of their beginning. */
  readonly #all = new Set<Initiation>();
  #lastTimestamp = 0;

  constructor(context: Context, keys: KeyTable, ports: InitiationPorts) {
    this.#context = context;
    this.#keys = keys;
    this.#ports = ports;
  }

  get size(): number {
    return this.#all.size;
  }

  values(): IterableIterator<Initiation> {
    return this.#all.values();
  }

  start(plan: Plan): Initiation {
    const { nowMs, timers, crypto } = this.#context;
    const initiation: Initiation = {
      ...plan,
      macs: macKeys(crypto, plan.password.psk, plan.key),
      pending: [],
      unheard: undefined,
      cookie: undefined,
      attempts: 0,
      startedMs: undefined,
      nextMs: nowMs + (isAwaited(plan) ? 0 : this.#spread(plan.socket)),
    };
    this.#all.add(initiation);
    timers.arm(nowMs);
    return initiation;
  }

  /** Forgets it and everything that would come of it. */
  stop(initiation: Initiation): void {
    if (!this.#all.delete(initiation)) return;
    this.#erasePending(initiation);
    this.dropUnheard(initiation);
    // Another one may have waited for its place.
    this.#context.timers.arm(this.#context.nowMs);
  }

  /** The key that it led to serves a link now. */
  succeeded(initiation: Initiation): void {
    initiation.unheard = undefined;
    this.stop(initiation);
  }

  dropUnheard(initiation: Initiation): void {
    if (initiation.unheard !== undefined) this.#keys.eraseKey(initiation.unheard);
    initiation.unheard = undefined;
  }

  /** Those aimed at an identity at an address. */
  at(key: PublicKey, row: AddressRow): Initiation[] {
    if (this.#all.size === 0) return [];
    return [...this.#all].filter((one) => equalOctets(one.address, row) && equalOctets(one.key, key));
  }

  /** The other side begins as well, and is the one to go on: what we sent is void. */
  yieldTo(initiation: Initiation): void {
    if (initiation.pending.length === 0) return;
    this.#erasePending(initiation);
    this.#sleep(initiation, initiation.socket.constants.retryMs.first);
  }

  timer(nowMs: number): void {
    let running = 0;
    for (const initiation of [...this.#all]) {
      if (initiation.startedMs === undefined) {
        if (running >= HANDSHAKES_OUT) break;
        initiation.startedMs = Math.max(nowMs, initiation.nextMs);
      }
      running++;
      if (nowMs >= initiation.nextMs) this.#advance(initiation, initiation.startedMs);
      if (this.#all.has(initiation)) this.#context.timers.arm(initiation.nextMs);
    }
  }

  /** A RESP whose MACs are right. What does not open leaves the attempt as it was. */
  respReceived(attempt: Attempt, packet: Uint8Array): void {
    const { stats, nowMs } = this.#context;
    const { initiation } = attempt;
    const { socket, link } = initiation;
    const noise = attempt.noise.clone();
    const payload = noise.readMessage(packet.subarray(NOISE_AT, RESP_MAC1_AT));
    if (payload === undefined) return stats.drop('handshake unreadable');
    const fields = readPayload2(payload);
    const isCompatible =
      fields !== undefined &&
      fields.carried === CARRIED_IRONWOOD &&
      fields.carrierClass === socket.constants.code &&
      fields.rxMtu >= RX_MTU_MIN &&
      fields.echo === initiation.ownInstance &&
      fields.index !== 0;
    if (!isCompatible) return stats.drop('handshake incompatible');
    const identity = this.#keys.identities.remember(initiation.key);
    identity.heardMs = nowMs;
    const key = new LinkKey(
      noise.split(),
      { index: attempt.index, peerIndex: fields.index },
      true,
      {
        socket,
        password: initiation.password,
        identity,
        address: initiation.address,
        ownInstance: initiation.ownInstance,
        peerInstance: fields.instance,
        theirs: fields,
        timestamp: attempt.timestamp,
      },
      nowMs,
    );
    this.#erasePending(initiation);
    this.#keys.addKey(key);
    this.#eraseCrossed(key);
    if (link !== undefined && link.peerInstance === fields.instance) {
      this.#ports.renewed(link, key);
      this.stop(initiation);
    } else {
      this.dropUnheard(initiation);
      initiation.unheard = key;
      key.initiation = initiation;
      this.#sleep(initiation, socket.constants.confirmWaitMs);
    }
    this.#ports.ping(key);
  }

  /** A COOKIE for a pending attempt: used at the next sending, which it does not hasten. */
  cookieReceived({ initiation, packet: init }: Attempt, packet: Uint8Array): void {
    const { crypto, stats, nowMs } = this.#context;
    const octets = openCookie(crypto, initiation.macs, packet, init.subarray(INIT_MAC1_AT));
    if (octets === undefined) return stats.drop('handshake unreadable');
    initiation.cookie = { octets, untilMs: nowMs + COOKIE_LIFE_MS };
  }

  #advance(initiation: Initiation, startedMs: number): void {
    const { nowMs } = this.#context;
    const { retryMs, giveUpMs, code } = initiation.socket.constants;
    // Answered, and then nothing came under the new key.
    this.dropUnheard(initiation);
    if (initiation.link !== undefined) initiation.address = initiation.link.channel.address;
    if (nowMs - startedMs >= giveUpMs) return this.#fail(initiation);
    const freeMs = this.#answeredUntilMs(initiation);
    if (freeMs > nowMs) {
      initiation.nextMs = freeMs;
      return;
    }
    const mayTry = initiation.dial?.facts.attempts ?? 0;
    const sendings = mayTry > 0 && code === 2 ? SENDINGS_BY_BEACON : INIT_SENDINGS;
    let attempt = initiation.pending.at(-1);
    if (attempt === undefined || attempt.sendings >= sendings) {
      if (mayTry > 0 && initiation.attempts >= mayTry) return this.#fail(initiation);
      attempt = this.#newAttempt(initiation);
      if (attempt === undefined) return this.#fail(initiation);
    }
    const { cookie } = initiation;
    const isHeld = cookie !== undefined && nowMs < cookie.untilMs;
    const packet = isHeld ? withMac2(this.#context.crypto, cookie.octets, attempt.packet) : attempt.packet;
    this.#ports.send(initiation.socket, packet, initiation.address);
    this.#context.stats.count('initsSent');
    // The last gap once more before the next attempt: on a slow radio that makes four sendings a minute and not three.
    const doublings = Math.min(attempt.sendings++, INIT_SENDINGS - 2);
    this.#sleep(initiation, Math.min(retryMs.first * 2 ** doublings, retryMs.cap));
  }

  #newAttempt(initiation: Initiation): Attempt | undefined {
    const { crypto, signer, key: ownKey } = this.#context;
    const { socket, key, form, link } = initiation;
    const { constants, facts } = socket;
    const index = this.#keys.newIndex();
    const head = writeHead(PACKET.init, index);
    const noise = new NoiseHandshake(crypto, {
      pattern: 'IKpsk1',
      isInitiator: true,
      prologue: prologueOf(key, head),
      staticPair: { publicKey: this.#ownForm, privateKey: signer.x25519Private },
      remoteStatic: form,
      psk: initiation.password.psk,
    });
    const timestamp = Math.max(this.#context.unixMs(), this.#lastTimestamp + 1);
    this.#lastTimestamp = timestamp;
    const payload = writePayload1({
      sign: (ownKey[31] as number) >> 7,
      carried: CARRIED_IRONWOOD,
      features: constants.features,
      rxMtu: facts.mtu,
      priority: initiation.priority,
      carrierClass: constants.code,
      timestamp,
      instance: initiation.ownInstance,
      peerInstance: link?.peerInstance ?? 0,
    });
    const message = noise.writeMessage(crypto.x25519Pair(this.#context.randomOctets(32)), payload);
    if (message === undefined) return undefined;
    const packet = withMacs(crypto, initiation.macs, [head, message]);
    const attempt: Attempt = { initiation, index, timestamp, noise, packet, sendings: 0 };
    if (initiation.pending.length >= ATTEMPTS_PENDING) {
      this.#keys.eraseAttempt(initiation.pending.shift() as Attempt);
    }
    initiation.pending.push(attempt);
    initiation.attempts++;
    this.#keys.addAttempt(attempt);
    return attempt;
  }

  get #ownForm(): Uint8Array {
    return this.#keys.identities.ownForm;
  }

  /** Until when the other side's own handshake, which we answered, may still succeed. */
  #answeredUntilMs({ key, address, socket }: Initiation): number {
    let untilMs = Number.NEGATIVE_INFINITY;
    for (const { terms, createdMs } of this.#keys.identities.get(key)?.unconfirmed ?? []) {
      if (equalOctets(terms.address, address)) untilMs = Math.max(untilMs, createdMs + socket.constants.retryMs.first);
    }
    return untilMs;
  }

  /**
   * The answer is fresh: keys of another life of the other side are void. Of two handshakes that crossed, that of the
   * lower identity stands.
   */
  #eraseCrossed(key: LinkKey): void {
    const { identity, address, peerInstance } = key.terms;
    const isLower = compareOctets(this.#context.key, identity.key) < 0;
    for (const other of [...identity.unconfirmed]) {
      const isOtherLife = other.terms.peerInstance >>> 16 !== peerInstance >>> 16;
      if (isOtherLife || (isLower && equalOctets(other.terms.address, address))) this.#keys.eraseKey(other);
    }
  }

  #fail(initiation: Initiation): void {
    this.stop(initiation);
    this.#ports.failed(initiation, 'no answer');
  }

  #erasePending(initiation: Initiation): void {
    for (const attempt of initiation.pending.splice(0)) this.#keys.eraseAttempt(attempt);
  }

  #sleep(initiation: Initiation, delayMs: number): void {
    initiation.nextMs = this.#context.nowMs + delayMs + this.#spread(initiation.socket);
    this.#context.timers.arm(initiation.nextMs);
  }

  #spread({ constants }: DatagramSocket): number {
    const [high = 0, low = 0] = this.#context.randomOctets(2);
    return ((high * 256 + low) / 65_536) * constants.spreadMs;
  }
}

/** Somebody waits for it, nobody else begins because of what has made us begin, and there is no channel to share. */
function isAwaited({ dial, socket }: Plan): boolean {
  return dial?.facts.isConfigured === true && socket.constants.hasAddresses;
}
