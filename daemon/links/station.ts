/**
 * Discovery on one interface (section 3.2): the listener that neighbours dial, the beacon that tells them of it, the socket
 * that hears theirs, and the links that came of all this. They end with the interface.
 */

import type { LinkId } from '../core/port.ts';
import { writeBeacon } from '../wire/beacon.ts';
import type { BeaconSocket, BeaconSocketEvents, BeaconSocketOptions } from './beacon-socket.ts';
import type { Place } from './interfaces.ts';
import type { Carrier, LinkUri, Listener } from './link.ts';
import type { Neighbour, Neighbours } from './neighbours.ts';
import type { Links } from './registry.ts';
import { NO_OPTIONS } from './uri.ts';

const GROUP = 'ff02::114';
const GROUP_PORT = 9001;
/** The least time between two beacons grows by the one up to the other. */
const BEACON_STEP_MS = 1_000;
const BEACON_EVERY_MS = 15_000;
/** An interface that has just come up takes its address only after a second or two: so many failures mean nothing. */
const FAILURES_FREE = 4;
const RETRY_MAX_MS = 60_000;

/** What discovery needs of the node around it. */
export type DiscoveryUser = {
  readonly key: Uint8Array;
  /** The scheme of links between neighbours: Yggdrasil has `tls`. */
  readonly scheme: string;
  /** BLAKE2b-512 of `data`, keyed. */
  hash(key: Uint8Array, data: Uint8Array): Uint8Array;
  readonly links: Links;
  /** Takes over a link that we dialled. Undefined: it has ended, and `down` has been told. */
  dialled(carrier: Carrier, watcher: { up(): void; down(reason: string): void }): LinkId | undefined;
  /** The same of one that came in. */
  accepted(carrier: Carrier, down: (reason: string) => void): LinkId | undefined;
  end(link: LinkId): void;
  report(level: 'debug' | 'warn', message: string, fields?: Record<string, string>): void;
  openSocket(options: BeaconSocketOptions, events: BeaconSocketEvents): Pick<BeaconSocket, 'send' | 'close'>;
  /** What else is kept on an interface as long as discovery is. */
  beside(place: Place): Beside;
};

export type Beside = { look(): void; close(): void };

/** Something to open, and what came of it. `failures` are those since it worked last. */
type Part<T> = { open: T | undefined; isOpening: boolean; failures: number; retryAtMs: number };

type Socket = Pick<BeaconSocket, 'send' | 'close'>;

export class Station {
  readonly place: Place;
  readonly #user: DiscoveryUser;
  readonly #neighbours: Neighbours;
  readonly #beside: Beside;
  readonly #listener: Part<Listener> = part();
  readonly #sender: Part<Socket> = part();
  readonly #receiver: Part<Socket> = part();
  readonly #dials = new Set<AbortController>();
  readonly #links = new Set<LinkId>();
  #beaconAtMs = 0;
  #beaconWaitMs = 0;
  #isClosed = false;

  constructor(place: Place, user: DiscoveryUser, neighbours: Neighbours) {
    this.place = place;
    this.#user = user;
    this.#neighbours = neighbours;
    this.#beside = user.beside(place);
  }

  /** `[address%zone]:port` of the listener. */
  get listening(): string | undefined {
    return this.#listener.open?.uri.split('://')[1];
  }

