/**
 * One daemon of either kind in a namespace.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AdminArguments, adminRequest, type PeerAnswer, type SelfAnswer, type TreeAnswer } from './admin.ts';
import type { Identity } from './identity.ts';
import { cast, type DaemonKind } from './kind.ts';
import type { Netns } from './netns.ts';
import { ratatoskMain, yggdrasilTool } from './places.ts';
import type { Running } from './process.ts';
import { waitFor } from './wait.ts';

export type NodeSpec = {
  readonly kind: DaemonKind;
  readonly netns: Netns;
  readonly identity: Identity;
  readonly peers?: readonly string[];
  readonly listen?: readonly string[];
  /** 1280..65535; 65535 unless given. */
  readonly mtu?: number;
  /** False: a router without a device. */
  readonly hasTun?: boolean;
  /** Runs as the user nobody, without any capability. */
  readonly isUnprivileged?: boolean;
  /** The daemon, if it is not the usual one of its kind: an executable, of ours the built `main.js`. */
  readonly binary?: string | undefined;
  /** Beside the environment of the tests. */
  readonly env?: NodeJS.ProcessEnv;
  /** `debug` unless given. */
  readonly logLevel?: 'debug' | 'info';
  /** More members of the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
};

export const TUN_NAME = 'ygg0';
const NOBODY_ID = '65534';

export class TestNode {
  readonly kind: DaemonKind;
  readonly label: string;
  readonly netns: Netns;
  readonly identity: Identity;
  readonly address: string;
  readonly adminPath: string;
  readonly configPath: string;
  readonly #spec: NodeSpec;
  readonly #folder: string;
  #process: Running | undefined;
  #earlierLog = '';

  /** `folder` belongs to this node alone and exists. */
  constructor(label: string, folder: string, spec: NodeSpec) {
    this.kind = cast(spec.kind);
    this.label = label;
    this.netns = spec.netns;
    this.identity = spec.identity;
    this.address = spec.identity.address;
    this.#spec = spec;
    this.#folder = folder;
    this.adminPath = join(folder, 'admin.sock');
    this.configPath = join(folder, 'node.conf');
    this.writeConfig({});
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** It has been, and may have ended since. */
  get isStarted(): boolean {
    return this.#process !== undefined;
  }

  get log(): string {
    return this.#earlierLog + (this.#process?.output ?? '');
  }

  /** How the daemon ended; undefined while it runs. */
  get end(): { code: number | null; signal: NodeJS.Signals | null } | undefined {
    return this.#process?.end;
  }

  get stateFolder(): string {
    return join(this.#folder, 'state');
  }

  get env(): NodeJS.ProcessEnv {
    return this.#spec.env ?? {};
  }

  get configuredPeers(): readonly string[] {
    return this.#spec.peers ?? [];
  }

  /** The configuration that it started with, with other members; nobody tells the daemon. */
  writeConfig(changed: Record<string, unknown>): void {
    const config = { ...configOf(this.#spec, this.adminPath), ...changed };
    writeFileSync(this.configPath, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  }

  /** Starts the daemon and waits until it answers and, if it has one, until its TUN carries the address. */
  async start(limitMs = 20_000): Promise<void> {
    this.launch();
    await this.ready(limitMs);
  }

  /** Starts the daemon without waiting for anything. */
  launch(): void {
    if (this.#process !== undefined) this.#earlierLog += `${this.#process.output}--- started again ---\n`;
    this.#process = this.netns.start(this.#commandLine(), {
      env: { ...privateFolders(this.#folder), ...this.#spec.env },
      cwd: this.#folder,
    });
  }

  async ready(limitMs = 20_000): Promise<void> {
    await waitFor(
      `${this.kind} ${this.label} to be ready`,
      async () => {
        if (this.#running.end !== undefined) return true;
        await this.admin('getself');
        return this.#spec.hasTun === false || (await this.#hasAddress());
      },
      { limitMs },
    );
    if (this.#running.end !== undefined) throw new Error(`${this.kind} ${this.label} ended:\n${this.log}`);
  }

  /** Ends it as a crash would, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#running.stop('SIGKILL');
  }

  async terminate(limitMs = 5000): Promise<{ isForced: boolean }> {
    return (await this.#process?.stop('SIGTERM', limitMs)) ?? { isForced: false };
  }

  signal(signal: NodeJS.Signals): void {
    this.#running.signal(signal);
  }

  admin<T = Record<string, unknown>>(request: string, name: AdminArguments = {}): Promise<T> {
    return adminRequest<T>(this.adminPath, request, name);
  }

  self(): Promise<SelfAnswer> {
    return this.admin<SelfAnswer>('getself');
  }

  async peers(): Promise<PeerAnswer[]> {
    return (await this.admin<{ peers?: PeerAnswer[] }>('getpeers')).peers ?? [];
  }

  async tree(): Promise<TreeAnswer[]> {
    return (await this.admin<{ tree?: TreeAnswer[] }>('gettree')).tree ?? [];
  }

  async hasPeer(other: Identity): Promise<boolean> {
    return (await this.peers()).some((peer) => peer.up && peer.key === other.publicKeyHex);
  }

  /** The key of the root, as this node sees it: the end of its own ancestry; undefined while that is unknown. */
  async root(): Promise<string | undefined> {
    const parents = new Map((await this.tree()).map((entry) => [entry.key, entry.parent]));
    let key = this.identity.publicKeyHex;
    for (let hops = 0; hops <= parents.size; hops++) {
      const parent = parents.get(key);
      if (parent === undefined) return undefined;
      if (parent === key) return key;
      key = parent;
    }
    return undefined;
  }

  /** For the report of a failed test. */
  async account(): Promise<string> {
    const requests = ['getself', 'getpeers', 'gettree', 'getpaths', 'getsessions'];
    if (this.kind === 'ratatosk') requests.push('getstats');
    const tables = requests.map(async (request) => {
      const answer = await this.admin(request).catch((error: unknown) => String(error));
      return `${request}: ${JSON.stringify(answer, (_, value) => (value === 0 ? undefined : value))}`;
    });
    const end =
      this.#process === undefined
        ? 'not started'
        : this.end === undefined
          ? 'runs'
          : `ended ${JSON.stringify(this.end)}`;
    const head = `=== ${this.kind} ${this.label} ${this.address} (${end})`;
    const answers = this.#process !== undefined && this.end === undefined ? await Promise.all(tables) : [];
    return [head, ...answers, this.log.slice(-6000), ''].join('\n');
  }

  get #running(): Running {
    if (this.#process === undefined) throw new Error(`${this.label} has not been started`);
    return this.#process;
  }

  async #hasAddress(): Promise<boolean> {
    const shown = await this.netns.mustRun(['ip', '-6', '-o', 'addr', 'show', 'dev', TUN_NAME]);
    return shown.includes(` ${this.address}/7`);
  }

  #commandLine(): string[] {
    const { binary, logLevel = 'debug' } = this.#spec;
    const daemon =
      this.kind === 'ratatosk'
        ? [process.execPath, binary ?? ratatoskMain, 'up', '--config', this.configPath, '--log-level', logLevel]
        : [binary ?? yggdrasilTool('yggdrasil') ?? 'yggdrasil', '-useconffile', this.configPath, '-loglevel', logLevel];
    if (this.#spec.isUnprivileged !== true) return daemon;
    const ids = [`--reuid=${NOBODY_ID}`, `--regid=${NOBODY_ID}`, '--clear-groups'];
    return ['setpriv', ...ids, '--inh-caps=-all', '--bounding-set=-all', '--', ...daemon];
  }
}

function configOf(spec: NodeSpec, adminPath: string): Record<string, unknown> {
  return {
    PrivateKey: spec.identity.privateKeyHex,
    Peers: spec.peers ?? [],
    Listen: spec.listen ?? [],
    AdminListen: `unix://${adminPath}`,
    MulticastInterfaces: [],
    IfName: spec.hasTun === false ? 'none' : TUN_NAME,
    IfMTU: spec.mtu ?? 65535,
    NodeInfoPrivacy: true,
    // What listens in tests is to be reached; test/net/firewall says otherwise where that is the question.
    ...(cast(spec.kind) === 'ratatosk' ? { Firewall: { Inbound: 'allow' } } : {}),
    ...spec.config,
  };
}

/** Keeps the daemon away from the state of an installed one, and from that of others with the same test identity. */
export function privateFolders(folder: string): NodeJS.ProcessEnv {
  return {
    HOME: folder,
    // As systemd names them; they hold for root too.
    CONFIGURATION_DIRECTORY: join(folder, 'config'),
    STATE_DIRECTORY: join(folder, 'state'),
    RUNTIME_DIRECTORY: join(folder, 'run'),
    NO_COLOR: '1',
  };
}
