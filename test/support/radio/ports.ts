/**
 * How drivers reach an emulated modem: by memory in virtual time, by TCP, by a pseudo terminal. Between them lies a cable with a rate and
 * with faults that may be switched on while it runs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../sim/random.ts';
import { repoRoot } from '../places.ts';
import type { Clock } from './clock.ts';
import type { Modem } from './modem.ts';
import { type LineFacts, OctetLine } from './octet-line.ts';

const NETWORK: Partial<LineFacts> = { octetsPerMs: Number.POSITIVE_INFINITY, delayMs: 0, chunk: 1_460 };

/** Both directions of a cable to a modem. */
export class Cable {
  readonly toModem: OctetLine;
  readonly toHost: OctetLine;

  /** @param host takes what the modem says */
  constructor(
    clock: Clock,
    modem: Modem,
    host: (octets: Uint8Array) => void,
    facts: Partial<LineFacts> = {},
    seed = 1,
  ) {
    const random = new Random(seed);
    this.toModem = new OctetLine(clock, random.fork(), (octets) => modem.input(octets), facts);
    this.toHost = new OctetLine(clock, random.fork(), host, facts);
    modem.output = (octets) => this.toHost.write(octets);
  }
}

/** A modem that listens on TCP: one client at a time, as such firmware has it. */
export class TcpPort {
  readonly cable: Cable;
  readonly #modem: Modem;
  readonly #server: Server;
  /** Ends a client that says nothing for so long; 0: never. RNodes with Wi-Fi: 6 500. */
  readonly #silenceMs: number;
  #client: Socket | undefined;

  constructor(clock: Clock, modem: Modem, facts: Partial<LineFacts> = NETWORK, silenceMs = 0) {
    this.#modem = modem;
    this.#silenceMs = silenceMs;
    this.cable = new Cable(clock, modem, (octets) => void this.#client?.write(octets), facts);
    this.#server = createServer((client) => this.#accept(client));
  }

  /** @returns the port on 127.0.0.1 */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** As if the cable were pulled. */
  hangUp(): void {
    this.#client?.destroy();
    this.#client = undefined;
  }

  async close(): Promise<void> {
    this.hangUp();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #accept(client: Socket): void {
    this.hangUp();
    this.#client = client;
    client.setNoDelay(true);
    client.on('error', () => {});
    client.on('data', (octets) => {
      if (client === this.#client) this.cable.toModem.write(octets);
    });
    if (this.#silenceMs > 0) client.setTimeout(this.#silenceMs, () => client.destroy());
    this.#modem.opened();
  }
}

/**
 * A modem behind a pseudo terminal, at `path`. Needs python3. It is there after `plug`, gone after `unplug`, and survives being
 * opened and closed.
 */
export class PtyPort {
  readonly path: string;
  readonly cable: Cable;
  readonly #folder: string;
  readonly #modem: Modem;
  #process: ChildProcess | undefined;

  constructor(clock: Clock, modem: Modem, facts: Partial<LineFacts> = {}) {
    this.#modem = modem;
    this.#folder = mkdtempSync(join(tmpdir(), `rtsk-${process.pid}-pty-`));
    // Daemons that have given up root open it again.
    chmodSync(this.#folder, 0o755);
    this.path = join(this.#folder, 'tty');
    this.cable = new Cable(clock, modem, (octets) => void this.#process?.stdin?.write(octets), facts);
  }

  async plug(): Promise<void> {
    const child = spawn('python3', [join(repoRoot, 'test/support/radio/pty.py'), this.path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#process = child;
    child.stdin.on('error', () => {});
    // The first octet says that the path is there.
    await once(child.stdout, 'data');
    child.stdout.on('data', (octets: Buffer) => this.cable.toModem.write(octets));
    this.#modem.reset();
  }

  async unplug(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    const gone = once(child, 'exit');
    child.stdin?.end();
    await gone;
  }

  async close(): Promise<void> {
    await this.unplug();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get isThere(): boolean {
    return existsSync(this.path);
  }
}
