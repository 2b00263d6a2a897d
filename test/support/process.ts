/**
 * Processes that tests start: short ones with a time limit, long ones with a bounded log. All of them die with the test
 * process, even when that is killed.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { toolInPath } from './places.ts';
import { waitFor, within } from './wait.ts';

export type Outcome = { stdout: string; stderr: string; code: number | null; signal: NodeJS.Signals | null };

export type RunOptions = { limitMs?: number; input?: string; env?: NodeJS.ProcessEnv; cwd?: string };

const OUTPUT_MAX_CHARS = 64 * 1024 * 1024;
const LOG_MAX_CHARS = 512 * 1024;

/** Runs a command to its end. Rejects only when it cannot start or exceeds its time. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = start(argv, ['pipe', 'pipe', 'pipe'], options);
  const stdout = collect(child.stdout, OUTPUT_MAX_CHARS);
  const stderr = collect(child.stderr, OUTPUT_MAX_CHARS);
  // A command that ends without reading its input is not our failure.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input ?? '');
  const closed = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ stdout: stdout(), stderr: stderr(), code, signal }));
  });
  try {
    return await within(argv.join(' '), options.limitMs ?? 20_000, closed);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${argv.join(' ')}: did not end\n${stdout()}${stderr()}`, { cause: error });
  }
}

/** Runs a command that must succeed; gives its standard output. */
export async function mustRun(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await run(argv, options);
  if (outcome.code !== 0) {
    throw new Error(`${argv.join(' ')}: exit ${outcome.code ?? outcome.signal}\n${outcome.stdout}${outcome.stderr}`);
  }
  return outcome.stdout;
}

/** A process that runs beside the test. */
export class Running {
  readonly #child: ChildProcess;
  readonly #stdout: () => string;
  readonly #stderr: () => string;
  readonly #ended: Promise<void>;
  readonly #what: string;
  #end: { code: number | null; signal: NodeJS.Signals | null } | undefined;

  constructor(argv: readonly string[], options: RunOptions = {}) {
    this.#what = argv.join(' ');
    this.#child = start(argv, ['ignore', 'pipe', 'pipe'], options);
    this.#stdout = collect(this.#child.stdout, LOG_MAX_CHARS);
    this.#stderr = collect(this.#child.stderr, LOG_MAX_CHARS);
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', () => {
        this.#end ??= { code: 127, signal: null };
        resolve();
      });
      this.#child.once('close', (code, signal) => {
        this.#end ??= { code, signal };
        resolve();
      });
    });
    living.add(this);
    this.#ended.then(() => living.delete(this));
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** How it ended; undefined while it runs. */
  get end(): { code: number | null; signal: NodeJS.Signals | null } | undefined {
    return this.#end;
  }

  get stdout(): string {
    return this.#stdout();
  }

  get stderr(): string {
    return this.#stderr();
  }

  get output(): string {
    return `${this.#stdout()}${this.#stderr()}`;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#end === undefined) this.#child.kill(signal);
  }

  /** Sends the signal and waits for the end; SIGKILL follows after the limit. */
  async stop(signal: NodeJS.Signals, limitMs = 5000): Promise<{ isForced: boolean }> {
    this.signal(signal);
    try {
      await within(`${this.#what} to end`, limitMs, this.#ended);
      return { isForced: false };
    } catch {
      this.signal('SIGKILL');
      await this.#ended;
      return { isForced: true };
    }
  }

  async ended(limitMs: number): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    await within(`${this.#what} to end`, limitMs, this.#ended);
    return this.#end ?? { code: null, signal: null };
  }

  /** Waits until the standard output holds the text. */
  async says(text: string, limitMs = 20_000): Promise<void> {
    await waitFor(
      `"${text}" from ${this.#what}\n${this.output}`,
      () => this.stdout.includes(text) || this.#failEarly(),
      {
        limitMs,
        everyMs: 20,
      },
    );
  }

  #failEarly(): false {
    if (this.#end !== undefined) throw new Error(`${this.#what} ended: ${this.output}`);
    return false;
  }
}

const living = new Set<Running>();
process.on('exit', () => {
  for (const one of living) one.signal('SIGKILL');
});

const setpriv = toolInPath('setpriv');

function start(argv: readonly string[], stdio: StdioOptions, options: RunOptions): ChildProcess {
  // The kernel ends the child when this process is gone: nothing of a killed run stays behind.
  const line = setpriv === undefined ? [...argv] : [setpriv, '--pdeathsig', 'KILL', '--', ...argv];
  const [command = '', ...rest] = line;
  const env = options.env === undefined ? process.env : { ...process.env, ...options.env };
  return spawn(command, rest, { stdio, env, ...(options.cwd === undefined ? {} : { cwd: options.cwd }) });
}

/** Keeps the last `maxChars` of a stream. */
function collect(stream: NodeJS.ReadableStream | null, maxChars: number): () => string {
  let text = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > maxChars) text = text.slice(-maxChars);
  });
  return () => text;
}
