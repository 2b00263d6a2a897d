/** One side of sessions without a network: payloads that leave lie in `outbox`, until a test carries them over. */
import type { Context } from '../../daemon/core/context.ts';
import type { NodeOptions } from '../../daemon/core/port.ts';
import type { Session } from '../../daemon/core/session/session.ts';
import { SessionRoom } from '../../daemon/core/session/session-room.ts';
import { Sessions } from '../../daemon/core/session/sessions.ts';
import { Reader } from '../../daemon/wire/cursor.ts';
import { contextOf, type Identity, identity, NOTHING, UNIX_MS } from './core.ts';

export class Side {
  readonly self: Identity;
  /** What leaves, complete once settled. */
  outbox: Uint8Array[] = [];
  /** Application packets that arrived, a letter for each octet. */
  readonly inbox: string[] = [];
  context: Context;
  sessions: Sessions;
  onPacket: (session: Session) => void = () => {};
  readonly #changes: Partial<NodeOptions>;

  constructor(self: Identity, changes: Partial<NodeOptions> = {}) {
    this.self = self;
    this.#changes = changes;
    this.context = contextOf(self, changes);
    this.sessions = this.#new();
  }

  /** A new process with the same key and clock. */
  restart(): void {
    const { nowMs } = this.context;
    this.context = contextOf(this.self, this.#changes);
    this.context.nowMs = nowMs;
    this.context.setWallClock(UNIX_MS + nowMs);
    this.sessions = this.#new();
  }

  send(to: Side, text: string): void {
    const octets = Buffer.from(text, 'latin1');
    const buffer = new Uint8Array(32 + octets.length);
    buffer.set(octets, 32);
    this.sessions.send(to.self.key, buffer, 32, octets.length);
    this.sessions.settle();
  }

  receive(from: Identity, ...payloads: Uint8Array[]): void {
    for (const payload of payloads) {
      const buffer = new Uint8Array(32 + payload.length);
      buffer.set(from.key);
      buffer.set(payload, 32);
      this.sessions.received(buffer, 0, 32, buffer.length);
    }
    this.sessions.settle();
  }

  /** What has left since the last time. */
  take(): Uint8Array[] {
    return this.outbox.splice(0);
  }

  drops(): Record<string, number> {
    const { drops } = this.context.stats;
    return Object.fromEntries(Object.entries(drops).filter(([, count]) => count > 0));
  }

  #new(): Sessions {
    const ports = {
      target: NOTHING,
      targetAt: 0,
      begin: (_dest: Uint8Array, size: number): boolean => {
        ports.target = new Uint8Array(size);
        this.outbox.push(ports.target);
        return true;
      },
    };
    return new Sessions(this.context, new SessionRoom(this.context), ports, {
      packet: (session, buffer, at, end) => {
        this.inbox.push(Buffer.from(buffer.slice(at, end)).toString('latin1'));
        this.onPacket(session);
      },
      up: () => {},
    });
  }
}

/** Carries over everything until nothing is left. */
export function exchange(a: Side, b: Side): void {
  while (a.outbox.length + b.outbox.length > 0) {
    b.receive(a.self, ...a.take());
    a.receive(b.self, ...b.take());
  }
}

export function passTime(ms: number, ...sides: Side[]): void {
  for (const { context, sessions } of sides) {
    context.nowMs += ms;
    sessions.expire();
  }
}

/** The three numbers in front of session traffic. */
export function headOf(payload: Uint8Array | undefined): { sender: bigint; receiver: bigint; nonce: bigint } {
  if (payload?.[0] !== 3) throw new Error('this is no session traffic');
  const reader = new Reader(payload, 1);
  return { sender: reader.uvarint(), receiver: reader.uvarint(), nonce: reader.uvarint() };
}

/** Gives these octets, 32 at a time, and zeros when they are used up. */
export function scripted(draws: readonly Uint8Array[]): (octets: Uint8Array) => void {
  const rest = [...draws];
  return (octets) => {
    if (octets.length !== 32) return void octets.fill(0);
    octets.set(rest.shift() ?? new Uint8Array(32).fill(0x55));
  };
}

export const [aOf, bOf] = [1, 2].map(identity) as [Identity, Identity];

export function sides(): { a: Side; b: Side } {
  return { a: new Side(aOf), b: new Side(bOf) };
}

/** A session that both sides have confirmed, in a later second than its handshakes. */
export function joined(): { a: Side; b: Side } {
  const { a, b } = sides();
  a.send(b, 'hello');
  exchange(a, b);
  b.send(a, 'hello');
  exchange(a, b);
  passTime(1_500, a, b);
  for (const side of [a, b]) side.inbox.length = 0;
  return { a, b };
}
