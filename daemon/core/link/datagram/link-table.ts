/** The links that stand, and when a new key means an old link, a further link, or a restarted peer (section 4.6). */
import { FEATURE } from '../../../wire/link-packets.ts';
import type { Context } from '../../context.ts';
import { DATAGRAM_LINKS_FROM, LINKS_PER_ADDRESS, LINKS_PER_KEY, LINKS_RESERVED } from '../../limits.ts';
import { equalOctets } from '../../octetmap.ts';
import { type CloseReason, type LinkId, linkId, type PublicKey } from '../../port.ts';
import type { PipeUser } from '../pipe.ts';
import { type AddressRow, addressGroup, uriAt } from './addresses.ts';
import { Channel } from './channel.ts';
import { CLOSE } from './classes.ts';
import { DatagramLink } from './datagram-link.ts';
import type { Dial, Dials } from './dials.ts';
import { RepairSpace } from './fragments.ts';
import type { Identity } from './identities.ts';
import type { Initiations } from './initiations.ts';
import type { KeyTable } from './key-table.ts';
import type { LinkKey } from './link-key.ts';
import { RadioChannel } from './radio/channel.ts';
import { ReassemblySpace } from './reassembly.ts';
import { isProtocolError, retryAfterMs } from './retry.ts';

export type LinkPorts = {
  /** The channel of a link has something to say, or has closed. */
  mark(link: DatagramLink): void;
  /** Says CLOSE under a key that gets no link, then erases it. */
  refuse(key: LinkKey, code: number): void;
  removed(link: DatagramLink): void;
};

export class LinkTable {
  readonly #context: Context;
  readonly #keys: KeyTable;
  readonly #dials: Dials;
  readonly #user: PipeUser;
  readonly #ports: LinkPorts;
  readonly #links = new Map<LinkId, DatagramLink>();
  readonly #boot: number;
  readonly #space = new ReassemblySpace();
  readonly #repairSpace = new RepairSpace();
  #lastNumber = 0;

  constructor(context: Context, keys: KeyTable, dials: Dials, user: PipeUser, ports: LinkPorts) {
    this.#context = context;
    this.#keys = keys;
    this.#dials = dials;
    this.#user = user;
    this.#ports = ports;
    this.#boot = new DataView(context.randomOctets(2).buffer).getUint16(0);
  }

  get size(): number {
    return this.#links.size;
  }

  values(): IterableIterator<DatagramLink> {
    return this.#links.values();
  }

  get(id: LinkId): DatagramLink | undefined {
    return this.#links.get(id);
  }

  /** Of the next link: numbers begin at 1, and are used again only after all others. */
  newInstance(): number {
    this.#lastNumber = (this.#lastNumber % 0xffff) + 1;
    return this.#boot * 0x1_0000 + this.#lastNumber;
  }

