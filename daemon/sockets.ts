/** Keeps datagram sockets open: those that listen, and those that only dial, as long as somebody dials from them. */
import { isIP } from 'node:net';
import { loadAddon } from '../native-bindings/addon.ts';
import type { UdpFamily } from '../native-bindings/udp.ts';
import { RatatoskError } from './core/error.ts';
import type { DialFacts, DialId, SocketId } from './core/port.ts';
import type { DialWatcher } from './datagrams.ts';
import type { Driver } from './driver.ts';
import { resolveHost } from './links/connect.ts';
import type { DatagramCarrier } from './links/datagram.ts';
import { wishFacts } from './links/facts.ts';
import type { LinkUri, Listener } from './links/link.ts';
import { pskOf } from './links/psk.ts';
import { familyOf, openUdp, type UdpOptions } from './links/udp.ts';
import { udpAddress } from './links/udp-address.ts';

/** Every packet of a stranger is tried against each of them (link document, section 1). */
const PSKS_MAX = 8;

type Socket = {
  readonly id: SocketId;
  readonly uri: string;
  /** As it was opened. */
  readonly place: UdpOptions;
  readonly family: UdpFamily;
  /** False: it is bound to one address, and reaches only what that one reaches. */
  readonly isForAll: boolean;
  readonly device: string;
  readonly isSlow: boolean;
  listenerPsk: Uint8Array | undefined;
  /** Under which links may have come in before. */
  readonly formerPsks: Uint8Array[];
  /** The psk of each peer that is dialled from here. */
  readonly psks: Uint8Array[];
};

/** What a socket must have to dial from it. */
type Wanted = Pick<Socket, 'device' | 'isSlow'> & { readonly family: 'ipv4' | 'ipv6'; readonly psk: Uint8Array };

export class Sockets {
  readonly #driver: Driver;
  readonly #ports: SystemPorts;
  readonly #closed: (uri: string, reason: string) => void;
  readonly #sockets = new Set<Socket>();
  /** Openings come one after the other: two dials at once share what the first has opened. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `closed` is told when the system ends a socket. */
  constructor(driver: Driver, closed: (uri: string, reason: string) => void, ports: SystemPorts = SYSTEM) {
    this.#driver = driver;
    this.#closed = closed;
    this.#ports = ports;
  }

