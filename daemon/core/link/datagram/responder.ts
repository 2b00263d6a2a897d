/** Answering an INIT, in the order of link document, section 4.2: what is cheap to fail at comes first. */
import {
  CARRIED_IRONWOOD,
  INIT_MAC1_AT,
  indexOf,
  MAC,
  NOISE_AT,
  PACKET,
  type Payload1,
  RX_MTU_MIN,
  readPayload1,
  writeHead,
  writePayload2,
} from '../../../wire/link-packets.ts';
import type { Context } from '../../context.ts';
import { COOKIE_LIFE_MS, INITS_REMEMBERED } from '../../limits.ts';
import { NoiseHandshake } from '../../noise.ts';
import { compareOctets, equalOctets, OctetMap } from '../../octetmap.ts';
import type { PublicKey } from '../../port.ts';
import type { DropReason } from '../../stats.ts';
import type { AddressRow } from './addresses.ts';
import type { Dials } from './dials.ts';
import { isTimely } from './identities.ts';
import type { Initiations } from './initiations.ts';
import type { KeyTable } from './key-table.ts';
import { LinkKey, type StoredResp, type Terms } from './link-key.ts';
import type { LinkTable } from './link-table.ts';
import type { Load } from './load.ts';
import { macKeys, openCookie, withMac2, withMacs } from './macs.ts';
import { prologueOf } from './prologue.ts';
import type { DatagramSocket, Password } from './socket.ts';

/** One INIT whose MACs are right. */
export type ReceivedInit = {
  readonly socket: DatagramSocket;
  readonly password: Password;
  readonly packet: Uint8Array;
  readonly row: AddressRow;
};

type Seen = { readonly mac1: Uint8Array; readonly resp: StoredResp };

export class Responder {
  readonly #context: Context;
  readonly #keys: KeyTable;
  readonly #dials: Dials;
  readonly #links: LinkTable;
  readonly #initiations: Initiations;
  readonly #load: Load;
  readonly #send: (socket: DatagramSocket, packet: Uint8Array, row: AddressRow) => void;
  /** Accepted INITs by their mac1. */
  readonly #seen: OctetMap<Seen>;

  constructor(
    context: Context,
    parts: { keys: KeyTable; dials: Dials; links: LinkTable; initiations: Initiations; load: Load },
    send: (socket: DatagramSocket, packet: Uint8Array, row: AddressRow) => void,
  ) {
    this.#context = context;
    this.#keys = parts.keys;
    this.#dials = parts.dials;
    this.#links = parts.links;
    this.#initiations = parts.initiations;
    this.#load = parts.load;
    this.#send = send;
    this.#seen = new OctetMap(MAC, context.hashSeed);
  }

  received(init: ReceivedInit): void {
    const refusal = this.#answer(init);
    if (refusal === undefined) this.#context.stats.count('initsAnswered');
    else this.#context.stats.drop(refusal);
  }

  /** A COOKIE for an answer that was not accepted; it goes into the next copy. */
  cookieReceived(socket: DatagramSocket, packet: Uint8Array): void {
    const { crypto, nowMs, stats } = this.#context;
    const index = indexOf(packet);
    for (const { peerIndex, resp, terms } of this.#keys.unconfirmed.values()) {
      if (peerIndex !== index || resp === undefined || terms.socket !== socket) continue;
      const octets = openCookie(crypto, resp.macs, packet, resp.packet.subarray(resp.packet.length - MAC));
      if (octets === undefined) continue;
      resp.cookie = { octets, untilMs: nowMs + COOKIE_LIFE_MS };
      return;
    }
    stats.drop('handshake unasked');
  }

  #answer(init: ReceivedInit): DropReason | undefined {
    const { socket, password, packet, row } = init;
    const { crypto, signer, key: ownKey, nowMs } = this.#context;
    const { identities } = this.#keys;
    const seen = this.#seen.get(packet, INIT_MAC1_AT);
    if (seen !== undefined) return this.#repeat(seen.resp, row);
    if (!this.#load.take(row, socket.constants)) return 'handshake rate';
    const noise = new NoiseHandshake(crypto, {
      pattern: 'IKpsk1',
      isInitiator: false,
      prologue: prologueOf(ownKey, packet),
      staticPair: { publicKey: identities.ownForm, privateKey: signer.x25519Private },
      remoteStatic: undefined,
      psk: password.psk,
    });
    const message = packet.subarray(NOISE_AT, INIT_MAC1_AT);
    const form = noise.readStatic(message);
    if (form === undefined) return 'handshake unreadable';
    if (equalOctets(form, identities.ownForm)) return 'handshake own key';
    const admitted = this.#admitted(socket, password);
    const mayComeIn = admitted?.some((key) => equalOctets(identities.formOf(key) ?? NOTHING, form)) ?? true;
    if (!mayComeIn) return 'handshake key not allowed';
    const payload = noise.readMessage(message);
    const fields = payload && readPayload1(payload);
    if (fields === undefined) return 'handshake unreadable';
    const isCompatible =
      fields.carried === CARRIED_IRONWOOD &&
      fields.carrierClass === socket.constants.code &&
      fields.rxMtu >= RX_MTU_MIN &&
      fields.instance !== 0;
    if (!isCompatible) return 'handshake incompatible';
    const key = identities.keyOf(form, fields.sign);
    if (key === undefined) return 'handshake unreadable';
    if (admitted?.every((allowed) => !equalOctets(allowed, key))) return 'handshake key not allowed';
    return this.#accept(init, key, fields, noise, nowMs);
  }

