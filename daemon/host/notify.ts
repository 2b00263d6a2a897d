/**
 * What a supervisor is told (`sd_notify(3)`): that we are ready, are ending, are alive. systemd names the socket by
 * NOTIFY_SOCKET, and by WATCHDOG_USEC the time after which silence means that we hang. Without them nothing is told.
 */
import { findAddon } from '../../native-bindings/addon.ts';
import { RatatoskError } from '../core/error.ts';

export type Send = (socket: string, text: string) => void;

export class Supervisor {
  readonly #socket: string | undefined;
  readonly #watchdogMs: number | undefined;
  readonly #send: Send;
  #watch: NodeJS.Timeout | undefined;

  /** Takes the variables out of the environment, so that no process we start speaks for us. */
  constructor(env: NodeJS.ProcessEnv = process.env, send: Send = sendDatagram, pid = process.pid) {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = env;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
    // Other kinds of addresses (vsock) are for virtual machines.
    this.#socket = /^[/@]./.test(NOTIFY_SOCKET ?? '') ? NOTIFY_SOCKET : undefined;
    const isForUs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid);
    const milliseconds = Number(WATCHDOG_USEC) / 1000;
    this.#watchdogMs = isForUs && milliseconds >= 1 && milliseconds < 2 ** 31 ? milliseconds : undefined;
    this.#send = send;
  }

  /**
   * `isAlive` rejects, or does not settle, when we hang: then the watchdog hears nothing, and ends us. Throws
   * `DATAGRAM_SEND` if the supervisor cannot be told.
   */
  ready(isAlive: () => Promise<unknown>): void {
    if (this.#socket === undefined) return;
    this.#send(this.#socket, 'READY=1');
    if (this.#watchdogMs === undefined) return;
    // Twice in its time, as the manual advises.
    this.#watch = setInterval(() => {
      isAlive().then(
        () => {
          // The answer may come when we are stopping already.
          if (this.#watch !== undefined) this.#tell('WATCHDOG=1');
        },
        () => undefined,
      );
    }, this.#watchdogMs / 2).unref();
  }

  stopping(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
    this.#tell('STOPPING=1');
  }

  /** One that could be reached once, and cannot be now, draws its own conclusions. */
  #tell(text: string): void {
    if (this.#socket === undefined) return;
    try {
      this.#send(this.#socket, text);
    } catch (error) {
      if (!(error instanceof RatatoskError)) throw error;
    }
  }
}

function sendDatagram(socket: string, text: string): void {
  const { addon, problem } = findAddon();
  if (addon !== undefined) return addon.sendUnixDatagram(socket, Buffer.from(text));
  const remedy = 'build it, or use Type=exec without WatchdogSec';
  throw new RatatoskError('DATAGRAM_SEND', `systemd waits in vain for word from this daemon: ${problem}: ${remedy}`);
}
