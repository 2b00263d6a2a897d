/**
 * Keeps modems open: serial cables and radios of the configuration, as long as it names them. A device that is missing, busy or
 * unplugged is waited for.
 *
 *     waiting ──due, or something new in /dev──▶ opening ──up──▶ open
 *        ▲──────────────failed───────────────────┴──────gone───────┘
 */
import { frameMaxOf, slowness } from './air-rules.ts';
import { RatatoskError } from './core/error.ts';
import { DATAGRAM_ADDRESS, type DialId, type SocketFacts, type SocketId } from './core/port.ts';
import type { Datagrams } from './datagrams.ts';
import type { ModemInfo, PeerRow } from './host/commands.ts';
import type { DatagramCarrier } from './links/datagram.ts';
import { DeviceWatch } from './links/device-watch.ts';
import type { ModemFacts } from './links/dialect.ts';
import { wishFacts } from './links/facts.ts';
import type { LinkUri, Listener } from './links/link.ts';
import type { ModemUser } from './links/modem.ts';
import { pskOf } from './links/psk.ts';
import type { Report } from './peering.ts';

/** Between tries of a device or a modem: doubled each time. */
const RETRY_MS = { first: 1_000, cap: 30_000 };
/** Between dials of a peer that does not answer. */
const REDIAL_MS = { first: 2_000, cap: 4_096_000 };
/** The longest that a timer can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1;
const NO_ADDRESS = new Uint8Array(DATAGRAM_ADDRESS);

/** What the law and the owner say of a transmitter. */
export type AirRules = Pick<NonNullable<SocketFacts['air']>, 'limits' | 'share' | 'ledger'> & {
  /** Why it must not transmit. */
  readonly refusal: string | undefined;
};

export type OpenedModem = DatagramCarrier & { readonly about: string };

/** What modems need of the node around them. */
export type ModemsUser = {
  readonly datagrams: Pick<Datagrams, 'open' | 'close' | 'dial' | 'cancel'>;
  /** Rejects with what is wrong. */
  open(uri: LinkUri, user: ModemUser, signal: AbortSignal): Promise<OpenedModem>;
  rules(uri: LinkUri): AirRules;
  report: Report;
};

type State =
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'opening'; readonly abort: AbortController }
  | { readonly kind: 'open'; readonly socket: SocketId; readonly modem: OpenedModem; readonly redial: AbortController };

type Entry = {
  readonly uri: LinkUri;
  readonly watch: DeviceWatch | undefined;
  /** Peers and Listen may both name it. */
  users: number;
  state: State | undefined;
  failures: number;
  trouble: string | undefined;
  troubleAtMs: number;
  silence: string | undefined;
};

export type ModemTrouble = Pick<PeerRow, 'uri' | 'isTrying' | 'lastError' | 'lastErrorAgeMs'>;

export class Modems {
  readonly #user: ModemsUser;
  readonly #entries = new Map<string, Entry>();
  #isStopped = false;

  constructor(user: ModemsUser) {
    this.#user = user;
  }

