/** Runs a verb as a process of its own; what it says is a text of bounded length. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Errand } from './ui.ts';

const LINES_MAX = 2_000;
const LINE_MAX_CHARS = 2_000;

export type RunningErrand = { readonly errand: Errand; stop(): void };

/** `before` and `behind` the words stands what makes them a command line of this program for this daemon. */
export function runErrand(
  before: readonly string[],
  words: readonly string[],
  behind: readonly string[],
  changed: () => void,
): RunningErrand {
  const errand: Errand = { words, lines: [], code: undefined };
  const [program = '', ...script] = before;
  const env = { ...process.env, NO_COLOR: '1', COLUMNS: '80' };
  const child = spawn(program, [...script, ...words, ...behind], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const flush = [collect(child, 'stdout', errand, changed), collect(child, 'stderr', errand, changed)];
  const ended = (code: number, text?: string): void => {
    if (errand.code !== undefined) return;
    for (const write of flush) write();
    if (text !== undefined) add(errand, text);
    if (errand.lines.length === 0) add(errand, code === 0 ? '(it said nothing)' : '(it failed without a word)');
    errand.code = code;
    changed();
  };
  child.on('error', (error) => ended(1, error.message));
  child.on('close', (code) => ended(code ?? 1));
  return {
    errand,
    stop: () => {
      child.kill('SIGTERM');
    },
  };
}

function collect(child: ChildProcess, name: 'stdout' | 'stderr', errand: Errand, changed: () => void): () => void {
  let rest = '';
  const stream = child[name];
  stream?.setEncoding('utf8');
  stream?.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(-LINE_MAX_CHARS);
    for (const line of lines) add(errand, line);
    changed();
  });
  return () => {
    if (rest !== '') add(errand, rest);
    rest = '';
  };
}

function add({ lines }: Errand, line: string): void {
  lines.push(line.slice(0, LINE_MAX_CHARS).replaceAll('\t', '    '));
  if (lines.length > LINES_MAX) lines.shift();
}
