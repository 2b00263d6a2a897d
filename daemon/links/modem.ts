/** An open modem as a carrier of datagrams: a port, a dialect, and the clock between them. */
import { RatatoskError } from '../core/error.ts';
import { DATAGRAM_ADDRESS, type DatagramBatch, type SocketFacts } from '../core/port.ts';
import type { DatagramCarrier, DatagramEvents } from './datagram.ts';
import type { Dialect, Effect, ModemFacts } from './dialect.ts';
import type { OctetPort } from './octet-port.ts';

/** Octets that the system has not taken: more are refused until it has. */
const UNSENT_MAX = 4_096;
/** The longest that a timer can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export type ModemUser = {
  /** The share of an hour that it may send, for modems that watch over it themselves. */
  readonly hourShare: number | undefined;
  /** What a socket is told of the modem. */
  socketFacts(facts: ModemFacts): SocketFacts;
  note(level: 'info' | 'warn', text: string): void;
};

/** Sets the modem up. Rejects with `MODEM_FAILED` if it cannot be, or when the signal says so; the port is closed then. */
export function openModem(port: OctetPort, dialect: Dialect, user: ModemUser, signal: AbortSignal): Promise<Modem> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      modem.close();
      reject(new RatatoskError('MODEM_FAILED', reason));
    };
    const abort = (): void => fail('the attempt was called off');
    const settled = (act: () => void): void => {
      signal.removeEventListener('abort', abort);
      act();
    };
    signal.addEventListener('abort', abort);
    const modem = new Modem(port, dialect, user, {
      up: () => settled(() => resolve(modem)),
      failed: (reason) => settled(() => fail(reason)),
    });
    if (signal.aborted) abort();
  });
}

type Opening = { up(): void; failed(reason: string): void };

export class Modem implements DatagramCarrier {
  /** In one line, as the modem has it. */
  about = '';
  readonly #port: OctetPort;
  readonly #dialect: Dialect;
  readonly #user: ModemUser;
  readonly #opening: Opening;
  #facts: SocketFacts | undefined;
  #events: DatagramEvents | undefined;
  readonly #batch = oneRow();
  #timer: NodeJS.Timeout | undefined;
  #isApplying = false;
  #isBlocked = false;
  #isClosed = false;

  constructor(port: OctetPort, dialect: Dialect, user: ModemUser, opening: Opening) {
    this.#port = port;
    this.#dialect = dialect;
    this.#user = user;
    this.#opening = opening;
    port.start({
      octets: (octets) => this.#run(() => dialect.receive(octets, performance.now())),
      drained: () => this.#drained(),
      closed: (reason) => this.#ended(reason),
    });
    setImmediate(() => this.#run(() => dialect.start(performance.now())));
  }

  /** Known once it is up. */
  get facts(): SocketFacts {
    if (this.#facts === undefined) throw new Error('the modem is not up yet');
    return this.#facts;
  }

  start(events: DatagramEvents): void {
    this.#events = events;
  }

  send({ buffers, offsets, lengths, count }: DatagramBatch): number {
    if (this.#isClosed) return count;
    let taken = 0;
    this.#run(() => {
      for (; taken < count; taken++) {
        const at = offsets[taken] as number;
        const frame = (buffers[taken] as Uint8Array).subarray(at, at + (lengths[taken] as number));
        this.#isBlocked = this.#port.unsent > UNSENT_MAX;
        if (this.#isBlocked || !this.#dialect.send(frame, performance.now())) return;
      }
    });
    return taken;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#dialect.stop();
    for (const effect of this.#dialect.effects) if (effect.kind === 'write') this.#port.write(effect.octets);
    this.#port.close();
  }

  /** One input of the dialect, and what comes of it. An effect may cause further inputs: those come after it. */
  #run(act: () => void): void {
    if (this.#isClosed) return;
    act();
    if (this.#isApplying) return;
    this.#isApplying = true;
    const { effects } = this.#dialect;
    for (let effect = effects.shift(); effect !== undefined && !this.#isClosed; effect = effects.shift()) {
      this.#apply(effect);
    }
    this.#isApplying = false;
    this.#arm();
  }

  #apply(effect: Effect): void {
    switch (effect.kind) {
      case 'write':
        return this.#port.write(effect.octets);
      case 'up':
        this.about = effect.facts.about;
        this.#facts ??= this.#user.socketFacts(effect.facts);
        return this.#opening.up();
      case 'frame': {
        if (effect.signal !== undefined) this.#events?.report?.(effect.signal);
        const batch = this.#batch;
        batch.buffers[0] = effect.octets;
        batch.lengths[0] = effect.octets.length;
        return this.#events?.datagrams(batch);
      }
      case 'writable':
        return this.#events?.writable();
      case 'report':
        return this.#events?.report?.(effect.report);
      case 'note':
        return this.#user.note(effect.level, effect.text);
      case 'failed':
        return this.#ended(effect.text);
      default:
        return effect satisfies never;
    }
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const atMs = this.#dialect.deadline();
    if (atMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(TIMER_MAX_MS, Math.max(1, atMs - performance.now()));
    this.#timer = setTimeout(() => this.#run(() => this.#dialect.timer(performance.now())), delayMs);
  }

  #drained(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#events?.writable();
  }

  #ended(reason: string): void {
    if (this.#isClosed) return;
    const events = this.#events;
    this.close();
    if (events === undefined) this.#opening.failed(reason);
    else events.closed(reason);
  }
}

function oneRow(): DatagramBatch {
  return {
    buffers: [],
    offsets: new Int32Array(1),
    lengths: new Int32Array(1),
    addresses: new Uint8Array(DATAGRAM_ADDRESS),
    count: 1,
  };
}
