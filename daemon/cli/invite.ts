import { RatatoskError } from '../core/error.ts';
import { hexText } from '../host/address.ts';
import type { LoadedConfig } from '../host/config.ts';
import { loadConfig } from '../host/config.ts';
import { type Endpoint, endpointUri, hasSecrets, type Invitation, invitationText } from '../host/invitation.ts';
import { defaultPlaces } from '../host/places.ts';
import { parseUri, shownUri } from '../links/uri.ts';
import { SOCKET_HELP, socketOption, statusIfUp } from './client.ts';
import { endpointOf, endpointsOf, isInvited, ownAddresses } from './endpoints.ts';
import { COLUMNS } from './text.ts';
import { EXIT_DONE, type OptionValues, textOption, textsOption, usageError, type Verb } from './verb.ts';

export const verb: Verb = {
  usage: '[--endpoint URI]… [--no-secrets] [--[no-]qr] [--json]',
  help: `Makes one string with which another node connects to this one: ratatosk join.
It holds this node's key and name, where it listens, and what it asks of who
connects: passwords of listeners, and GroupPassword. Then it is a secret itself.

  --endpoint URI  where this node is reached, instead of the addresses of this
                  machine: tls://host.example:9001; more than once if need be
  --no-secrets    without passwords: who joins must know and add them
  --qr, --no-qr   with a QR code, without (default: on a terminal wide enough)
  --config FILE   the configuration (default: the running daemon's)
  --json          string, qr (lines), key, name, endpoints, secrets as JSON
${SOCKET_HELP}

To a pipe the string goes alone: ratatosk invite | ssh HOST ratatosk join`,
  options: {
    ...socketOption,
    endpoint: { type: 'string', multiple: true },
    'no-secrets': { type: 'boolean' },
    qr: { type: 'boolean' },
    'no-qr': { type: 'boolean' },
    config: { type: 'string' },
    json: { type: 'boolean' },
  },
  words: [0, 0],
  run: async (options) => {
    const { invitation, notes } = await makeInvitation(options);
    const text = invitationText(invitation);
    const { qrLines } = await import('./qr.ts');
    const code = qrLines(text.toUpperCase());
    if (options.json === true) {
      const { key, name, endpoints } = invitation;
      const shown = endpoints.map((endpoint) => shownUri(endpointUri(endpoint, key)));
      const value = {
        string: text,
        qr: code,
        key: hexText(key),
        name,
        endpoints: shown,
        secrets: hasSecrets(invitation),
      };
      process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
      return EXIT_DONE;
    }
    const { show, inItsColours } = await codeOf(options, code);
    if (show) process.stdout.write(`${code.map(inItsColours).join('\n')}\n\n`);
    process.stdout.write(`${text}\n`);
    process.stderr.write(`${['', ...notesOf(invitation), ...notes].join('\n')}\n`);
    return EXIT_DONE;
  },
};

async function makeInvitation(options: OptionValues): Promise<{ invitation: Invitation; notes: string[] }> {
  const wantsSecrets = options['no-secrets'] !== true;
  const status = await statusIfUp(options);
  const path = textOption(options, 'config') ?? status?.config ?? defaultPlaces().config;
  const loaded = readConfig(path, wantsSecrets || status === undefined);
  const key = status === undefined ? loaded?.identity?.publicKey : Uint8Array.from(Buffer.from(status.key, 'hex'));
  if (key === undefined)
    throw new RatatoskError('KEY_MISSING', `${path}: no PrivateKey in it, so there is nobody to invite to`);
  const isOther = loaded?.identity !== undefined && hexText(loaded.identity.publicKey) !== hexText(key);
  if (isOther && wantsSecrets) {
    throw new RatatoskError(
      'KEY_OTHER',
      `${path}: the running daemon has another key than this file: name its file with --config`,
    );
  }
  const { Listen = [], GroupPassword = '', Name = '', AllowedPublicKeys = [] } = loaded?.config ?? {};
  const given = textsOption(options, 'endpoint');
  const endpoints =
    given.length > 0
      ? given.map((uri) => givenEndpoint(uri, key))
      : endpointsOf(status?.listening ?? Listen, Listen, ownAddresses());
  if (endpoints.length === 0) throw noEndpoint(status?.listening ?? Listen);
  const open = endpoints.map((endpoint) => (wantsSecrets ? endpoint : { ...endpoint, password: '', psk: '' }));
  const invitation = { key, endpoints: open, groupPassword: wantsSecrets ? GroupPassword : '', name: Name };
  const notes: string[] = [];
  if (status === undefined) notes.push('No daemon runs here now: start it with `ratatosk up` before others join.');
  if (AllowedPublicKeys.length > 0) {
    notes.push('AllowedPublicKeys is set: the key of who joins must be added there first.');
  }
  return { invitation, notes };
}

/** Undefined: it cannot be read, and is not needed. */
function readConfig(path: string, isNeeded: boolean): LoadedConfig | undefined {
  try {
    return loadConfig(path);
  } catch (error) {
    if (!isNeeded) return undefined;
    if (!(error instanceof RatatoskError) || !error.code.startsWith('FILE_')) throw error;
    const why = 'passwords stand in it; --no-secrets does without, if a daemon runs';
    throw new RatatoskError(error.code, `${error.message} (${why})`, { cause: error });
  }
}

function givenEndpoint(text: string, key: Uint8Array): Endpoint {
  const scheme = /^([a-z]+):\/\//i.exec(text)?.[1]?.toLowerCase() ?? '';
  if (!isInvited(scheme))
    throw usageError(`--endpoint: found '${shownUri(text)}', expected tcp, tls, ws, wss or udp://HOST:PORT`);
  const isKeyless = scheme === 'udp' && !/[?&]key=/.test(text);
  const uri = parseUri(isKeyless ? `${text}${text.includes('?') ? '&' : '?'}key=${hexText(key)}` : text, 'dial');
  if (uri.host.includes('%')) throw usageError(`--endpoint: ${uri.host} means something on this machine only`);
  return endpointOf(uri, uri);
}

function noEndpoint(listeners: readonly string[]): RatatoskError {
  const remedy = 'or say where this node is reached: --endpoint tls://host.example:9001';
  const problem =
    listeners.length === 0
      ? 'this node listens nowhere: add to Listen, as tls://[::]:9001, and `ratatosk reload`'
      : 'no other machine reaches what listens here: listen on an address of a network';
  return new RatatoskError('NO_ENDPOINT', `${problem}; ${remedy}`);
}

function notesOf(invitation: Invitation): string[] {
  const { key, endpoints } = invitation;
  const where = endpoints.map((endpoint) => `  ${shownUri(endpointUri(endpoint, key))}`);
  const isSecret = hasSecrets(invitation);
  const secret = 'A SECRET: it holds a password of this network. Whoever sees it can join.';
  const how = isSecret ? '`ratatosk join`, and paste it there' : '`ratatosk join STRING`';
  return [...(isSecret ? [secret] : []), `The other node joins with ${how}. It will connect to`, ...where];
}

async function codeOf(options: OptionValues, code: readonly string[]) {
  if (options.qr === true && options['no-qr'] === true) throw usageError('--qr and --no-qr exclude each other');
  const { inItsColours } = await import('./qr.ts');
  const { isTTY, columns } = process.stdout;
  const isWide = isTTY === true && (columns ?? COLUMNS) >= (code[0]?.length ?? 0);
  const { hasColour } = await import('./paint.ts');
  return {
    show: options.qr === true || (isWide && options['no-qr'] !== true),
    inItsColours: hasColour() ? inItsColours : (line: string) => line,
  };
}
