/** Nodes' sessions of both kinds without a network: payloads that leave lie in `outbox`, until a test carries them over. */
import type { Context } from '../../daemon/core/context.ts';
import type { NodeOptions } from '../../daemon/core/port.ts';
import { Channels } from '../../daemon/core/session/channels.ts';
import { SEND_HEADROOM } from '../../daemon/core/session/sessions.ts';
import { contextOf, type Identity, NOTHING, UNIX_MS } from './core.ts';

export class ChannelSide {
  readonly self: Identity;
  /** What leaves, complete once settled. */
  outbox: Uint8Array[] = [];
  /** Of payloads that went back along the way of what they answer. */
  readonly back: Uint8Array[] = [];
  /** Application packets that arrived, a letter for each octet. */
  readonly inbox: string[] = [];
  /** Virtio headers first. */
  readonly superInbox: Uint8Array[] = [];
  context: Context;
  channels: Channels;
  arrivalPort = 1;
  /** What leaves does so by a radio of this cost. */
  slowMs: number | undefined;
  readonly #changes: Partial<NodeOptions>;

  constructor(self: Identity, changes: Partial<NodeOptions> = {}) {
    this.self = self;
    this.#changes = changes;
    this.context = contextOf(self, changes);
    this.channels = this.#new();
  }

  /** A new process with the same key; its clock is off by `aheadMs`. */
  restart(aheadMs = 0): void {
    const { nowMs } = this.context;
    this.context = contextOf(this.self, this.#changes);
    this.context.nowMs = nowMs;
    this.context.setWallClock(UNIX_MS + nowMs + aheadMs);
    this.channels = this.#new();
    this.outbox = [];
  }

  send(to: ChannelSide, text: string): void {
    const octets = Buffer.from(text, 'latin1');
    const buffer = new Uint8Array(SEND_HEADROOM + octets.length);
    buffer.set(octets, SEND_HEADROOM);
    this.channels.send(to.self.key, buffer, SEND_HEADROOM, octets.length);
    this.channels.settle();
  }

  receive(from: Identity, ...payloads: Uint8Array[]): void {
    for (const payload of payloads) {
      const buffer = new Uint8Array(32 + payload.length);
      buffer.set(from.key);
      buffer.set(payload, 32);
      this.channels.received(buffer, 0, 32, buffer.length);
    }
    this.channels.settle();
  }

  take(): Uint8Array[] {
    return this.outbox.splice(0);
  }

  /** Only what is not zero. */
  drops(): Record<string, number> {
    const { drops } = this.context.stats;
    return Object.fromEntries(Object.entries(drops).filter(([, count]) => count > 0));
  }

  /** `ironwood` and `e2e` sessions that there are. */
  kinds(): string[] {
    return this.channels
      .snapshot()
      .map(({ kind }) => kind)
      .sort();
  }

  pass(ms: number): void {
    this.context.nowMs += ms;
    this.channels.timer(this.context.nowMs);
    this.channels.expire();
    this.channels.settle();
  }

  #new(): Channels {
    const side = this;
    const ports = {
      target: NOTHING,
      targetAt: 0,
      get arrivalPort() {
        return side.arrivalPort;
      },
      slowMs: (): number | undefined => this.slowMs,
      begin: (_dest: Uint8Array, size: number): boolean => {
        ports.target = new Uint8Array(size);
        this.outbox.push(ports.target);
        return true;
      },
      beginBack: (dest: Uint8Array, size: number): boolean => {
        ports.begin(dest, size);
        this.back.push(ports.target);
        return true;
      },
    };
    return new Channels(this.context, ports, {
      packet: (_, buffer, at, end) => this.inbox.push(Buffer.from(buffer.slice(at, end)).toString('latin1')),
      superPacket: (_, buffer, at, end) => this.superInbox.push(buffer.slice(at, end)),
    });
  }
}

/** Whether a payload passes. */
export type Relay = (payload: Uint8Array, from: ChannelSide) => boolean;

/** Carries over everything until nothing is left. */
export function carry(a: ChannelSide, b: ChannelSide, relay: Relay = () => true): void {
  while (a.outbox.length + b.outbox.length > 0) {
    b.receive(a.self, ...a.take().filter((payload) => relay(payload, a)));
    a.receive(b.self, ...b.take().filter((payload) => relay(payload, b)));
  }
}

/** Time in steps of a tenth of a second, with what it causes carried over. */
export function live(ms: number, a: ChannelSide, b: ChannelSide, relay: Relay = () => true): void {
  for (let passed = 0; passed < ms; passed += 100) {
    a.pass(100);
    b.pass(100);
    carry(a, b, relay);
  }
}
