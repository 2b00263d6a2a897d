/** Peers, names and passwords that a verb adds to the configuration, and the running daemon that hears of it. */
import { resolve } from 'node:path';
import { RatatoskError } from '../core/error.ts';
import type { StatusAnswer } from '../host/answers.ts';
import { type Additions, addToConfig } from '../host/config-edit.ts';
import { type Ask, adminClient } from './client.ts';
import { plural } from './text.ts';
import type { OptionValues } from './verb.ts';

/** Gives the problem, if there is one: then nothing was written, and `say` got what to paste. `status`: of the daemon, if one runs. */
export async function addAndTell(
  options: OptionValues,
  path: string,
  status: StatusAnswer | undefined,
  additions: Additions,
  say: (line: string) => void,
): Promise<string | undefined> {
  const problem = write(path, additions);
  for (const line of writtenLines(path, additions, problem)) say(line);
  if (status === undefined) say('No daemon runs now: it connects when it starts (`ratatosk up`).');
  else {
    const isItsFile = problem === undefined && resolve(status.config) === resolve(path);
    await tell(adminClient(options), isItsFile, additions, say);
  }
  return problem;
}

/** Standard input up to so many octets; of a terminal one line. */
export async function readInput(mostOctets: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(Buffer.from(chunk));
    length += chunk.length;
    if (length > mostOctets || (process.stdin.isTTY && chunk.includes(0x0a))) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Gives the problem, if there is one: then nothing was written. */
function write(path: string, additions: Additions): string | undefined {
  const { peers, name, groupPassword } = additions;
  if (peers.length === 0 && name === undefined && groupPassword === undefined) return undefined;
  try {
    return addToConfig(path, additions) ? undefined : `${path}: its form is one that cannot be changed safely`;
  } catch (error) {
    if (error instanceof RatatoskError) return error.message;
    throw error;
  }
}

function writtenLines(path: string, additions: Additions, problem: string | undefined): string[] {
  const { peers, name, groupPassword } = additions;
  if (problem !== undefined) return pasteLines(path, additions, problem);
  const parts = [
    ...(peers.length > 0 ? [plural(peers.length, 'peer', 'peers')] : []),
    ...(name === undefined ? [] : [`the name ${name[0]}`]),
    ...(groupPassword === undefined ? [] : ['GroupPassword']),
  ];
  return parts.length === 0 ? [] : [`Written into ${path}: ${parts.join(', ')}.`];
}

/** Nothing is lost: a person can do what we could not. */
function pasteLines(path: string, { peers, name, groupPassword }: Additions, problem: string): string[] {
  return [
    `NOT WRITTEN: ${problem}`,
    `To keep it, put this into ${path} yourself:`,
    ...(peers.length === 0 ? [] : ['  Peers: [', ...peers.map((uri) => `    ${JSON.stringify(uri)}`), '  ]']),
    ...(name === undefined ? [] : [`  Names: { ${JSON.stringify(name[0])}: ${JSON.stringify(name[1])} }`]),
    ...(groupPassword === undefined ? [] : [`  GroupPassword: ${JSON.stringify(groupPassword)}`]),
  ];
}

/** A daemon of this very file reads it again, so that the peers are the file's; another one is given them until it ends. */
async function tell(ask: Ask, isItsFile: boolean, { peers }: Additions, say: (line: string) => void): Promise<void> {
  try {
    if (isItsFile) {
      const { changes } = await ask('reload');
      for (const change of changes.filter((line) => /restart/.test(line))) say(change);
      return;
    }
    for (const uri of peers) await ask('addPeer', { uri });
    say('The running daemon was told, until it ends.');
  } catch (error) {
    if (!(error instanceof RatatoskError)) throw error;
    say(`The running daemon could not be told: ${error.message}`);
  }
}
