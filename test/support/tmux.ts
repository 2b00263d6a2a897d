/** A terminal with somebody in front of it: one window of a tmux server of its own. */
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { mustRun, run } from './process.ts';
import { waitFor } from './wait.ts';

export type TerminalOptions = {
  readonly width: number;
  readonly height: number;
  /** What the program takes the terminal for. */
  readonly term: string;
  /** Beside the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
};

/** Starts of Node beside a machine full of work, whose kernel hands on what is written when it can. */
const LIMIT_MS = 60_000;

let count = 0;

export class Terminal {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** A shell that runs the command, and stays when it has ended. */
  static async open(
    lab: Lab,
    argv: readonly string[],
    { width, height, term, env }: TerminalOptions,
  ): Promise<Terminal> {
    const terminal = new Terminal(join(lab.folder, `tmux-${count++}.sock`));
    const set = Object.entries({ LC_ALL: 'C.UTF-8', TZ: 'UTC', TERM: term, ...env }).map(
      ([name, value]) => `${name}=${value}`,
    );
    // The shell is one that reads no files of the user and has a prompt that can be looked for.
    const shell = ['env', ...set, 'PS1=prompt> ', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'sh'];
    await terminal.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', `${width}`, '-y', `${height}`, ...shell);
    lab.onClose(() => terminal.close());
    await terminal.shows('prompt>');
    if (argv.length > 0) await terminal.type(argv.map((word) => `'${word}'`).join(' '));
    return terminal;
  }

  /** Names of keys, as tmux has them. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys);
  }

  /** A line, and Enter. */
  async type(line: string): Promise<void> {
    await this.#tmux('send-keys', '-l', line);
    await this.press('Enter');
  }

  /** Without trailing spaces; with `-e` its colours too. */
  async screen(...options: readonly string[]): Promise<string> {
    const text = await this.#tmux('capture-pane', '-p', ...options);
    return text.replace(/\n$/, '');
  }

  /** Waits until the screen holds the text, or has a part that fits; gives the screen. */
  async shows(expected: string | RegExp, limitMs = LIMIT_MS): Promise<string> {
    let last = '';
    const holds = (): boolean => (typeof expected === 'string' ? last.includes(expected) : expected.test(last));
    try {
      return await waitFor(
        `${expected} on the screen`,
        async () => {
          last = await this.screen();
          return holds() && last;
        },
        { everyMs: 20, limitMs },
      );
    } catch (cause) {
      const shell = await this.ask('#{pane_pid}');
      const { stdout } = await run(['ps', '-o', 'pid,stat,wchan:24,time,args', '--ppid', shell]);
      throw new Error(`${expected} is not on the screen:\n${last}\n${stdout}`, { cause });
    }
  }

  async resize(width: number, height: number): Promise<void> {
    await this.#tmux('resize-window', '-x', `${width}`, '-y', `${height}`);
  }

  /** What tmux knows of the pane, as `#{cursor_flag}`. */
  ask(format: string): Promise<string> {
    return this.#tmux('display-message', '-p', format).then((text) => text.trim());
  }

  async close(): Promise<void> {
    await run(['tmux', '-S', this.#socket, 'kill-server']);
  }

  #tmux(...words: readonly string[]): Promise<string> {
    return mustRun(['tmux', '-S', this.#socket, ...words]);
  }
}
