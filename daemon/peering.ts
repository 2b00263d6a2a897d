/** Keeps configured peers dialled and listeners open, and gives what connects to the driver. */
import { isDeepStrictEqual } from 'node:util';
import { airRules } from './air-rules.ts';
import { RatatoskError } from './core/error.ts';
import type { CloseReason, LinkId, LinkInfo } from './core/port.ts';
import type { Driver } from './driver.ts';
import type { ModemInfo, PeerRow, RadioSettings } from './host/commands.ts';
import { type KeyPolicy, unboundWarning, unprovenWarning } from './links/binding.ts';
import { Dialer, type DialTask } from './links/dialer.ts';
import { Gate } from './links/gate.ts';
import type { Carrier, LinkUri, Listener } from './links/link.ts';
import type { Links } from './links/registry.ts';
import { isDatagram, isModem } from './links/schemes.ts';
import { parseUri, shownUri } from './links/uri.ts';
import { openedModem } from './modem-opening.ts';
import { Modems } from './modems.ts';
import { Sockets } from './sockets.ts';

const SILENT: RadioSettings = { region: 'none', share: 1 };

export type PeerSetting = { readonly uri: string; readonly sourceInterface: string };

export type Report = (
  level: 'debug' | 'info' | 'warn',
  message: string,
  fields?: Record<string, string>,
  about?: 'tree' | 'peer' | 'link' | 'path' | 'session' | 'radio',
) => void;

/** The longest that a timer can wait; a longer backoff is asked for again then. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** A link that a probe finds dead has ended by then. */
const PROBE_END_MS = 4_000;

/** Why an attempt ends that would end so again. */
const WRONG_PEERS: readonly CloseReason[] = [
  'greeting malformed',
  'key not bound',
  'key not pinned',
  'link not bound',
  'signature invalid',
  'version mismatch',
];

const LOST = 'not connected any more';

/** What a failed attempt, or the end of a link, tells beside the reason. */
type Failure = {
  readonly waitMs?: number | undefined;
  readonly isRefused?: boolean;
  readonly isWrong?: boolean;
  readonly wasUp?: boolean;
};

/** What runs for one configured peer: an attempt, or a link that `end` ends. */
type Run = { readonly abort: AbortController; end: (() => void) | undefined };

