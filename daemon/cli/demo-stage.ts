/**
 * The daemons of the demonstration: processes of this program, each with a folder of its own inside one that carries our
 * process id. Whoever comes next can tell by it what was left behind, and by their command lines which processes belong to it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RatatoskError } from '../core/error.ts';
import { addressForKey } from '../core/identity.ts';
import { addressText, hexText } from '../host/address.ts';
import { type Identity, identityToHex, newIdentity } from '../host/keys.ts';
import { createSecretFile } from '../host/secret-file.ts';
import { adminClient } from './client.ts';
import { DEMO_NODES, type DemoLink, type DemoNode } from './demo-mesh.ts';

const PREFIX = 'ratatosk-demo-';
const START_LIMIT_MS = 60_000;
const END_LIMIT_MS = 5_000;
const LOOK_MS = 50;
const PING_LIMIT_MS = 2_000;
/** Of a cable as people have it. */
const BAUD = 115_200;

export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  readonly hasCable: boolean;
  readonly #identities = new Map<string, Identity>(DEMO_NODES.map(({ name }) => [name, newIdentity()]));
  readonly #children: ChildProcess[] = [];
  /** URIs by `scheme name`. */
  readonly #uris = new Map<string, string>();
  readonly #atExit = (): void => this.#clearNow();

  constructor() {
    process.on('exit', this.#atExit);
    this.hasCable = hasTool('socat');
    if (this.hasCable)
      this.#adopt(
        spawn(
          'socat',
          this.#cableEnds.map((end) => `pty,raw,echo=0,link=${end}`),
          { stdio: 'ignore', detached: true },
        ),
      );
  }

  /** What runs this program: Node's arguments before a verb. */
  get command(): string[] {
    return [process.argv[1] ?? ''];
  }

  get firstSocket(): string {
    return this.#socketOf(DEMO_NODES[0]?.name ?? '');
  }

  addressOf(name: string): string {
    return addressText(addressForKey(this.#identityOf(name).publicKey));
  }

  /** Until it listens. */
  async start(node: DemoNode, signal: AbortSignal): Promise<void> {
    const folder = join(this.folder, node.name);
    mkdirSync(folder, { mode: 0o700 });
    const config = join(folder, 'ratatosk.conf');
    createSecretFile(config, `${JSON.stringify(this.#configOf(node), undefined, 2)}\n`);
    const log = openSync(join(folder, 'log'), 'a', 0o600);
    const env = { ...process.env, CONFIGURATION_DIRECTORY: folder, STATE_DIRECTORY: folder, RUNTIME_DIRECTORY: folder };
    const line = [...this.command, 'up', '--no-tun', '--config', config];
    const child = this.#adopt(spawn(process.execPath, line, { env, stdio: ['ignore', log, log], detached: true }));
    await until(signal, `${node.name} to be up (${join(folder, 'log')})`, async () => {
      if (child.exitCode !== null)
        throw new RatatoskError('DEMO', `${node.name} ended: ${lastLine(join(folder, 'log'))}`);
      const { listening } = await this.#ask(node.name)('getStatus');
      for (const uri of listening) this.#uris.set(`${uri.split(':')[0]} ${node.name}`, uri);
      return listening.length >= node.listens.length;
    });
  }

  /** Until every link that was configured is up. */
  async linked(signal: AbortSignal): Promise<void> {
    for (const node of DEMO_NODES) {
      await until(signal, `the links of ${node.name}`, async () => {
        return (await this.#ask(node.name)('getStatus')).peers.up >= node.links.length;
      });
    }
  }

  async ping(from: number, to: number, size: number): Promise<boolean> {
    const [a, b] = [DEMO_NODES[from]?.name ?? '', DEMO_NODES[to]?.name ?? ''];
    const args = { target: b, size: String(Math.min(size, 1200)), timeout: String(PING_LIMIT_MS) };
    return (await this.#ask(a)('ping', args)).answered;
  }

  /** What a verb says of the first node. */
  shown(verb: string): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(process.execPath, [...this.command, verb, '--socket', this.firstSocket], (error, out) => {
        if (error === null) resolve(out.trimEnd());
        else reject(new RatatoskError('DEMO', `${verb} failed: ${error.message}`));
      });
    });
  }

  /** Ends all and removes the folder. */
  async clear(): Promise<void> {
    for (const child of this.#children) child.kill('SIGTERM');
    const endMs = performance.now() + END_LIMIT_MS;
    while (this.#children.some(isRunning) && performance.now() < endMs) await wait(LOOK_MS);
    this.#clearNow();
    process.off('exit', this.#atExit);
  }

  #clearNow(): void {
    for (const child of this.#children) if (isRunning(child)) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  #configOf(node: DemoNode): object {
    const names = DEMO_NODES.map(({ name }) => [name, hexText(this.#identityOf(name).publicKey)]);
    const peers = node.links.map((link) => this.#uriTo(link));
    const end = DEMO_NODES.filter(({ hasCable }) => hasCable).indexOf(node);
    if (this.hasCable && end >= 0) peers.push(`serial://${this.#cableEnds[end]}?baud=${BAUD}`);
    return {
      PrivateKey: identityToHex(this.#identityOf(node.name)),
      Peers: peers,
      Listen: node.listens.map((scheme) => this.#listenUri(scheme, node.name)),
      AdminListen: `unix://${this.#socketOf(node.name)}`,
      MulticastInterfaces: [],
      IfName: 'none',
      Name: node.name,
      Names: Object.fromEntries(names),
    };
  }

  #listenUri(scheme: DemoLink['scheme'], name: string): string {
    return scheme === 'unix' ? `unix://${join(this.folder, name, 'peers.sock')}` : `${scheme}://127.0.0.1:0`;
  }

  #uriTo({ scheme, to }: DemoLink): string {
    const uri = scheme === 'unix' ? this.#listenUri(scheme, to) : this.#uris.get(`${scheme} ${to}`);
    if (uri === undefined) throw new RatatoskError('DEMO', `${to} does not listen on ${scheme}: see ${this.folder}`);
    return scheme === 'unix' ? uri : `${uri}?key=${hexText(this.#identityOf(to).publicKey)}`;
  }

  get #cableEnds(): string[] {
    return ['a', 'b'].map((end) => join(this.folder, `tty-${end}`));
  }

  #identityOf(name: string): Identity {
    const identity = this.#identities.get(name);
    if (identity === undefined) throw new RatatoskError('DEMO', `nobody is called ${name}`);
    return identity;
  }

  #socketOf(name: string): string {
    return join(this.folder, name, 'ratatosk.sock');
  }

  #ask(name: string): ReturnType<typeof adminClient> {
    return adminClient({ socket: this.#socketOf(name) });
  }

  #adopt(child: ChildProcess): ChildProcess {
    this.#children.push(child);
    child.on('error', () => undefined);
    return child;
  }
}

/** Ends the processes and removes the folders of demos whose own process is gone; gives how many there were. */
export async function removeLeftovers(): Promise<number> {
  const folders = readdirSync(tmpdir())
    .filter(isLeftover)
    .map((name) => join(tmpdir(), name));
  for (const folder of folders) {
    const pids = processesOf(folder);
    signalAll(pids, 'SIGTERM');
    const endMs = performance.now() + END_LIMIT_MS;
    while (processesOf(folder).length > 0 && performance.now() < endMs) await wait(LOOK_MS);
    signalAll(processesOf(folder), 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
  return folders.length;
}

/** Of our own making: others could give a folder that name. */
function isLeftover(name: string): boolean {
  const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
  if (pid === undefined || /\bdemo\b/.test(commandLine(pid))) return false;
  const stats = lstatSync(join(tmpdir(), name), { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === process.geteuid?.();
}

/** Those that name the folder in their command line: daemons by their configuration, the cable by its ends. */
function processesOf(folder: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => commandLine(pid).includes(`${folder}/`)).map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended, or is somebody else's.
    }
  }
}

async function until(signal: AbortSignal, what: string, look: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + START_LIMIT_MS;
  while (performance.now() < endMs) {
    signal.throwIfAborted();
    try {
      if (await look()) return;
    } catch (error) {
      if (error instanceof RatatoskError && error.code === 'DEMO') throw error;
    }
    await wait(LOOK_MS);
  }
  throw new RatatoskError('DEMO', `waited in vain for ${what}`);
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function lastLine(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) ?? '';
}

function hasTool(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, name)));
}
