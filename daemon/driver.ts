/**
 * The router thread's loop, and the only place that calls both sides: carriers and the TUN feed the core, and what the
 * core leaves goes back to them. One input is handled and drained before the next.
 */
import { uptime } from 'node:os';
import type { Node } from './core/node.ts';
import {
  type CloseReason,
  type CoreEvent,
  type DatagramBatch,
  type DeliveryBatch,
  type Input,
  type LinkId,
  linkId,
  type PublicKey,
  type Sink,
  type SocketId,
} from './core/port.ts';
import { Datagrams } from './datagrams.ts';
import type { TunDevice } from './host/tun.ts';
import type { Carrier } from './links/link.ts';
import { type Clock, type Gap, SleepWatch } from './sleep.ts';

/** Told about one carrier. `down` comes once, whoever ended it; nothing follows it. */
export type LinkWatcher = {
  up(key: PublicKey): void;
  down(reason: string, code: CloseReason | undefined): void;
};

type Attached = { readonly carrier: Carrier; readonly watcher: LinkWatcher };

/** Batches handled in a row before other sources get their turn. */
const BATCHES_PER_TURN = 4;

const SYSTEM_CLOCK: Clock = { nowMs: () => performance.now(), sinceBootMs: () => uptime() * 1_000 };

export class Driver implements Sink {
  /** Called after a sleep, before anything else happens. */
  onGap: (gap: Gap) => void = () => {};
  readonly #node: Node;
  readonly #onEvent: (event: CoreEvent) => void;
  readonly #links: (Attached | undefined)[] = [];
  /** Sockets and the links on them. */
  readonly datagrams = new Datagrams((input) => this.feed(input));
  readonly #device: TunDevice | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #isStopped = false;
  readonly #clock: Clock;
  readonly #sleep: SleepWatch;
  /** What the clock has missed: for the core time goes on during sleep, so that it forgets what others have forgotten. */
  #missedMs = 0;

  constructor(
    node: Node,
    device: TunDevice | undefined,
    onEvent: (event: CoreEvent) => void,
    clock: Clock = SYSTEM_CLOCK,
  ) {
    this.#clock = clock;
    this.#sleep = new SleepWatch(clock);
    this.#node = node;
    this.#device = device;
    this.#onEvent = onEvent;
  }

  start(): void {
    this.feed({ kind: 'wallClock', unixMs: Date.now() });
    this.#device?.start(() => this.#readPackets());
  }

  /** Gives a connected carrier to the core. Undefined: it was refused at once, and `down` has been told. */
  attach(carrier: Carrier, watcher: LinkWatcher): LinkId | undefined {
    if (this.#isStopped) {
      carrier.close();
      watcher.down('the node is stopping', 'shutdown');
      return undefined;
    }
    const free = this.#links.indexOf(undefined);
    const link = linkId(free < 0 ? this.#links.length : free);
    this.#links[link] = { carrier, watcher };
    this.feed({ kind: 'linkOpened', link, facts: carrier.facts });
    if (this.#links[link]?.carrier !== carrier) return undefined;
    const input = { kind: 'linkBytes' as const, link, bytes: NOTHING };
    carrier.start({
      bytes: (octets) => {
        input.bytes = octets;
        this.feed(input);
      },
      writable: () => {
        this.feed({ kind: 'linkWritable', link });
      },
      closed: (reason) => {
        this.#links[link] = undefined;
        this.feed({ kind: 'linkClosed', link, reason });
        watcher.down(reason, undefined);
      },
    });
    return link;
  }

  /** Ends a link by the operator's wish. */
  detach(link: LinkId): void {
    this.#node.closeLink(link, 'removed', 'by the operator');
    this.#settle();
  }

  /** Asks every link whether it lives; those whose own address is gone end at once. */
  probe(isGone: (host: string) => boolean): void {
    for (const [i, attached] of this.#links.entries()) {
      const host = attached?.carrier.localHost ?? '';
      if (host === '' || !isGone(host)) continue;
      this.#node.closeLink(linkId(i), 'address gone', `${host} is no longer an address of this machine`);
    }
    this.feed({ kind: 'probeLinks' });
  }

  feed(input: Input): void {
    if (this.#isStopped) return;
    this.#node.handle(input, this.#nowMs());
    this.#settle();
  }

  stop(): void {
    // Who is at the other end of datagrams hears of it only if we tell.
    for (const link of this.datagrams.links()) this.#node.closeLink(link, 'shutdown', 'the node is stopping');
    this.#node.drain(this);
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const attached of this.#links) attached?.carrier.close();
    this.datagrams.stop();
    this.#device?.close();
  }

  // The sink

  write(link: LinkId, bytes: Uint8Array): boolean {
    return this.#links[link]?.carrier.write(bytes) ?? true;
  }

  hasRoom(socket: SocketId): boolean {
    return this.datagrams.hasRoom(socket);
  }

  send(socket: SocketId, batch: DatagramBatch): number {
    return this.datagrams.send(socket, batch);
  }

  close(link: LinkId, reason: CloseReason, detail: string): void {
    const attached = this.#links[link];
    if (attached === undefined) return;
    this.#links[link] = undefined;
    attached.carrier.close();
    attached.watcher.down(`${reason}: ${detail}`, reason);
  }

  deliver(batch: DeliveryBatch): void {
    this.#device?.write(batch);
  }

  event(event: CoreEvent): void {
    if (event.kind === 'linkUp') this.#links[event.link]?.watcher.up(event.key);
    else this.datagrams.heard(event);
    this.#onEvent(event);
  }

  #settle(): void {
    this.#node.drain(this);
    const atMs = this.#node.deadline();
    if (atMs >= this.#timerAtMs || this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, atMs - this.#nowMs()));
  }

  #wake(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const gap = this.#sleep.look();
    if (gap !== undefined) {
      // First of all: what was awaited before the sleep must not be given up before it is asked for anew.
      this.#missedMs += gap.missedMs;
      this.onGap(gap);
    }
    this.#node.handle({ kind: 'wallClock', unixMs: Date.now() }, this.#nowMs());
    this.feed({ kind: 'timer' });
  }

  #nowMs(): number {
    return this.#clock.nowMs() + this.#missedMs;
  }

  #readPackets(): void {
    for (let turn = 0; turn < BATCHES_PER_TURN; turn++) {
      const batch = this.#device?.read();
      if (batch === undefined || batch.count === 0) return;
      this.feed({ kind: 'packets', batch });
      if (!batch.isFull) return;
    }
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);
