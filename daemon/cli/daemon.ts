/**
 * A daemon's life in the host thread. Start: configuration, key, admin socket, router thread (TUN, listeners, peers).
 * End: peers are told, then the socket goes, then the process.
 */
import { uptime } from 'node:os';
import { join } from 'node:path';
import { RatatoskError } from '../core/error.ts';
import { addressForKey, subnetForKey } from '../core/identity.ts';
import type { Limits } from '../core/port.ts';
import { addressText, hexText, subnetText } from '../host/address.ts';
import { AdminServer, parseEndpoint } from '../host/admin.ts';
import { adminCalls } from '../host/admin-calls.ts';
import { AirFiles } from '../host/air-file.ts';
import { AirWatch } from '../host/air-watch.ts';
import type { StatusAnswer } from '../host/answers.ts';
import { RouterLine } from '../host/ask.ts';
import { CLOCK_STEP, ClockWatch } from '../host/clock-watch.ts';
import type { AskRouter, PeerRow, RouterNotice } from '../host/commands.ts';
import type { LoadedConfig } from '../host/config.ts';
import { DropWatch } from '../host/drop-watch.ts';
import { EventFile } from '../host/event-file.ts';
import { Events } from '../host/events.ts';
import { type Mark, markInstance } from '../host/instance.ts';
import type { Identity } from '../host/keys.ts';
import { KnownKeysFile } from '../host/known-keys.ts';
import type { Log } from '../host/log.ts';
import { watchLoop } from '../host/loop.ts';
import { Supervisor } from '../host/notify.ts';
import { defaultPlaces } from '../host/places.ts';
import { Rates } from '../host/rates.ts';
import { routerSettings, settingWarnings } from '../host/settings.ts';
import { findNode, findTarget } from '../host/targets.ts';
import { changedMembers } from './changed-members.ts';
import { type Guard, openGuard } from './guard.ts';
import { limitsOf, MetricsDesk } from './metrics.ts';
import { summaryLines } from './summary.ts';
import { durationText } from './text.ts';
import { type RouterThread, startThread } from './thread.ts';
import { EXIT_CRASHED, EXIT_DONE, EXIT_FAILED } from './verb.ts';
import { version } from './version.ts';

export type DaemonOptions = {
  readonly log: Log;
  /** By the command line, which goes before the configuration. */
  readonly hasLogLevel: boolean;
  readonly isJson: boolean;
  /** The configuration's, for texts. */
  readonly path: string;
  /** Opened, not started. */
  readonly thread: RouterThread;
  /** Throws what an operator can read. */
  readonly load: () => LoadedConfig;
};

type Ready = Extract<RouterNotice, { kind: 'ready' }>;

/** In the state folder. */
const KNOWN_KEYS = 'e2e-peers';
const AIR = 'air';