  /** Rejects with `LISTEN_FAILED`. Its links end with it, unless somebody dials from there: then they all live on. */
  async listen(uri: LinkUri): Promise<Listener> {
    const psk = await pskOf(uri.options);
    const place = placeOf(uri, psk);
    const left = [...this.#sockets].find(
      (socket) => socket.listenerPsk === undefined && isSame(socket.place, place) && pskCount(socket, psk) <= PSKS_MAX,
    );
    const socket = left ?? (await this.#openSocket(place, place.host === '::' || place.host === '0.0.0.0'));
    if (left !== undefined) this.#listenFor(left, psk);
    return {
      uri: socket.uri,
      change: async (other) => {
        const otherPsk = await pskOf(other.options);
        const isRoom = pskCount(socket, otherPsk) <= PSKS_MAX;
        if (!this.#sockets.has(socket) || !isRoom || !isSame(socket.place, placeOf(other, otherPsk))) return false;
        this.#listenFor(socket, otherPsk);
        return true;
      },
      close: async () => {
        if (socket.psks.length === 0) this.#close(socket, 'the listener was closed');
        else this.#listenFor(socket, undefined);
      },
    };
  }

  #listenFor(socket: Socket, psk: Uint8Array | undefined): void {
    if (socket.listenerPsk !== undefined) socket.formerPsks.push(socket.listenerPsk);
    socket.listenerPsk = psk;
    this.#driver.datagrams.listenFor(socket.id, psk);
  }

  /**
   * Dials each address of a peer in turn. The signal ends the attempt and, while `up`, the link. Rejects with
   * `DIAL_FAILED` before anything was sent.
   */
  async dial(uri: LinkUri, sourceInterface: string, signal: AbortSignal, watcher: DialWatcher): Promise<void> {
    const psk = await pskOf(uri.options);
    const zoned = uri.host.startsWith('fe80') && !uri.host.includes('%') && sourceInterface !== '';
    const wanted = zoned ? { ...uri, host: `${uri.host}%${sourceInterface}` } : uri;
    const addresses = signal.aborted ? [] : await this.#ports.resolve(wanted, signal);
    if (signal.aborted) return;
    if (addresses.length === 0) throw failed(`${uri.host} has no address that a link may use`);
    const facts = { ...factsOf(uri, psk), attempts: addresses.length > 1 ? 1 : 0 };
    await this.#dialFrom(addresses, 0, { uri, sourceInterface, signal, watcher, facts });
  }

  async #dialFrom(addresses: readonly string[], index: number, call: Call): Promise<void> {
    const { uri, sourceInterface, signal, watcher, facts } = call;
    const address = addresses[index] ?? '';
    const row = udpAddress(address, uri.port);
    if (row === undefined) throw failed(`${address} is on no interface of this machine`);
    const { psk } = facts;
    const family = isIP(address.split('%')[0] ?? '') === 4 ? 'ipv4' : 'ipv6';
    const socket = await this.#borrow({ family, device: sourceInterface, isSlow: uri.options.isSlow, psk });
    if (signal.aborted) return this.#release(socket, psk);
    let dial: DialId | undefined;
    const over = (): void => {
      signal.removeEventListener('abort', cancel);
      this.#release(socket, psk);
    };
    const cancel = (): void => {
      if (dial !== undefined) this.#driver.datagrams.cancel(dial);
      over();
    };
    signal.addEventListener('abort', cancel);
    dial = this.#driver.datagrams.dial(socket.id, row, facts, {
      up: () => watcher.up(),
      down: (reason, code, retryAfterMs) => {
        over();
        watcher.down(reason, code, retryAfterMs);
      },
      failed: (reason, code) => {
        over();
        if (code !== undefined || index + 1 >= addresses.length) return watcher.failed(reason, code);
        this.#dialFrom(addresses, index + 1, call).catch((error: unknown) =>
          watcher.failed(error instanceof Error ? error.message : String(error)),
        );
      },
    });
  }

  /** Takes a place on a socket: the listener's if there is one that fits, or one for dials alone. */
  #borrow(wanted: Wanted): Promise<Socket> {
    return this.#inTurn(async () => {
      const open = [...this.#sockets].find((socket) => isFit(socket, wanted));
      const { family, device, isSlow, psk } = wanted;
      const host = family === 'ipv4' ? '0.0.0.0' : '::';
      const place = { family, host, port: 0, device, psk: undefined, priority: 0, cost: undefined, isSlow };
      const socket = open ?? (await this.#openSocket(place, true));
      socket.psks.push(psk);
      return socket;
    });
  }

  #release(socket: Socket, psk: Uint8Array): void {
    socket.psks.splice(socket.psks.indexOf(psk), 1);
    if (socket.listenerPsk !== undefined) return;
    // Later: the core may just be telling of the end of a link.
    void this.#inTurn(async () => {
      if (socket.psks.length === 0) this.#close(socket, 'nobody uses it');
    });
  }

  async #openSocket(options: UdpOptions, isForAll: boolean): Promise<Socket> {
    const { family, device, isSlow, psk } = options;
    const carrier = await this.#ports.open(options);
    const { uri } = carrier.facts;
    const id = this.#driver.datagrams.open(carrier, (reason) => {
      this.#sockets.delete(socket);
      this.#closed(uri, reason);
    });
    const socket: Socket = {
      id,
      uri,
      place: options,
      family,
      isForAll,
      device,
      isSlow,
      listenerPsk: psk,
      formerPsks: [],
      psks: [],
    };
    this.#sockets.add(socket);
    return socket;
  }

  #close(socket: Socket, reason: string): void {
    if (this.#sockets.delete(socket)) this.#driver.datagrams.close(socket.id, reason);
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** What sockets ask of the system. */
export type SystemPorts = {
  open(options: UdpOptions): Promise<DatagramCarrier>;
  /** Addresses that a link may use. */
  resolve(uri: LinkUri, signal: AbortSignal): Promise<string[]>;
};

const SYSTEM: SystemPorts = { open: (options) => openUdp(options, loadAddon()), resolve: resolveHost };

type Call = {
  readonly uri: LinkUri;
  readonly sourceInterface: string;
  readonly signal: AbortSignal;
  readonly watcher: DialWatcher;
  readonly facts: DialFacts;
};

function isFit(socket: Socket, { family, device, isSlow, psk }: Wanted): boolean {
  if (!socket.isForAll || socket.device !== device || socket.isSlow !== isSlow) return false;
  if (socket.family !== family && socket.family !== 'both') return false;
  return pskCount(socket, psk) <= PSKS_MAX;
}

/** How many different ones there are with this one more. */
function pskCount({ listenerPsk, formerPsks, psks }: Socket, psk: Uint8Array): number {
  const all = [psk, ...psks, ...formerPsks, ...(listenerPsk === undefined ? [] : [listenerPsk])];
  return new Set(all.map((one) => Buffer.from(one).toString('hex'))).size;
}

function placeOf({ host: named, port, options }: LinkUri, psk: Uint8Array): UdpOptions {
  const { priority, cost, isSlow } = options;
  const host = named === '' ? '::' : named;
  return { family: familyOf(host), host, port, device: '', psk, priority, cost, isSlow };
}

/** Whoever may come in. */
function isSame(a: UdpOptions, b: UdpOptions): boolean {
  const text = ({ psk: _, ...place }: UdpOptions): string => JSON.stringify(place);
  return text(a) === text(b);
}

function factsOf(uri: LinkUri, psk: Uint8Array): DialFacts {
  const [key] = uri.options.keys;
  if (key === undefined) throw failed(`${uri.name} has no key`);
  return wishFacts(uri, key, psk);
}

function failed(problem: string): RatatoskError {
  return new RatatoskError('DIAL_FAILED', problem);
}
