import { existsSync } from 'node:fs';
import { RatatoskError } from '../core/error.ts';
import { addressForKey } from '../core/identity.ts';
import { addressText, hexText } from '../host/address.ts';
import type { PeerAnswer, StatusAnswer } from '../host/answers.ts';
import { loadConfig } from '../host/config.ts';
import type { Additions } from '../host/config-edit.ts';
import { endpointUri, type Invitation, readInvitation } from '../host/invitation.ts';
import { defaultPlaces } from '../host/places.ts';
import type { Config } from '../host/schema.ts';
import { parseUri, shownUri } from '../links/uri.ts';
import { addAndTell, readInput } from './additions.ts';
import { type Ask, adminClient, SOCKET_HELP, socketOption, statusIfUp } from './client.ts';
import { makeConfig } from './init.ts';
import { roundTripText } from './text.ts';
import { EXIT_DONE, EXIT_FAILED, type OptionValues, textOption, usageError, type Verb } from './verb.ts';

const STRING_MAX = 4_096;
const LOOK_MS = 200;
const WAIT_BY_DEFAULT_S = 10;

export const verb: Verb = {
  usage: '[STRING] [--config FILE] [--wait S] [--json]',
  help: `Connects to the node that made the string with \`ratatosk invite\`: writes it into
Peers, its name into Names and its GroupPassword, keeps comments and order of
the configuration, and tells the running daemon at once.

  STRING          what \`invite\` showed; without it, or as -, it is read from
                  standard input, where other users here do not see it
  --config FILE   the configuration (default: the running daemon's); made if
                  there is none
  --wait S        how long to wait for the link, 0 to 300 (default: ${WAIT_BY_DEFAULT_S})
  --json          what was done as one JSON value
${SOCKET_HELP}`,
  options: {
    ...socketOption,
    config: { type: 'string' },
    wait: { type: 'string' },
    json: { type: 'boolean' },
  },
  words: [0, 1],
  run: async (options, [given = '-']) => {
    const waitMs = waitOf(options);
    const invitation = readInvitation(given === '-' ? await readString() : given);
    const isJson = options.json === true;
    const say = (line: string): void => void (isJson ? undefined : process.stdout.write(`${line}\n`));
    const done = await join(options, invitation, waitMs, say);
    if (isJson) process.stdout.write(`${JSON.stringify(done, undefined, 2)}\n`);
    return done.problem === undefined ? EXIT_DONE : EXIT_FAILED;
  },
};

type Done = {
  key: string;
  address: string;
  name?: string;
  config: string;
  /** URIs without what may be secret. */
  added: string[];
  known: string[];
  daemon: boolean;
  linked: boolean;
  remote?: string;
  problem?: string;
};

async function join(
  options: OptionValues,
  invitation: Invitation,
  waitMs: number,
  say: (line: string) => void,
): Promise<Done> {
  const status = await statusIfUp(options);
  const path = textOption(options, 'config') ?? status?.config ?? defaultPlaces().config;
  if (!existsSync(path)) {
    for (const line of makeConfigFor(path, status)) say(line);
  }
  const { config, identity } = loadConfig(path);
  const { key, name } = invitation;
  if (identity !== undefined && hexText(identity.publicKey) === hexText(key)) {
    throw new RatatoskError('OWN_KEY', `this invitation was made by this very node (${path}): use it on another one`);
  }
  const { additions, known } = additionsOf(invitation, config, path);
  const address = addressText(addressForKey(key));
  say(`The invitation is from ${name === '' ? address : `${name}, ${address}`}.`);
  for (const uri of known) say(`In Peers already: ${shownUri(uri)}`);
  const problem = await addAndTell(options, path, status, additions, say);
  const done: Done = {
    key: hexText(key),
    address,
    ...(name === '' ? {} : { name }),
    config: path,
    added: problem === undefined ? additions.peers.map(shownUri) : [],
    known: known.map(shownUri),
    daemon: status !== undefined,
    linked: false,
    ...(problem === undefined ? {} : { problem }),
  };
  if (status === undefined) return done;
  const peer = await linkTo(adminClient(options), hexText(key), waitMs);
  if (peer?.up !== true) {
    const why = peer?.last_error === undefined ? '' : `: ${peer.last_error}`;
    say(
      waitMs === 0
        ? '`ratatosk peers` shows how it goes.'
        : `Not linked yet${why}; \`ratatosk peers\` shows how it goes.`,
    );
    return done;
  }
  const trip = peer.latency === undefined ? '' : `, round trip ${roundTripText(peer.latency)}`;
  say(`Linked: ${peer.remote ?? 'without URI'}${trip}. Try: ratatosk ping ${additions.name?.[0] ?? address}`);
  return { ...done, linked: true, ...(peer.remote === undefined ? {} : { remote: peer.remote }) };
}