/** How often octets are looked at for the rates of `getPeers`. */
const RATE_MS = 1_000;

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #log: Log;
  readonly #rates = new Rates();
  readonly #loop = watchLoop();
  readonly #eventFile: EventFile;
  readonly #events = new Events({ unixMs: () => Date.now(), monotonicMs: () => performance.now() }, () =>
    this.#eventFile.earlier(),
  );
  readonly #drops = new DropWatch(this.#events);
  readonly #radios = new AirWatch();
  readonly #clock = new ClockWatch(Date.now(), uptime() * 1_000);
  readonly #startMs = performance.now();
  #loaded: LoadedConfig;
  readonly #identity: Identity;
  readonly #guard: Guard;
  readonly #supervisor = new Supervisor();
  /** See `RouterStart`. */
  readonly #gate = new Int32Array(new SharedArrayBuffer(4));
  #line: RouterLine | undefined;
  #admin: AdminServer | undefined;
  #mark: Mark | undefined;
  #ready: Ready | undefined;
  #end: ((code: number) => void) | undefined;
  #isEnding = false;
  readonly #known: KnownKeysFile;
  readonly #air: AirFiles;
  readonly #metrics: MetricsDesk;
  /** They change at a restart only. */
  readonly #limits: Limits;

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#loaded = options.load();
    const { identity } = this.#loaded;
    if (identity === undefined) throw new RatatoskError('KEY_MISSING', `${options.path}: no identity in it`);
    this.#identity = identity;
    this.#setLogLevel();
    const { stateFolder } = defaultPlaces();
    // Of this key alone: several daemons of one machine may share the state folder.
    const folder = join(stateFolder, 'events', hexText(identity.publicKey));
    const life = `${Math.round(performance.timeOrigin)}-${process.pid}`;
    this.#eventFile = new EventFile(folder, life, (line) => this.#log.warn(line));
    this.#known = new KnownKeysFile(join(stateFolder, KNOWN_KEYS), (line) => this.#log.warn(line));
    this.#air = new AirFiles(join(stateFolder, AIR), (line) => this.#log.warn(line));
    this.#guard = openGuard(this.#log, this.#loaded.config, identity.publicKey);
    this.#record();
    const ask: AskRouter = (name, args) => this.#router.ask(name, args);
    this.#limits = limitsOf(this.#loaded.config);
    const source = {
      ask,
      version: version(),
      loop: () => this.#loop.info(),
      limits: () => this.#limits,
      refused: () => this.#guard.status().refused,
    };
    this.#metrics = new MetricsDesk(this.#log, source, () => this.#ready?.tunProblem);
  }

  #setLogLevel(): void {
    if (!this.#options.hasLogLevel) this.#log.level = this.#loaded.config.LogLevel;
  }

  /** Everything that is worth a line to somebody is an event, whether it is logged or not. */
  #record(): void {
    this.#log.observe = (about, level, message, fields) => {
      if (level !== 'debug' || about !== 'daemon') this.#events.add(about, level, message, fields);
      if (about === 'link' && fields.from !== undefined) this.#drops.refused(`${fields.from}`, `${fields.reason}`);
    };
    this.#events.listen((happening) => this.#eventFile.add(happening));
    this.#events.add('daemon', 'info', `ratatosk ${version()} starts`, { pid: process.pid });
  }

  /** Until it ends; gives the exit code. */
  async run(): Promise<number> {
    this.#guard.prepare();
    this.#warn(this.#loaded);
    const ended = new Promise<number>((resolve) => {
      this.#end = resolve;
    });
    this.#watchProcess();
    try {
      this.#mark = await this.#markKey();
      await this.#openAdmin();
      await this.#metrics.open(this.#loaded.config);
      this.#startRouter();
    } catch (error) {
      this.#release();
      throw error;
    }
    return ended;
  }

  async #markKey(): Promise<Mark | undefined> {
    try {
      return await markInstance(defaultPlaces().runtimeFolder, this.#identity.publicKey);
    } catch (error) {
      if (!(error instanceof RatatoskError) || error.code === 'KEY_IN_USE') throw error;
      // Not worth refusing to run: it only guards against a second daemon.
      this.#log.warn(`cannot guard against a second daemon with this key: ${error.message}`);
      return undefined;
    }
  }

  async #openAdmin(): Promise<void> {
    const endpoint = parseEndpoint(this.#adminUri);
    if (endpoint.kind === 'off') return;
    const calls = adminCalls({
      ask: (name, args) => this.#router.ask(name, args),
      version: version(),
      addressOf: addressForKey,
      rates: this.#rates,
      limits: () => this.#limits,
      loop: () => this.#loop.info(),
      findTarget: (target) => findTarget(target, this.#loaded.config.Names, addressForKey),
      findNode: (target) => findNode(target, this.#loaded.config.Names, addressForKey),
      status: () => this.#status(),
      firewall: this.#guard,
      openFor: (address) => this.#guard.openFor(address),
      refusedTo: (address) => this.#guard.refusedTo(address),
      reload: () => this.#reload(),
      events: this.#events,
    });
    this.#admin = await AdminServer.listen(endpoint, calls);
  }

  #startRouter(): void {
    const { thread } = this.#options;
    const memories = { e2eKnown: this.#known.keys, airMemories: this.#air.memories() };
    const settings = routerSettings(this.#loaded.config, this.#identity, version(), memories);
    this.#line = new RouterLine(thread.line, (notice) => this.#heard(notice));
    thread.worker.on('error', (error: Error) => this.#crash('the router thread failed', error));
    thread.worker.on('exit', () => {
      if (!this.#isEnding) this.#crash('the router thread ended by itself', undefined);
    });
    startThread(thread, { ...settings, gate: this.#gate.buffer });
  }

  get #router(): RouterLine {
    if (this.#line === undefined) throw new RatatoskError('ROUTER_STARTING', 'the daemon is still starting; try again');
    return this.#line;
  }

  #heard(notice: RouterNotice): void {
    switch (notice.kind) {
      case 'log':
        return this.#log.line(notice.level, notice.message, notice.fields, notice.about);
      case 'tunOpened':
        return this.#openGate(notice.name);
      case 'e2eKnown':
        return this.#known.add(notice.key, notice.unixMs);
      case 'e2eForgotten':
        return this.#known.delete(notice.key);
      case 'airUsed':
        return this.#air.write(notice.record);
      case 'failed':
        this.#log.error(`the router cannot start: ${notice.message}`, { code: notice.code });
        return this.#finish(EXIT_FAILED);
      case 'ready':
        // Asked to end while it was starting.
        if (this.#isEnding) return;
        this.#ready = notice;
        setInterval(() => this.#lookAround(), RATE_MS).unref();
        this.#guard.lookAfter();
        this.#tellReady();
        this.#announce().catch((error: unknown) => {
          if (!this.#isEnding) this.#crash('the start could not be reported', error);
        });
        return;
    }
  }

  #tellReady(): void {
    try {
      this.#supervisor.ready(() => this.#router.ask('tun', {}));
    } catch (error) {
      this.#log.warn(messageOf(error));
    }
  }

  /** The router waits for this before it gives the interface an address. */
  #openGate(interfaceName: string): void {
    try {
      this.#guard.close(interfaceName);
    } finally {
      Atomics.store(this.#gate, 0, 1);
      Atomics.notify(this.#gate, 0);
    }
  }

  async #announce(): Promise<void> {
    const status = await this.#status();
    if (this.#options.isJson) return this.#log.info('ready', { address: status.address, key: status.key });
    process.stdout.write(`ratatosk ${status.version} is up\n${summaryLines(status).join('\n')}\n`);
  }

  async #status(): Promise<StatusAnswer> {
    const { config } = this.#loaded;
    const { publicKey } = this.#identity;
    const peers = await this.#router.ask('peerCounts', {});
    const listening = await this.#router.ask('listening', {});
    const modems = await this.#router.ask('modems', {});
    const multicast = await this.#router.ask('multicast', {});
    const wantsDiscovery = config.MulticastInterfaces.some(({ Beacon, Listen }) => Beacon || Listen);
    const { tun, tunProblem, tunRemedy } = this.#ready ?? { tun: { isEnabled: false, name: '', mtu: 0 } };
    return {
      api: 1,
      version: version(),
      name: config.Name,
      ...(Object.keys(config.Names).length > 0 ? { names: config.Names } : {}),
      uptime: (performance.now() - this.#startMs) / 1000,
      key: hexText(publicKey),
      address: addressText(addressForKey(publicKey)),
      subnet: subnetText(subnetForKey(publicKey)),
      config: this.#options.path,
      admin: this.#admin === undefined ? 'none' : this.#adminUri,
      listening,
      peers,
      tun: {
        enabled: tun.isEnabled,
        ...(tun.isEnabled ? { name: tun.name, mtu: tun.mtu } : {}),
        ...(tunProblem === undefined ? {} : { problem: tunProblem }),
        ...(tunRemedy === undefined ? {} : { remedy: tunRemedy }),
      },
      firewall: this.#guard.summary(),
      ...(modems.length > 0 ? { modems } : {}),
      ...(this.#metrics.state === undefined ? {} : { metrics: this.#metrics.state }),
      ...(wantsDiscovery ? { discovery: multicast.map(({ name }) => name) } : {}),
    };
  }

  async #reload(): Promise<readonly string[]> {
    const before = this.#loaded;
    const loaded = this.#options.load();
    this.#warn(loaded);
    const settings = routerSettings(loaded.config, this.#identity, version());
    const changes = await this.#router.ask('reload', { settings });
    this.#loaded = loaded;
    this.#setLogLevel();
    const all = [
      ...changes,
      ...this.#guard.reload(loaded.config),
      ...(await this.#metrics.reload(loaded.config)),
      ...changedMembers(before, loaded, this.#options),
    ];
    for (const change of all) this.#log.info(change, {}, 'configuration');
    return all;
  }

  #reloadBySignal(): void {
    this.#reload().then(
      (changes) => this.#log.info(`read ${this.#options.path} again: ${changes.length} changes`),
      (error: unknown) => this.#log.error(`the running configuration stays: ${messageOf(error)}`, {}, 'configuration'),
    );
  }

  #lookAround(): void {
    const stepMs = this.#clock.look(Date.now(), uptime() * 1_000);
    if (stepMs !== undefined) {
      const by = `${stepMs < 0 ? 'back' : 'forward'} by ${durationText(Math.abs(stepMs) / 1_000)}`;
      this.#log.warn(`${CLOCK_STEP} ${by}: links and sessions go on, times of events do not`);
    }
    const asked = [
      this.#router.ask('peers', {}),
      this.#router.ask('stats', {}),
      this.#router.ask('radios', {}),
    ] as const;
    Promise.all(asked).then(
      ([rows, stats, radios]) => {
        this.#rates.look(rows, performance.now());
        this.#drops.look(stats, performance.now(), fullestLink(rows));
        for (const { level, text } of this.#radios.look(radios)) this.#log[level](text, {}, 'radio');
        this.#guard.lookForRefusals(stats.counters.tunDelivered ?? 0);
      },
      (error: unknown) => this.#log.debug(`no rates: ${messageOf(error)}`),
    );
  }

  #watchProcess(): void {
    process.on('SIGHUP', () => this.#reloadBySignal());
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        // Pressed twice: whoever did it does not want to wait.
        if (this.#isEnding) this.#exit(EXIT_FAILED);
        else void this.#stop(signal);
      });
    }
    process.on('uncaughtException', (error) => this.#crash('this is a fault of ratatosk', error));
    process.on('unhandledRejection', (error) => this.#crash('this is a fault of ratatosk', error));
  }

  async #stop(signal: string): Promise<void> {
    this.#isEnding = true;
    this.#log.info(`${signal}: closing`);
    this.#supervisor.stopping();
    try {
      for (const record of (await this.#line?.ask('stop', {})) ?? []) this.#air.write(record);
    } catch (error) {
      this.#log.warn(`closed without waiting for the router: ${messageOf(error)}`);
    }
    this.#finish(EXIT_DONE);
  }

  #crash(what: string, error: unknown): void {
    const trace = error instanceof Error ? (error.stack ?? error.message) : String(error ?? '');
    for (const line of `${what}: ${trace}`.split('\n')) this.#log.error(line);
    this.#exit(EXIT_CRASHED);
  }

  #finish(code: number): void {
    this.#release();
    this.#guard.end();
    this.#end?.(code);
  }

  #exit(code: number): void {
    this.#release();
    process.exit(code);
  }

  #release(): void {
    this.#isEnding = true;
    this.#known.close();
    this.#eventFile.flush();
    this.#line?.fail(new RatatoskError('ROUTER_GONE', 'the daemon is ending'));
    this.#admin?.close();
    this.#metrics.close();
    this.#mark?.release();
    this.#options.thread.worker.terminate().catch(() => undefined);
  }

  get #adminUri(): string {
    return this.#loaded.config.AdminListen ?? `unix://${defaultPlaces().adminSocket}`;
  }

  #warn(loaded: LoadedConfig): void {
    const warnings = [...loaded.warnings, ...settingWarnings(loaded.config)];
    for (const warning of warnings) this.#log.warn(warning, {}, 'configuration');
  }
}

function fullestLink(rows: readonly PeerRow[]): string | undefined {
  const waiting = rows.filter(({ link }) => (link?.queuedBytes ?? 0) > 0);
  return waiting.sort((a, b) => (b.link?.queuedBytes ?? 0) - (a.link?.queuedBytes ?? 0))[0]?.uri;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