  /** Refused with `PEER_EXISTS` if it is there with other options. */
  add(uri: LinkUri): void {
    const known = this.#entries.get(uri.name);
    if (known !== undefined) {
      if (!isSameUse(known.uri, uri)) {
        throw new RatatoskError('PEER_EXISTS', `Cannot add ${uri.name}: it is configured already, with other options`);
      }
      known.users++;
      return;
    }
    const watch = uri.host === '' ? new DeviceWatch(uri.path, () => this.#tryNow(entry)) : undefined;
    const fresh = { users: 1, state: undefined, failures: 0, trouble: undefined, troubleAtMs: 0, silence: undefined };
    const entry: Entry = { uri, watch, ...fresh };
    this.#entries.set(uri.name, entry);
    void this.#open(entry);
  }

  /** Refused with `PEER_UNKNOWN`. */
  remove(uri: LinkUri): void {
    const entry = this.#entries.get(uri.name);
    if (entry === undefined) {
      throw new RatatoskError('PEER_UNKNOWN', `Cannot remove the peer ${uri.name}: it is not configured`);
    }
    entry.users--;
    if (entry.users > 0) return;
    this.#entries.delete(uri.name);
    this.#end(entry);
  }

  listen(uri: LinkUri): Listener {
    this.add(uri);
    return { uri: uri.name, close: async () => this.remove(uri) };
  }

  /** Whoever waits is tried at once. */
  probe(): void {
    for (const entry of this.#entries.values()) this.#tryNow(entry);
  }

  info(): ModemInfo[] {
    return [...this.#entries.values()].map(({ uri, state, trouble, silence }) => {
      const kind = state?.kind ?? 'waiting';
      const text = state?.kind === 'open' ? state.modem.about : (trouble ?? 'setting it up');
      return { uri: uri.name, state: kind, text, silence };
    });
  }

  /** Of those that have no link: what they wait for. */
  troubles(isUp: (uri: string) => boolean): ModemTrouble[] {
    const nowMs = performance.now();
    return [...this.#entries.values()]
      .filter(({ uri }) => !isUp(uri.name))
      .map(({ uri, state, trouble, troubleAtMs, silence }) => {
        const quiet = silence ?? (uri.options.keys.length === 0 ? 'nobody has been heard yet' : undefined);
        const lastError = state?.kind === 'open' ? (trouble ?? quiet) : trouble;
        const lastErrorAgeMs = trouble === undefined ? 0 : nowMs - troubleAtMs;
        return { uri: uri.name, isTrying: state?.kind !== 'waiting', lastError, lastErrorAgeMs };
      });
  }

  /** They end with the driver; what is being opened is given up. */
  stop(): void {
    this.#isStopped = true;
    for (const entry of this.#entries.values()) this.#end(entry);
    this.#entries.clear();
  }

  #tryNow(entry: Entry): void {
    if (entry.state?.kind !== 'waiting') return;
    clearTimeout(entry.state.timer);
    void this.#open(entry);
  }

  /** Never rejects. */
  async #open(entry: Entry): Promise<void> {
    const abort = new AbortController();
    entry.state = { kind: 'opening', abort };
    const { uri } = entry;
    try {
      const psk = await pskOf(uri.options);
      const rules = this.#user.rules(uri);
      const modem = await this.#user.open(uri, this.#modemUser(entry, psk, rules), abort.signal);
      if (abort.signal.aborted) return modem.close();
      this.#opened(entry, modem, psk, rules);
    } catch (error) {
      if (!abort.signal.aborted) this.#failed(entry, error instanceof Error ? error.message : String(error));
    }
  }

  #modemUser({ uri }: Entry, psk: Uint8Array, { refusal: _, ...rules }: AirRules): ModemUser {
    const { priority, cost, keys } = uri.options;
    return {
      hourShare: hourShareOf(rules.limits),
      socketFacts: ({ carrierClass, mtu, air }: ModemFacts): SocketFacts => ({
        uri: uri.name,
        carrierClass,
        mtu: air === undefined ? mtu : frameMaxOf({ ...air, ...rules }, mtu),
        // Who names its peers meets nobody else.
        psk: keys.length === 0 ? psk : undefined,
        priority,
        cost,
        isExemptFromAllowList: false,
        isSlow: false,
        air: air === undefined ? undefined : { ...air, ...rules },
      }),
      note: (level, text) => this.#user.report(level, text, { modem: uri.name }, 'radio'),
    };
  }