  /** Whether a further link to an identity may stand. Those of its lives before will have gone by then. */
  hasRoom(key: PublicKey, identity: Identity | undefined, peerInstance: number, row: AddressRow): boolean {
    const { links } = this.#context.options.limits;
    const isConfigured = this.#dials.isConfigured(key);
    const room = isConfigured ? links : links - Math.min(LINKS_RESERVED, links >> 1);
    if (this.#context.openLinks >= room) return false;
    const parallel = identity?.links.filter((link) => isSameLife(link.peerInstance, peerInstance)) ?? [];
    if (parallel.length >= LINKS_PER_KEY) return false;
    return isConfigured || this.#countAt(row) < LINKS_PER_ADDRESS;
  }

  /** A link to this identity at this address sends under a key that the other side has not been heard under. */
  hasUnheardKey(key: PublicKey, row: AddressRow): boolean {
    for (const link of this.#keys.identities.get(key)?.links ?? []) {
      if (link.hasUnheardKey && equalOctets(link.channel.address, row)) return true;
    }
    return false;
  }

  /** A link that stands already where a dial wants one. */
  standing(key: PublicKey, row: AddressRow): DatagramLink | undefined {
    const links = this.#keys.identities.get(key)?.links ?? [];
    return links.find((link) => equalOctets(link.channel.address, row));
  }

  /**
   * The first authentic packet under a key that serves no link: the other side has it as well. Undefined: no link can
   * come of it, and the key has gone.
   */
  confirmed(key: LinkKey, initiations: Initiations): DatagramLink | undefined {
    const { identity, socket, ownInstance, peerInstance, timestamp, address } = key.terms;
    const { initiation } = key;
    if (!key.isInitiator) identity.timestamp = timestamp;
    this.#keys.confirm(key);
    this.#keys.identities.remember(identity.key);
    key.initiation = undefined;
    if (initiation !== undefined) initiations.succeeded(initiation);
    let link: DatagramLink | undefined;
    for (const one of [...identity.links]) {
      const isOurs = one.ownInstance === ownInstance;
      const isTheirs = one.peerInstance === peerInstance;
      if (one.socket === socket && isOurs && isTheirs) link = one;
      else if (!isSameLife(one.peerInstance, peerInstance)) this.#end(one, 'peer restarted', 'it began a new life');
      else if (one.socket === socket && (isOurs || isTheirs))
        this.#end(one, 'peer restarted', 'it began the link anew');
    }
    const waiting = this.#dials.waitingFor(identity.key, address);
    if (link === undefined) link = this.#open(key, initiation?.dial ?? waiting[0]);
    else link.renew(key);
    this.#eraseRivals(key, initiations);
    if (link === undefined) return undefined;
    for (const dial of waiting) {
      if (link.dial === undefined) this.fulfil(dial, link);
      else if (link.dial !== dial) this.deny(dial);
    }
    return link;
  }

  /** A dial has its link; whatever still runs for it ends. */
  fulfil(dial: Dial, link: DatagramLink): void {
    link.dial = dial;
    dial.link = link;
    this.#tellUp(link);
  }

  /** The link that a dial wants is another's already. */
  deny(dial: Dial): void {
    this.#dials.delete(dial);
    this.#context.events.push({ kind: 'dialFailed', dial: dial.id, reason: 'the link stands already' });
  }

  /** A channel that has closed leaves the table. */
  remove(link: DatagramLink): void {
    const { channel, identity, dial } = link;
    const end = channel.ended;
    if (end === undefined || this.#links.get(channel.id) !== link) return;
    this.#links.delete(channel.id);
    const { reason, detail, code } = end;
    identity.links.splice(identity.links.indexOf(link), 1);
    this.#context.openLinks--;
    identity.protocolErrors = isProtocolError(reason, code) ? identity.protocolErrors + 1 : 0;
    const afterMs = retryAfterMs(reason, code, identity.protocolErrors);
    channel.dispose();
    link.socket.station?.leave(link);
    link.eraseKeys();
    link.socket.release(link.password);
    if (dial !== undefined) this.#dials.delete(dial);
    this.#ports.removed(link);
    this.#keys.identities.release(identity);
    this.#context.stats.close(reason);
    this.#context.events.push({
      kind: 'datagramLinkDown',
      link: channel.id,
      dial: dial?.id,
      reason,
      detail,
      retryAfterMs: afterMs,
    });
  }