function makeConfigFor(path: string, status: StatusAnswer | undefined): string[] {
  if (status !== undefined) {
    const remedy = 'make one with `ratatosk init`, and start the daemon with it';
    throw new RatatoskError('CONFIG_MISSING', `the daemon runs without a configuration (${path}): ${remedy}`);
  }
  return [...makeConfig(path), ''];
}

/** What of an invitation the configuration lacks; throws `NETWORK_OTHER`. */
export function additionsOf(
  { key, endpoints, groupPassword, name }: Invitation,
  config: Config,
  path: string,
): { additions: Additions; known: string[] } {
  if (groupPassword !== '' && config.GroupPassword !== '' && groupPassword !== config.GroupPassword) {
    const remedy = 'to move to the network of the invitation, remove it there first';
    throw new RatatoskError(
      'NETWORK_OTHER',
      `${path}: GroupPassword is another than that of the invitation: ${remedy}`,
    );
  }
  const present = new Set(
    [...config.Peers, ...Object.values(config.InterfacePeers).flatMap((some) => some ?? [])].map(nameOf),
  );
  const uris = endpoints.map((endpoint) => endpointUri(endpoint, key));
  const fresh = uris.filter(
    (uri, i) => !present.has(nameOf(uri)) && uris.findIndex((a) => nameOf(a) === nameOf(uri)) === i,
  );
  const names = Object.entries(config.Names);
  const isNamed = names.some(
    ([own, target]) => own.toLowerCase() === name.toLowerCase() || target.toLowerCase() === hexText(key),
  );
  return {
    additions: {
      peers: fresh,
      name: name === '' || isNamed ? undefined : [name, hexText(key)],
      groupPassword: groupPassword === '' || config.GroupPassword !== '' ? undefined : groupPassword,
    },
    known: uris.filter((uri) => present.has(nameOf(uri))),
  };
}

/** Undefined for what no peer can be: it is neither the same as another nor lost. */
function nameOf(uri: string): string {
  try {
    return parseUri(uri, 'dial').name;
  } catch {
    return uri;
  }
}

/** The link, or why there is none; waits for it. */
async function linkTo(ask: Ask, key: string, waitMs: number): Promise<PeerAnswer | undefined> {
  const endMs = performance.now() + waitMs;
  for (;;) {
    const { peers } = await ask('getPeers');
    const link = peers.find((peer) => peer.up && peer.key === key && peer.latency !== undefined);
    if (link !== undefined || performance.now() >= endMs)
      return link ?? peers.find((peer) => peer.last_error !== undefined);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function waitOf(options: OptionValues): number {
  const text = textOption(options, 'wait') ?? String(WAIT_BY_DEFAULT_S);
  if (!/^\d{1,3}$/.test(text) || Number(text) > 300)
    throw usageError(`--wait: found '${text}', expected seconds from 0 to 300`);
  return 1000 * Number(text);
}

/** One line, or all there is: strings that were broken by mail have several. */
function readString(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('Paste the invitation and press Enter: ');
  return readInput(STRING_MAX);
}