  /** Opens what is missing and due, and sends the beacon when it is due. To be called every second or two. */
  look(): void {
    const { name, address, rule } = this.place;
    this.#beside.look();
    if (rule.listen && isDue(this.#receiver)) {
      this.#openSocket(this.#receiver, { address: `${GROUP}%${name}`, port: GROUP_PORT, group: GROUP });
    }
    if (!rule.beacon) return;
    if (isDue(this.#listener)) void this.#listen();
    if (this.#listener.open === undefined) return;
    // Bound to the listener's address, since who hears the beacon dials its source.
    if (isDue(this.#sender)) this.#openSocket(this.#sender, { address: `${address}%${name}`, port: GROUP_PORT });
    this.#sendBeacon(this.#listener.open);
  }

  close(): void {
    this.#isClosed = true;
    this.#beside.close();
    this.#sender.open?.close();
    this.#receiver.open?.close();
    void this.#listener.open?.close();
    for (const abort of this.#dials) abort.abort();
    for (const link of this.#links) this.#user.end(link);
  }

  #sendBeacon(listener: Listener): void {
    const nowMs = performance.now();
    if (nowMs < this.#beaconAtMs + this.#beaconWaitMs) return;
    const { key } = this.#user;
    const datagram = writeBeacon(key, portOf(listener), this.#user.hash(this.place.rule.password, key));
    if (this.#sender.open?.send(datagram, `${GROUP}%${this.place.name}`, GROUP_PORT) !== true) return;
    this.#beaconAtMs = nowMs;
    this.#beaconWaitMs = Math.min(BEACON_EVERY_MS, this.#beaconWaitMs + BEACON_STEP_MS);
  }

  async #listen(): Promise<void> {
    const { address, name, rule } = this.place;
    const part = this.#listener;
    part.isOpening = true;
    try {
      const uri = this.#uri(`${address}%${name}`, rule.port, []);
      const listener = await this.#user.links.listen(uri, (carrier) => this.#accepted(carrier));
      if (this.#isClosed) return await listener.close();
      part.open = listener;
      part.failures = 0;
      this.look();
    } catch (error) {
      this.#failed(part, error);
    } finally {
      part.isOpening = false;
    }
  }

  #openSocket(part: Part<Socket>, options: BeaconSocketOptions): void {
    part.open = this.#user.openSocket(options, {
      works: () => {
        part.failures = 0;
      },
      heard: (datagram, from) => this.#heard(datagram, from),
      failed: (error) => this.#failed(part, error),
    });
  }

  #heard(datagram: Uint8Array, from: string): void {
    const neighbour = this.#neighbours.heard(datagram, from, this.place, performance.now());
    if (neighbour !== undefined) void this.#dial(neighbour);
  }

  /** One attempt: the next beacon may cause another. Never rejects. */
  async #dial(neighbour: Neighbour): Promise<void> {
    const abort = new AbortController();
    this.#dials.add(abort);
    let carrier: Carrier;
    try {
      const uri = this.#uri(neighbour.address, neighbour.port, [neighbour.key]);
      carrier = await this.#user.links.dial(uri, this.place.name, abort.signal);
    } catch (error) {
      this.#neighbours.ended(neighbour);
      this.#user.report('debug', 'neighbour not connected', { at: neighbour.address, reason: messageOf(error) });
      return;
    } finally {
      this.#dials.delete(abort);
    }
    if (this.#isClosed) {
      carrier.close();
      return this.#neighbours.ended(neighbour);
    }
    this.#keep((down) =>
      this.#user.dialled(carrier, {
        up: () => this.#neighbours.linked(neighbour),
        down: () => {
          this.#neighbours.ended(neighbour);
          down();
        },
      }),
    );
  }

  #accepted(carrier: Carrier): void {
    if (this.#isClosed) return carrier.close();
    this.#keep((down) => this.#user.accepted(carrier, down));
  }

  /** Remembers a link until its end. */
  #keep(attach: (down: () => void) => LinkId | undefined): void {
    let link: LinkId | undefined;
    link = attach(() => {
      if (link !== undefined) this.#links.delete(link);
    });
    if (link !== undefined) this.#links.add(link);
  }

  /** Told once, when it is no passing weakness of a young interface. */
  #failed(part: Part<unknown>, error: unknown): void {
    part.open = undefined;
    part.failures++;
    const beyond = part.failures - FAILURES_FREE;
    part.retryAtMs = beyond < 0 ? 0 : performance.now() + Math.min(RETRY_MAX_MS, 1_000 * 2 ** beyond);
    if (beyond !== 0 || this.#isClosed) return;
    this.#user.report(
      'warn',
      `MulticastInterfaces: cannot look for neighbours on ${this.place.name}: ${messageOf(error)}`,
    );
  }

  #uri(host: string, port: number, keys: readonly Uint8Array[]): LinkUri {
    const { priority, password } = this.place.rule;
    const options = { ...NO_OPTIONS, keys, priority, password };
    const { scheme } = this.#user;
    const name = `${scheme}://[${host}]:${port}`;
    const plain = { path: '', otherQuery: '', target: undefined, user: undefined };
    return { ...plain, scheme, host, port, name, options, isDiscovered: true };
  }
}

function part<T>(): Part<T> {
  return { open: undefined, isOpening: false, failures: 0, retryAtMs: 0 };
}

function isDue(part: Part<unknown>): boolean {
  return part.open === undefined && !part.isOpening && performance.now() >= part.retryAtMs;
}

function portOf({ uri }: Listener): number {
  return Number(uri.slice(uri.lastIndexOf(':') + 1));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
