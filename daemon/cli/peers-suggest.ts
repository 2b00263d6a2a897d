/** `peers suggest`: which of the peers of a list are near. */
import { readFileSync, statSync } from 'node:fs';
import { RatatoskError } from '../core/error.ts';
import { hexText } from '../host/address.ts';
import { loadConfig } from '../host/config.ts';
import { defaultPlaces } from '../host/places.ts';
import type { Config } from '../host/schema.ts';
import { parseUri, shownUri } from '../links/uri.ts';
import { addAndTell, readInput } from './additions.ts';
import { adminClient, statusIfUp } from './client.ts';
import { LIST_MAX_OCTETS, type PeerList, peersIn } from './peer-lists.ts';
import { type Probe, probePeer, probingLinks } from './peer-probe.ts';
import { TIMEOUT_BY_DEFAULT_S } from './suggest-options.ts';
import { COLUMNS, roundTripText, table, wrap } from './text.ts';
import { EXIT_DONE, EXIT_FAILED, type OptionValues, textOption, textsOption, usageError, wholeOption } from './verb.ts';

const AT_ONCE = 16;
/** Each again, since the first may have waited for names and routes. */
const TRIES = 2;
const SHOWN = 20;
const ADDED_MAX = 8;

export type Candidate = {
  readonly uri: string;
  readonly isConfigured: boolean;
  readonly probe: Probe | undefined;
  readonly problem: string | undefined;
};

/** Gives the exit code: 1 if nobody answered. */
export async function suggestPeers(options: OptionValues): Promise<number> {
  const files = textsOption(options, 'from');
  if (files.length === 0 && options.neighbours !== true) {
    throw usageError('peers suggest needs candidates: --from FILE with a list of peers, or --neighbours');
  }
  const adds = wholeOption(options, 'add', 1, ADDED_MAX) ?? 0;
  const timeoutMs = 1000 * (wholeOption(options, 'timeout', 1, 30) ?? TIMEOUT_BY_DEFAULT_S);
  const status = options.neighbours === true ? await adminClient(options)('getStatus') : await statusIfUp(options);
  const path = textOption(options, 'config') ?? status?.config ?? defaultPlaces().config;
  const config = configOf(path, adds > 0);
  const texts = await Promise.all(files.map(readList));
  if (options.neighbours === true) texts.push(...(await neighbourTexts(options)));
  const list = peersIn(texts.join('\n'));
  if (list.uris.length === 0) throw noCandidates(list);
  const all = ranked(await measure(list.uris, config, timeoutMs));
  const reachable = all.filter(({ probe }) => probe !== undefined);
  if (options.json === true) process.stdout.write(`${JSON.stringify(json(all, list), undefined, 2)}\n`);
  else process.stdout.write(`${suggestionLines(all, list).join('\n')}\n`);
  if (adds > 0 && reachable.length > 0) {
    // Beside JSON on standard output, what was done goes to the other stream.
    const stream = options.json === true ? process.stderr : process.stdout;
    const say = (line: string): void => void stream.write(`${line}\n`);
    say('');
    const problem = await addAndTell(options, path, status, { peers: bestOf(all, adds) }, say);
    if (problem !== undefined) return EXIT_FAILED;
  }
  return reachable.length > 0 ? EXIT_DONE : EXIT_FAILED;
}

/** The nearest first, then those that cannot be reached. */
export function ranked(candidates: readonly Candidate[]): Candidate[] {
  const trip = ({ probe }: Candidate): number => probe?.greetingMs ?? Number.POSITIVE_INFINITY;
  return [...candidates].sort((a, b) => (trip(a) < trip(b) ? -1 : trip(a) > trip(b) ? 1 : 0));
}

/** URIs of different nodes, none of which is configured by any of its URIs. */
export function bestOf(candidates: readonly Candidate[], count: number): string[] {
  const keyOf = ({ probe }: Candidate): string => (probe === undefined ? '' : hexText(probe.key));
  const taken = new Set(candidates.filter(({ isConfigured }) => isConfigured).map(keyOf));
  const best: string[] = [];
  for (const candidate of candidates) {
    if (candidate.probe === undefined || taken.has(keyOf(candidate))) continue;
    taken.add(keyOf(candidate));
    best.push(candidate.uri);
  }
  return best.slice(0, count);
}

/** At most 80 columns each. */
export function suggestionLines(candidates: readonly Candidate[], { skipped }: PeerList): string[] {
  const reachable = candidates.filter(({ probe }) => probe !== undefined);
  const seen = new Map<string, number>();
  const rows = reachable.slice(0, SHOWN).map(({ uri, probe, isConfigured }, i) => {
    const key = hexText(probe?.key ?? new Uint8Array(0));
    const same = seen.get(key);
    if (same === undefined) seen.set(key, i + 1);
    const note = isConfigured ? 'in Peers' : same === undefined ? '' : `as ${same}`;
    const trips = [probe?.greetingMs ?? 0, probe?.connectMs ?? 0].map((ms) => roundTripText(ms * 1e6));
    return [String(i + 1), ...trips, key.slice(0, 8), note, shownUri(uri)];
  });
  const hidden = reachable.length - rows.length;
  const failed = candidates.length - reachable.length;
  const passed = [...skipped].map(([scheme, count]) => `${count} ${scheme}`).join(', ');
  return [
    ...(rows.length === 0 ? [] : table(['', 'RTT', 'CONNECT', 'KEY', '', 'PEER'], rows)),
    ...(hidden > 0 ? [`${hidden} more answered; --json lists all.`] : []),
    ...(failed > 0
      ? wrap(`${failed} of ${candidates.length} did not answer: ${reasonsText(candidates)}`, COLUMNS)
      : []),
    ...(passed === '' ? [] : wrap(`Not measured: ${passed}.`, COLUMNS)),
  ];
}

