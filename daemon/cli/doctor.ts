import { RatatoskError } from '../core/error.ts';
import { loadConfig } from '../host/config.ts';
import { defaultPlaces } from '../host/places.ts';
import type { DaemonSays, Finding, FindingState, Problem, Scene } from './checks/finding.ts';
import { CHECKS } from './checks/table.ts';
import { adminClient, SOCKET_HELP, socketOption } from './client.ts';
import { paint } from './paint.ts';
import { beside } from './text.ts';
import { EXIT_DONE, EXIT_FAILED, type OptionValues, textOption, type Verb } from './verb.ts';

export const verb: Verb = {
  usage: '[--json] [--config FILE] [--socket PATH]',
  help: `Looks for what may be wrong: configuration, clock, kernel, network interface,
firewall, listeners, modems, the way to the peers, the peers, limits, and what
the daemon complains about. The first line is the worst of it and its cause;
then a line for each check, and below each problem what to do about it.

  ✓ in order   ! in doubt   ✗ a problem   · not looked at

Works with and without a running daemon; without one, this node connects to its
peers for some seconds. With sudo it sees more. Ends with exit code 1 if there
is a problem.

  --config FILE   the configuration (default: the daemon's, or
                  ${defaultPlaces().config})
  --json          one JSON value
${SOCKET_HELP}`,
  options: { ...socketOption, config: { type: 'string' }, json: { type: 'boolean' } },
  words: [0, 0],
  run: async (options) => {
    const diagnosis = await diagnose(await sceneOf(options));
    const isJson = options.json === true;
    const text = isJson ? JSON.stringify(diagnosis, undefined, 2) : diagnosisLines(diagnosis).join('\n');
    process.stdout.write(`${text}\n`);
    return diagnosis.ok ? EXIT_DONE : EXIT_FAILED;
  },
};

export type CheckResult = { readonly check: string } & Finding;

export type Diagnosis = {
  /** There is no problem; there may be doubts. */
  readonly ok: boolean;
  /** The worst; null: all is well. */
  readonly worst: CheckResult | null;
  readonly checks: readonly CheckResult[];
};

export async function diagnose(scene: Scene): Promise<Diagnosis> {
  const found = await Promise.all(
    CHECKS.map(async ({ name, look }) => {
      const findings = await look(scene);
      return findings.map((finding) => ({ check: name, ...finding }));
    }),
  );
  return diagnosisOf(found.flat());
}

export function diagnosisOf(checks: readonly CheckResult[]): Diagnosis {
  const failed = checks.find(({ state }) => state === 'failed');
  const worst = failed ?? checks.find(({ state }) => state === 'warning') ?? null;
  return { ok: failed === undefined, worst, checks };
}

const MARKS: Readonly<Record<FindingState, string>> = { ok: '✓', warning: '!', failed: '✗', skipped: '·' };
const COLOURS = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'grey' } as const;
const MARK_COLUMNS = 2;
const LABEL_COLUMNS = 15;

export function diagnosisLines({ worst, checks }: Diagnosis): string[] {
  const more = checks.filter(({ state }) => state === worst?.state).length - 1;
  const head = worst === null ? 'all is well' : `${worst.check}: ${worst.text}`;
  const verdict = more > 0 ? `${head} (and ${more} more)` : head;
  return [...beside(markOf(worst?.state ?? 'ok'), verdict, MARK_COLUMNS), '', ...checks.flatMap(checkLines)];
}

function checkLines({ check, state, text, remedy }: CheckResult): string[] {
  const indent = MARK_COLUMNS + LABEL_COLUMNS;
  const lines = beside(`${markOf(state)}${check.padEnd(LABEL_COLUMNS)}`, text, indent);
  return remedy === undefined ? lines : [...lines, ...beside(`${' '.repeat(indent)}→ `, remedy)];
}

function markOf(state: FindingState): string {
  return `${paint(COLOURS[state], MARKS[state])} `;
}

export async function sceneOf(options: OptionValues): Promise<Scene> {
  const asked = await attempt(() => askDaemon(options));
  const path = textOption(options, 'config') ?? asked.value?.status.config ?? defaultPlaces().config;
  const read = await attempt(async () => loadConfig(path));
  return {
    path,
    loaded: read.value,
    configProblem: read.problem,
    daemon: asked.value,
    daemonProblem: asked.problem,
  };
}

async function askDaemon(options: OptionValues): Promise<DaemonSays> {
  const ask = adminClient(options);
  const status = await ask('getStatus');
  const [{ peers }, stats, { events }] = await Promise.all([ask('getPeers'), ask('getStats'), ask('getEvents')]);
  const problems = events.filter(({ seq, level }) => seq > 0 && (level === 'warn' || level === 'error'));
  return { status, peers, stats, problems };
}

async function attempt<T>(act: () => Promise<T>): Promise<{ value?: T; problem?: Problem }> {
  try {
    return { value: await act() };
  } catch (error) {
    if (!(error instanceof RatatoskError)) throw error;
    return { problem: { code: error.code, message: error.message } };
  }
}