  #accept(
    { socket, password, packet, row }: ReceivedInit,
    key: PublicKey,
    fields: Payload1,
    noise: NoiseHandshake,
    nowMs: number,
  ): DropReason | undefined {
    const { identities, unconfirmed } = this.#keys;
    const known = identities.get(key);
    const isSameLink = (other: LinkKey): boolean =>
      other.terms.socket === socket && other.terms.peerInstance === fields.instance;
    const victims = known === undefined ? [] : unconfirmed.victims(known, isSameLink);
    if (known !== undefined) {
      const isLower = fields.timestamp <= known.timestamp;
      const wouldReplaceHigher = victims.some((victim) => victim.terms.timestamp > fields.timestamp);
      if (!isTimely(known, fields.timestamp, socket.constants, nowMs)) return 'handshake stale';
      if (isLower && wouldReplaceHigher) return 'handshake stale';
    }
    if (!this.#givesWay(key, row)) return 'handshake crossed';
    if (unconfirmed.isFull && victims.length === 0) return 'handshake no room';
    const link = known?.links.find(
      (one) => one.socket === socket && one.ownInstance === fields.peerInstance && one.peerInstance === fields.instance,
    );
    if (link === undefined && !this.#links.hasRoom(key, known, fields.instance, row)) return 'handshake no room';
    const ownInstance =
      link?.ownInstance ?? known?.unconfirmed.find(isSameLink)?.terms.ownInstance ?? this.#links.newInstance();
    const identity = identities.remember(key);
    if (fields.timestamp <= identity.timestamp) identity.lowerAcceptedMs = nowMs;
    const terms: Terms = {
      socket,
      password,
      identity,
      address: row,
      ownInstance,
      peerInstance: fields.instance,
      theirs: fields,
      timestamp: fields.timestamp,
    };
    const answered = this.#respond(packet, terms, noise);
    if (answered === undefined) {
      identities.release(identity);
      return 'handshake unreadable';
    }
    for (const victim of victims) this.#keys.eraseKey(victim);
    this.#keys.addKey(answered);
    unconfirmed.add(answered);
    this.#load.accepted();
    this.#context.timers.arm(nowMs + socket.constants.confirmWaitMs);
    return undefined;
  }

  /** Makes the keys and sends the RESP. */
  #respond(init: Uint8Array, terms: Terms, noise: NoiseHandshake): LinkKey | undefined {
    const { crypto, nowMs } = this.#context;
    const { socket, identity, password, address } = terms;
    const index = this.#keys.newIndex();
    const peerIndex = indexOf(init);
    const payload = writePayload2({
      index,
      carried: CARRIED_IRONWOOD,
      features: socket.constants.features,
      rxMtu: socket.facts.mtu,
      priority: socket.facts.priority,
      carrierClass: socket.constants.code,
      instance: terms.ownInstance,
      echo: terms.peerInstance,
    });
    const message = noise.writeMessage(crypto.x25519Pair(this.#context.randomOctets(32)), payload);
    if (message === undefined) return undefined;
    const macs = macKeys(crypto, password.psk, identity.key);
    const packet = withMacs(crypto, macs, [writeHead(PACKET.resp, peerIndex), message]);
    const key = new LinkKey(noise.split(), { index, peerIndex }, false, terms, nowMs);
    key.resp = { packet, macs, socket, sentMs: nowMs, cookie: undefined, isWanted: true };
    this.#remember(init, key.resp);
    this.#send(socket, packet, address);
    return key;
  }

  /** A retransmission or a replay: the same answer again, not too often, while nobody has used its key. */
  #repeat(resp: StoredResp, row: AddressRow): DropReason | undefined {
    const { nowMs, crypto } = this.#context;
    const { socket, cookie, packet } = resp;
    if (!resp.isWanted || nowMs - resp.sentMs < socket.constants.respAgainMs) return 'handshake repeated';
    resp.sentMs = nowMs;
    const isHeld = cookie !== undefined && nowMs < cookie.untilMs;
    this.#send(socket, isHeld ? withMac2(crypto, cookie.octets, packet) : packet, row);
    return undefined;
  }

  #remember(packet: Uint8Array, resp: StoredResp): void {
    const oldest = this.#seen.size >= INITS_REMEMBERED ? this.#seen.oldest() : undefined;
    if (oldest !== undefined) this.#seen.delete(oldest.mac1);
    const mac1 = packet.slice(INIT_MAC1_AT, INIT_MAC1_AT + MAC);
    this.#seen.set(mac1, { mac1, resp });
  }

  /** Both sides began (section 4.4): the lower identity goes on, the higher one answers. */
  #givesWay(key: PublicKey, row: AddressRow): boolean {
    const own = this.#initiations.at(key, row).filter((one) => one.pending.length > 0 || one.unheard !== undefined);
    const isLower = compareOctets(this.#context.key, key) < 0;
    if (isLower) return own.length === 0 && !this.#links.hasUnheardKey(key, row);
    for (const initiation of own) this.#initiations.yieldTo(initiation);
    return true;
  }

  /** Who may come in with this password; undefined: everyone. */
  #admitted(socket: DatagramSocket, password: Password): PublicKey[] | undefined {
    const { allowedKeys } = this.#context;
    const { isListener } = password;
    if (isListener && (socket.facts.isExemptFromAllowList || allowedKeys.length === 0)) return undefined;
    const keys = isListener ? [...allowedKeys] : [];
    for (const dial of this.#dials.values()) {
      const isAsked = dial.socket === socket && dial.password === password;
      if (isAsked || (isListener && dial.facts.isConfigured)) keys.push(dial.facts.key);
    }
    for (const link of this.#links.values()) if (link.password === password) keys.push(link.identity.key);
    return keys;
  }
}

const NOTHING = new Uint8Array(0);