function reasonsText(candidates: readonly Candidate[]): string {
  const counts = new Map<string, number>();
  for (const { problem } of candidates) {
    if (problem !== undefined) counts.set(kindOf(problem), (counts.get(kindOf(problem)) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([reason, count]) => `${count} ${reason}`).join(', ');
}

/** Of lines that name addresses and ports what they have in common. */
function kindOf(problem: string): string {
  if (/no answer|timed out|ETIMEDOUT/i.test(problem)) return 'silent';
  if (/refused/i.test(problem)) return 'refused';
  if (/resolve/i.test(problem)) return 'without address';
  if (/unreachable|no route|ENETUNREACH|EHOSTUNREACH/i.test(problem)) return 'unreachable';
  return 'other';
}

function json(candidates: readonly Candidate[], { skipped }: PeerList): object {
  const rows = candidates.map(({ uri, probe, problem, isConfigured }) => ({
    uri: shownUri(uri),
    up: probe !== undefined,
    key: probe === undefined ? undefined : hexText(probe.key),
    latency: probe === undefined ? undefined : Math.round(probe.greetingMs * 1e6),
    connect: probe === undefined ? undefined : Math.round(probe.connectMs * 1e6),
    configured: isConfigured,
    problem,
  }));
  return { peers: rows, skipped: Object.fromEntries(skipped) };
}

async function measure(uris: readonly string[], config: Config | undefined, timeoutMs: number): Promise<Candidate[]> {
  const links = probingLinks();
  const configured = new Set((config?.Peers ?? []).flatMap((uri) => nameOf(uri) ?? []));
  const found: Candidate[] = [];
  const rest = [...uris];
  const isTold = process.stderr.isTTY === true;
  const worker = async (): Promise<void> => {
    for (let uri = rest.shift(); uri !== undefined; uri = rest.shift()) {
      const isConfigured = configured.has(nameOf(uri) ?? uri);
      try {
        let probe = await probePeer(links, uri, timeoutMs);
        for (let i = 1; i < TRIES; i++) probe = better(probe, await probePeer(links, uri, timeoutMs));
        found.push({ uri, isConfigured, probe, problem: undefined });
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        found.push({ uri, isConfigured, probe: undefined, problem });
      }
      if (isTold) process.stderr.write(`\r${found.length} of ${uris.length} tried `);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (isTold) process.stderr.write('\r\u001b[K');
  return found;
}

function better(a: Probe, b: Probe): Probe {
  return { ...b, connectMs: Math.min(a.connectMs, b.connectMs), greetingMs: Math.min(a.greetingMs, b.greetingMs) };
}

function nameOf(uri: string): string | undefined {
  try {
    return parseUri(uri, 'dial').name;
  } catch {
    return undefined;
  }
}

/** Undefined: it cannot be read, and is not needed. */
function configOf(path: string, isNeeded: boolean): Config | undefined {
  try {
    return loadConfig(path).config;
  } catch (error) {
    if (isNeeded) throw error;
    return undefined;
  }
}

async function readList(path: string): Promise<string> {
  if (path === '-') return readInput(LIST_MAX_OCTETS);
  try {
    if (statSync(path).size > LIST_MAX_OCTETS)
      throw new RatatoskError('FILE_SIZE', `--from ${path}: is larger than 4 MiB`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof RatatoskError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new RatatoskError('FILE_READ', `--from ${path}: cannot be read: ${code}`, { cause });
  }
}

/** What linked peers say of themselves; who says nothing is passed over. */
async function neighbourTexts(options: OptionValues): Promise<string[]> {
  const ask = adminClient(options);
  const { peers } = await ask('getPeers');
  const keys = new Set(peers.filter(({ up }) => up).map(({ key }) => key));
  const told = [...keys].slice(0, AT_ONCE).map(async (key) => {
    try {
      return JSON.stringify(await ask('getNodeInfo', { key }));
    } catch {
      return '';
    }
  });
  return Promise.all(told);
}

function noCandidates({ skipped }: PeerList): RatatoskError {
  const others = [...skipped].map(([scheme, count]) => `${count} ${scheme}`).join(', ');
  const but = others === '' ? '' : ` (but ${others}, which are not measured)`;
  return new RatatoskError('NO_CANDIDATES', `no peer URI is in it${but}: expected such as tls://host.example:9001`);
}
