import type { HopAnswer, TraceAnswer } from '../host/path-answers.ts';
import { type Ask, adminClient, SOCKET_HELP, socketOption } from './client.ts';
import { COLUMNS, cut, plural, roundTripText, wrap } from './text.ts';
import { EXIT_DONE, EXIT_FAILED, type Verb } from './verb.ts';

const ADDRESS_COLUMNS = 39;
/** For one hop over the slowest radio. */
const HOP_LIMIT_MS = 150_000;

export const verb: Verb = {
  usage: 'TARGET [--json] [--socket PATH]',
  help: `The nodes that a packet to TARGET passes, one after the other, with the round
trip to each. Ends with exit code 1 if TARGET is not reached.

Nodes of this kind tell where they send packets on. Of plain Yggdrasil nodes it
is known where only one of their peers is closer to TARGET. Where several are,
the line says so (as in "plain, 2 ways"); the next one begins with ? and is a
guess, and so is all that follows it.

  TARGET          an address, a public key, or a name from Names
  --json          one JSON value at the end
${SOCKET_HELP}`,
  options: { ...socketOption, json: { type: 'boolean' } },
  words: [1, 1],
  run: async (options, [target = '']) => {
    // Who does not answer at all is not waited for that long.
    await adminClient(options)('getSelf');
    const ask = adminClient(options, HOP_LIMIT_MS);
    const answer = options.json === true ? await traceAll(ask, target) : await show(ask, target);
    if (options.json === true) process.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`);
    return answer.end === 'reached' ? EXIT_DONE : EXIT_FAILED;
  },
};

/** Told of each hop as it is known. The loop, if packets go round, is found here: requests know only their own hops. */
async function traceAll(ask: Ask, target: string, told: (row: HopAnswer) => void = () => {}): Promise<TraceAnswer> {
  let answer = await ask('trace', { target, most: '1' });
  const hops = [...answer.hops];
  for (const row of hops) told(row);
  while (answer.next !== undefined) {
    const { next } = answer;
    if (hops.some(({ key }) => key === next.at)) {
      return { ...answer, hops, next: undefined, end: 'loop', text: 'It goes back to a node that it has passed.' };
    }
    answer = await ask('trace', { target, most: '1', ...next });
    hops.push(...answer.hops);
    for (const row of answer.hops) told(row);
  }
  return { ...answer, hops };
}

async function show(ask: Ask, target: string): Promise<TraceAnswer> {
  const progress = new Progress();
  let isSure = true;
  let count = 0;
  progress.say('looking for it …');
  const answer = await traceAll(ask, target, (row) => {
    if (row.how === 'guess') isSure = false;
    count++;
    progress.clear();
    process.stdout.write(`${hopLine(row, isSure)}\n`);
    progress.say(`asking hop ${count + 1} …`);
  });
  progress.clear();
  process.stdout.write(`${endLines(answer, isSure).join('\n')}\n`);
  return answer;
}

/** At most 80 columns. */
export function hopLine({ hop, address, kind, how, latency, candidates }: HopAnswer, isSure: boolean): string {
  const time = latency === undefined ? '' : roundTripText(latency);
  const mark = isSure ? ' ' : '?';
  const notes = kind === 'silent' ? 'does not answer' : kind === 'plain' ? 'plain' : '';
  const by = how === 'guess' ? ' (guess)' : '';
  const fork = kind === 'plain' && candidates > 1 ? `, ${candidates} ways` : '';
  const columns = [
    `${mark}${String(hop).padStart(2)}`,
    address.padEnd(ADDRESS_COLUMNS),
    time.padStart(8),
    notes + by + fork,
  ];
  return cut(columns.join('  ').trimEnd(), COLUMNS);
}

export function endLines({ hops, end, text }: TraceAnswer, isSure: boolean): string[] {
  const doubt = isSure || end !== 'reached' ? '' : ' The lines with ? are guesses.';
  return wrap(`${text ?? `Ended after ${plural(hops.length, 'hop', 'hops')}.`}${doubt}`, COLUMNS);
}

/** One line that the next one replaces; on a terminal alone. */
class Progress {
  readonly #isShown = process.stdout.isTTY === true;

  say(text: string): void {
    if (this.#isShown) process.stdout.write(`\r\u001b[K${text}`);
  }

  clear(): void {
    if (this.#isShown) process.stdout.write('\r\u001b[K');
  }
}