export class Peering {
  readonly #driver: Driver;
  readonly #links: Links;
  readonly #report: Report;
  /** What warnings say of peers and listeners. */
  policy: KeyPolicy;
  readonly #dialer = new Dialer();
  readonly #gate = new Gate();
  readonly #sockets: Sockets;
  readonly #modems: Modems;
  readonly #listeners = new Map<string, Listener>();
  readonly #runs = new Map<DialTask, Run>();
  /** Peers of the configuration file, which a reload compares with; others came by command. */
  #fromFile: readonly PeerSetting[] = [];
  /** Reloads come one after the other: two at once would open a listener twice. */
  #reloading: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #probedAtMs = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(driver: Driver, links: Links, report: Report, policy: KeyPolicy, radio: RadioSettings = SILENT) {
    this.#driver = driver;
    this.#links = links;
    this.#report = report;
    this.policy = policy;
    this.#sockets = new Sockets(driver, (uri, reason) => report('warn', 'a socket was closed', { uri, reason }));
    this.#modems = new Modems({
      datagrams: driver.datagrams,
      open: openedModem,
      rules: (uri) => airRules(uri, radio),
      report,
    });
  }

  get listening(): string[] {
    return [...this.#listeners.values()].map((listener) => listener.uri);
  }

  /** Makes peers and listeners those of a configuration; answers what changed. What cannot be used is reported and skipped. */
  reload(peers: readonly PeerSetting[], listen: readonly string[]): Promise<string[]> {
    const changes = this.#reloading.then(async () => [
      ...this.#reloadPeers(peers),
      ...(await this.#reloadListeners(listen)),
    ]);
    this.#reloading = changes;
    return changes;
  }

  get modems(): ModemInfo[] {
    return this.#modems.info();
  }

  add({ uri, sourceInterface }: PeerSetting): void {
    const parsed = parseUri(uri, 'dial');
    if (isModem(parsed.scheme)) return this.#modems.add(parsed);
    try {
      const task = this.#dialer.add(parsed, sourceInterface, performance.now());
      this.#warn(unboundWarning(task.uri, 'dial', this.policy));
    } finally {
      this.#dialDue();
    }
  }

  remove({ uri, sourceInterface }: PeerSetting): void {
    const parsed = parseUri(uri, 'dial');
    this.#fromFile = this.#fromFile.filter((peer) => !isSame(peer, parsed, sourceInterface));
    if (isModem(parsed.scheme)) return this.#modems.remove(parsed);
    const task = this.#dialer.remove(parsed, sourceInterface);
    const run = this.#runs.get(task);
    this.#runs.delete(task);
    run?.abort.abort();
    run?.end?.();
    this.#dialDue();
  }

  /** Takes a link from outside, if there is room for one of its host. Undefined: it has ended, and `down` has been told. */
  accept(carrier: Carrier, down: (reason: string) => void = () => {}): LinkId | undefined {
    const host = carrier.remoteHost;
    const refusal = this.#gate.admit(host);
    if (refusal !== undefined) {
      carrier.close();
      down(refusal);
      return undefined;
    }
    let isSettled = false;
    return this.#driver.attach(carrier, {
      up: () => {
        isSettled = true;
        this.#gate.settled(host);
        this.#report('debug', 'accepted', { from: carrier.facts.uri }, 'link');
      },
      down: (reason) => {
        this.#gate.gone(host, isSettled);
        this.#report('debug', 'link ended', { from: carrier.facts.uri, reason }, 'link');
        down(reason);
      },
    });
  }

  /**
   * The machine has slept, or its network is another: links are asked whether they live, attempts on the old network are
   * called off, and who waits is dialled at once.
   */
  probe(why: string, isGone: (host: string) => boolean = () => false): void {
    if (this.#isStopped) return;
    this.#report('info', 'links are probed', { reason: why }, 'link');
    this.#driver.probe(isGone);
    this.#probedAtMs = performance.now();
    for (const task of this.#dialer.tasks()) {
      const run = this.#runs.get(task);
      if (run?.end !== undefined) continue;
      this.#runs.delete(task);
      run?.abort.abort();
      this.#dialer.retry(task, this.#probedAtMs);
    }
    this.#modems.probe();
    this.#dialDue();
  }

  /** Every link, and every configured peer that has none. */
  rows(links: readonly LinkInfo[]): PeerRow[] {
    const nowMs = performance.now();
    // Whoever is met there: a modem of the configuration names its peers, or none.
    const modems = new Set(this.#modems.info().map(({ uri }) => uri));
    const rows: PeerRow[] = links.map((link) => ({
      uri: link.uri,
      isUp: link.key !== undefined,
      isInbound: link.isInbound,
      isConfigured: link.isConfigured || modems.has(link.uri),
      isTrying: false,
      link,
      lastError: undefined,
      lastErrorAgeMs: 0,
    }));
    for (const task of this.#dialer.tasks()) {
      const run = this.#runs.get(task);
      if (run?.end !== undefined) continue;
      const { lastError, lastErrorAtMs, uri } = task;
      const lastErrorAgeMs = lastError === undefined ? 0 : nowMs - lastErrorAtMs;
      rows.push({
        uri: uri.name,
        isUp: false,
        isInbound: false,
        isConfigured: true,
        isTrying: run !== undefined,
        link: undefined,
        lastError,
        lastErrorAgeMs,
        keys: uri.options.keys,
      });
    }
    for (const trouble of this.#modems.troubles((uri) => links.some((link) => link.uri === uri))) {
      rows.push({ ...trouble, isUp: false, isInbound: false, isConfigured: true, link: undefined });
    }
    return rows;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const { abort } of this.#runs.values()) abort.abort();
    this.#modems.stop();
    await this.#reloading;
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
  }

  /** A peer that was refused is none of the file's: the next reload tries it again. */
  #reloadPeers(peers: readonly PeerSetting[]): string[] {
    const changes: string[] = [];
    const attempt = (word: string, peer: PeerSetting, act: () => void): boolean => {
      try {
        act();
        changes.push(`${word} ${shownUri(peer.uri)}`);
        return true;
      } catch (error) {
        // Added by command before it came into the file, whose it is from now on.
        if (error instanceof RatatoskError && error.code === 'PEER_EXISTS' && this.#isDialled(peer)) return true;
        changes.push(messageOf(error));
        this.#report('warn', messageOf(error));
        return false;
      }
    };
    for (const peer of without(this.#fromFile, peers)) attempt('removed', peer, () => this.remove(peer));
    const added = without(peers, this.#fromFile).filter((peer) => attempt('added', peer, () => this.add(peer)));
    this.#fromFile = [...this.#fromFile, ...added];
    return changes;
  }

  /** With these very options. */
  #isDialled({ uri, sourceInterface }: PeerSetting): boolean {
    const tasks = [...this.#dialer.tasks()].filter((task) => task.sourceInterface === sourceInterface);
    return tasks.some((task) => isDeepStrictEqual(task.uri, parseUri(uri, 'dial')));
  }

  async #reloadListeners(listen: readonly string[]): Promise<string[]> {
    const changes: string[] = [];
    for (const [uri, listener] of this.#listeners) {
      if (listen.includes(uri)) continue;
      this.#listeners.delete(uri);
      const changed = await this.#changeListener(uri, listener, listen);
      if (changed !== undefined) {
        this.#listeners.set(changed, listener);
        changes.push(`listening on ${listener.uri} with other options`);
        continue;
      }
      await listener.close();
      changes.push(`stopped listening on ${listener.uri}`);
    }
    for (const uri of listen) {
      if (this.#listeners.has(uri)) continue;
      try {
        const parsed = parseUri(uri, 'listen');
        const listener = await this.#listen(parsed);
        this.#listeners.set(uri, listener);
        this.#warn(unboundWarning(parsed, 'listen', this.policy));
        changes.push(`listening on ${listener.uri}`);
      } catch (error) {
        changes.push(messageOf(error));
        this.#report('warn', messageOf(error));
      }
    }
    return changes;
  }

  /** The new text of a listener that has taken over other options. */
  async #changeListener(uri: string, listener: Listener, listen: readonly string[]): Promise<string | undefined> {
    if (listener.change === undefined) return undefined;
    const other = listen.find((text) => !this.#listeners.has(text) && shownUri(text) === shownUri(uri));
    try {
      return other !== undefined && (await listener.change(parseUri(other, 'listen'))) ? other : undefined;
    } catch {
      // Whoever opens it says what is wrong with it.
      return undefined;
    }
  }

  async #listen(uri: LinkUri): Promise<Listener> {
    if (isModem(uri.scheme)) return this.#modems.listen(uri);
    return isDatagram(uri.scheme)
      ? this.#sockets.listen(uri)
      : this.#links.listen(uri, (carrier) => void this.accept(carrier));
  }

  #warn(warning: string | undefined): void {
    if (warning !== undefined) this.#report('warn', warning);
  }

  #dialDue(): void {
    if (this.#isStopped) return;
    const nowMs = performance.now();
    for (const task of this.#dialer.due(nowMs)) void this.#dial(task);
    clearTimeout(this.#timer);
    const atMs = this.#dialer.deadline();
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#dialDue(), Math.min(TIMER_MAX_MS, Math.max(10, atMs - nowMs)));
  }

  /** One attempt, and the life of the link that comes of it. Never rejects. */
  async #dial(task: DialTask): Promise<void> {
    const run: Run = { abort: new AbortController(), end: undefined };
    this.#runs.set(task, run);
    if (isDatagram(task.uri.scheme)) return this.#dialDatagram(task, run);
    let carrier: Carrier;
    try {
      carrier = await this.#links.dial(task.uri, task.sourceInterface, run.abort.signal);
    } catch (error) {
      return this.#failed(task, run, messageOf(error), { isRefused: isRefusal(error) });
    }
    if (run.abort.signal.aborted) return carrier.close();
    const link = this.#driver.attach(carrier, {
      up: () => {
        this.#connected(task);
        this.#warn(unprovenWarning(carrier.facts));
      },
      down: (reason, code) => {
        run.end = undefined;
        if (code === 'own key') this.#giveUp(task, run, reason);
        else this.#lost(task, run, reason, { isWrong: code !== undefined && WRONG_PEERS.includes(code) });
      },
    });
    if (link !== undefined) run.end = () => this.#driver.detach(link);
  }

  /** The same for a datagram link. Never rejects. */
  async #dialDatagram(task: DialTask, run: Run): Promise<void> {
    const end = new AbortController();
    run.abort.signal.addEventListener('abort', () => {
      if (run.end === undefined) end.abort();
    });
    try {
      await this.#sockets.dial(task.uri, task.sourceInterface, end.signal, {
        up: () => {
          run.end = () => end.abort();
          this.#connected(task);
        },
        down: (reason, _code, retryAfterMs) => {
          run.end = undefined;
          this.#lost(task, run, reason, { waitMs: retryAfterMs });
        },
        failed: (reason, code) => {
          if (code === 'own key') this.#giveUp(task, run, reason);
          else this.#failed(task, run, reason);
        },
      });
    } catch (error) {
      this.#failed(task, run, messageOf(error));
    }
  }

  #connected(task: DialTask): void {
    this.#dialer.established(task);
    this.#report('info', 'connected', { peer: task.uri.name }, 'link');
    this.#dialDue();
  }

  #lost(task: DialTask, run: Run, reason: string, more: Pick<Failure, 'waitMs' | 'isWrong'>): void {
    const wasUp = task.state.kind === 'up';
    this.#failed(task, run, reason, { ...more, wasUp });
    const nowMs = performance.now();
    if (!wasUp || nowMs - this.#probedAtMs > PROBE_END_MS) return;
    // The probe has ended it: the peer itself may be well.
    this.#dialer.retry(task, nowMs);
    this.#dialDue();
  }

  #giveUp(task: DialTask, run: Run, reason: string): void {
    if (this.#runs.get(task) !== run) return;
    this.#runs.delete(task);
    this.#report('warn', 'a peer is this node itself', { peer: task.uri.name }, 'link');
    this.#dialer.giveUp(task, reason, performance.now());
    this.#dialDue();
  }

  #failed(
    task: DialTask,
    run: Run,
    reason: string,
    { waitMs, isRefused = false, isWrong = false, wasUp = false }: Failure = {},
  ): void {
    if (this.#runs.get(task) !== run) return;
    this.#runs.delete(task);
    // What nobody but an operator can mend is a warning, once; so is the end of a link.
    const isWarning = wasUp || (isWrong && reason !== task.lastError);
    this.#report(isWarning ? 'warn' : 'info', wasUp ? LOST : 'not connected', { peer: task.uri.name, reason }, 'link');
    if (isRefused) this.#dialer.refused(task, reason, performance.now());
    else this.#dialer.failed(task, reason, performance.now(), waitMs);
    this.#dialDue();
  }
}

function without(settings: readonly PeerSetting[], others: readonly PeerSetting[]): PeerSetting[] {
  return settings.filter((a) => !others.some((b) => a.uri === b.uri && a.sourceInterface === b.sourceInterface));
}

function isSame(peer: PeerSetting, uri: LinkUri, sourceInterface: string): boolean {
  return parseUri(peer.uri, 'dial').name === uri.name && peer.sourceInterface === sourceInterface;
}

function messageOf(error: unknown): string {
  return error instanceof RatatoskError || error instanceof Error ? error.message : String(error);
}

/** Nobody listens at the last address that was tried. */
function isRefusal(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