  #open(key: LinkKey, dial: Dial | undefined): DatagramLink | undefined {
    const { socket, identity, password, theirs, address } = key.terms;
    if (!this.hasRoom(identity.key, identity, key.terms.peerInstance, address)) return this.#refuse(key);
    // The password may have gone with the dial that brought it.
    const held = socket.acquire(password.psk);
    if (held === undefined) return this.#refuse(key);
    const { facts, constants } = socket;
    let link: DatagramLink | undefined;
    const mark = (): void => {
      if (link !== undefined) this.#ports.mark(link);
    };
    const common = {
      id: this.#newId(),
      facts: {
        uri: dial?.facts.uri ?? uriAt(facts.uri, address),
        isInbound: dial === undefined,
        isConfigured: this.#dials.isConfigured(identity.key),
        password: NOTHING,
        priority: dial?.facts.priority ?? facts.priority,
        cost: dial?.facts.cost ?? facts.cost,
        pinnedKeys: [],
        boundKey: identity.key,
        isExemptFromAllowList: dial?.facts.isExemptFromAllowList ?? facts.isExemptFromAllowList,
      },
      key: identity.key,
      priority: Math.max(dial?.facts.priority ?? facts.priority, theirs.priority),
      isThin: (theirs.features & constants.features & FEATURE.thinGossip) !== 0,
      address,
      user: this.#user,
      space: this.#space,
      mark,
      window: () => (link === undefined ? key.window : link.window),
    };
    const { station } = socket;
    const radio =
      station &&
      new RadioChannel(this.#context, {
        ...common,
        constants,
        mtu: Math.min(facts.mtu, theirs.rxMtu),
        hasShortHeaders: (theirs.features & constants.features & FEATURE.shortHeaders) !== 0,
        medium: station.medium,
        transmitter: socket.transmitter,
      });
    const channel =
      radio ??
      new Channel(this.#context, {
        ...common,
        carrierClass: facts.carrierClass,
        isSlow: facts.isSlow,
        rxMtuOfPeer: theirs.rxMtu,
        mtu: facts.mtu,
        hasRepair: (theirs.features & constants.features & FEATURE.repair) !== 0,
        repairSpace: this.#repairSpace,
      });
    link = new DatagramLink(this.#context, this.#keys, key, channel, held);
    if (radio !== undefined) station?.join(link, radio);
    this.#links.set(channel.id, link);
    identity.links.push(link);
    this.#context.openLinks++;
    link.dial = dial;
    if (dial !== undefined) dial.link = link;
    this.#tellUp(link);
    return link;
  }

  #refuse(key: LinkKey): undefined {
    this.#context.stats.drop('handshake no room');
    this.#ports.refuse(key, CLOSE.limit);
  }

  /** Nothing that was begun before, for the same link, the same address or an earlier life, may come true any more. */
  #eraseRivals(key: LinkKey, initiations: Initiations): void {
    const { identity, address, peerInstance, socket } = key.terms;
    for (const other of [...identity.unconfirmed]) {
      const { terms } = other;
      const isSameLink = terms.socket === socket && terms.peerInstance === peerInstance;
      const isEarlier = !isSameLife(terms.peerInstance, peerInstance);
      if (isSameLink || isEarlier || equalOctets(terms.address, address)) this.#keys.eraseKey(other);
    }
    for (const initiation of initiations.at(identity.key, address)) {
      const isForLink = initiation.link !== undefined && initiation.link !== key.link;
      if (!isForLink) initiations.stop(initiation);
    }
  }

  #end(link: DatagramLink, reason: CloseReason, detail: string): void {
    link.channel.close(reason, detail);
    this.remove(link);
  }

  #tellUp({ channel, identity, dial }: DatagramLink): void {
    const { id, facts } = channel;
    this.#context.events.push({
      kind: 'datagramLinkUp',
      link: id,
      key: identity.key,
      uri: facts.uri,
      dial: dial?.id,
    });
  }

  #newId(): LinkId {
    let id = DATAGRAM_LINKS_FROM;
    while (this.#links.has(linkId(id))) id++;
    return linkId(id);
  }

  #countAt(row: AddressRow): number {
    if (row.every((octet) => octet === 0)) return 0;
    const group = addressGroup(row);
    let count = 0;
    for (const { channel } of this.#links.values()) if (equalOctets(addressGroup(channel.address), group)) count++;
    return count;
  }
}

/** Instances of one process have the same boot number. */
export function isSameLife(a: number, b: number): boolean {
  return Math.floor(a / 0x1_0000) === Math.floor(b / 0x1_0000);
}

const NOTHING = new Uint8Array(0);