  #opened(entry: Entry, modem: OpenedModem, psk: Uint8Array, { refusal }: AirRules): void {
    const { uri } = entry;
    const redial = new AbortController();
    const silence = modem.facts.air === undefined ? undefined : (refusal ?? slowness(modem.facts));
    const carrier = silence === undefined ? modem : muted(modem);
    const socket = this.#user.datagrams.open(carrier, (reason) => {
      if (entry.state?.kind !== 'open') return;
      redial.abort();
      this.#failed(entry, reason);
    });
    entry.state = { kind: 'open', socket, modem, redial };
    entry.failures = 0;
    entry.trouble = undefined;
    entry.silence = silence;
    this.#user.report('info', 'a modem is open', { modem: uri.name, as: modem.about }, 'radio');
    if (silence !== undefined)
      this.#user.report('warn', `it does not transmit: ${silence}`, { modem: uri.name }, 'radio');
    else for (const key of uri.options.keys) this.#dial(entry, socket, key, psk, redial.signal, 0);
  }

  #failed(entry: Entry, reason: string): void {
    if (this.#isStopped || this.#entries.get(entry.uri.name) !== entry) return;
    const { uri } = entry;
    const trouble = `waiting for ${uri.host === '' ? uri.path : `${uri.host}:${uri.port}`}: ${reason}`;
    if (trouble !== entry.trouble) this.#user.report('warn', trouble, { modem: uri.name }, 'radio');
    entry.trouble = trouble;
    entry.troubleAtMs = performance.now();
    const delayMs = Math.min(RETRY_MS.cap, RETRY_MS.first * 2 ** entry.failures++);
    entry.failures = Math.min(entry.failures, 10);
    entry.state = { kind: 'waiting', timer: setTimeout(() => void this.#open(entry), delayMs) };
  }

  /** Again and again until the modem is gone. */
  #dial(entry: Entry, socket: SocketId, key: Uint8Array, psk: Uint8Array, gone: AbortSignal, failures: number): void {
    if (gone.aborted) return;
    const again = (waitMs: number, count: number): void => {
      if (gone.aborted || waitMs === Number.POSITIVE_INFINITY) return;
      const timer = setTimeout(() => this.#dial(entry, socket, key, psk, gone, count), Math.min(TIMER_MAX_MS, waitMs));
      gone.addEventListener('abort', () => clearTimeout(timer), { once: true });
    };
    const { uri } = entry;
    let dial: DialId | undefined;
    const cancel = (): void => {
      if (dial !== undefined) this.#user.datagrams.cancel(dial);
    };
    gone.addEventListener('abort', cancel, { once: true });
    dial = this.#user.datagrams.dial(socket, NO_ADDRESS, wishFacts(uri, key, psk), {
      up: () => {
        entry.trouble = undefined;
        this.#user.report('info', 'connected', { peer: uri.name }, 'link');
      },
      down: (reason, _code, retryAfterMs) => {
        gone.removeEventListener('abort', cancel);
        this.#user.report('info', 'not connected', { peer: uri.name, reason }, 'link');
        again(retryAfterMs, 0);
      },
      failed: (reason, code) => {
        gone.removeEventListener('abort', cancel);
        entry.trouble = reason;
        entry.troubleAtMs = performance.now();
        if (code === 'own key')
          return this.#user.report('warn', 'a peer is this node itself', { peer: uri.name }, 'link');
        again(Math.min(REDIAL_MS.cap, REDIAL_MS.first * 2 ** failures), Math.min(failures + 1, 16));
      },
    });
  }

  #end({ uri, watch, state }: Entry): void {
    watch?.close();
    if (state?.kind === 'waiting') clearTimeout(state.timer);
    else if (state?.kind === 'opening') state.abort.abort();
    else if (state?.kind === 'open') {
      state.redial.abort();
      this.#user.datagrams.close(state.socket, `${uri.name} is not wanted any more`);
    }
  }
}

const HOUR_MS = 3_600_000;

function hourShareOf(limits: AirRules['limits']): number | undefined {
  const shares = limits.filter(({ windowMs }) => windowMs === HOUR_MS).map(({ airMs }) => airMs / HOUR_MS);
  return shares.length === 0 ? undefined : Math.min(...shares);
}

/** It listens; what would be sent is lost. */
function muted(modem: OpenedModem): DatagramCarrier {
  return {
    facts: modem.facts,
    start: (events) => modem.start(events),
    send: ({ count }) => count,
    close: () => modem.close(),
  };
}

function isSameUse(a: LinkUri, b: LinkUri): boolean {
  const text = ({ options, modem }: LinkUri): string =>
    JSON.stringify([options, modem], (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value));
  return text(a) === text(b);
}
