/** The peers of the configuration: linked, or why not. */
import { plural } from '../text.ts';
import { type Check, type Finding, failed, ok, type Scene, skipped, warning } from './finding.ts';
import { tryPeers } from './trial.ts';

const UDP_PATIENCE_MS = 7_000;

/** `error`: why it is not up; undefined: not known yet. */
export type PeerFacts = { readonly uri: string; readonly isUp: boolean; readonly error: string | undefined };

export const peers: Check = {
  name: 'peers',
  look: async (scene) => {
    if (scene.daemon === undefined) return tried(scene);
    const { status, peers } = scene.daemon;
    const rows = peers.filter(({ inbound, discovered }) => !inbound && discovered !== true);
    const facts = rows.map(({ remote = '', up, last_error: error }) => {
      return { uri: remote, isUp: up, error: error ?? silence(remote, 1_000 * status.uptime) };
    });
    const others = peers.filter(({ up }) => up).length - facts.filter(({ isUp }) => isUp).length;
    return peerFindings(facts, others);
  },
};

/** Who dials by UDP asks for a minute and a half before that counts as an error; an honest peer answers at once. */
export function silence(uri: string, sinceMs: number): string | undefined {
  return uri.startsWith('udp:') && sinceMs >= UDP_PATIENCE_MS ? 'no answer' : undefined;
}

/** `others`: links that nobody configured here. */
export function peerFindings(facts: readonly PeerFacts[], others: number): Finding[] {
  const count = facts.filter(({ isUp }) => isUp).length;
  const isAlone = count + others === 0;
  const down = facts
    .filter(({ isUp }) => !isUp)
    .map(({ uri, error }) => {
      if (error === undefined) return warning(`${uri}: still connecting`, 'ask again in some seconds');
      return failed(`${uri}: ${cause(error)}`, remedyOf(error));
    });
  if (facts.length === 0 && isAlone) {
    return [warning('no link to any node', 'add a peer: ratatosk peer add tls://HOST:PORT')];
  }
  const seen = others === 0 ? '' : `, and ${plural(others, 'link', 'links')} that came in or was found`;
  return [...down, ...(isAlone ? [] : [ok(`${count} of ${facts.length} up${seen}`)])];
}

type Row = { readonly pattern: RegExp; readonly cause?: string; readonly remedy: string };

/** From what the daemon says to what it means. */
const ROWS: readonly Row[] = [
  {
    pattern: /^key not pinned|^key not bound/,
    cause: 'wrong key: another node answers there than key= names',
    remedy: 'ask its operator for its key (ratatosk status), and correct key=',
  },
  {
    pattern: /^signature invalid/,
    cause: 'wrong password: the two sides have different ones',
    remedy: 'the same password= in the URI here and in the Listen URI there',
  },
  {
    pattern: /^version mismatch/,
    remedy: 'one of the two is too old: Yggdrasil 0.5 and Ratatosk can speak to each other',
  },
  {
    pattern: /^greeting malformed|^greeting timeout|^TLS|wrong version number/,
    remedy: 'another service answers there: see host, port and scheme of the URI',
  },
  {
    pattern: /ECONNREFUSED/,
    cause: 'nobody listens there (connection refused)',
    remedy: 'see host and port; is it running?',
  },
  { pattern: /took longer/, remedy: 'the host is off, or a firewall on the way drops packets: see host and port' },
  {
    pattern: /ENETUNREACH|EHOSTUNREACH/,
    remedy: 'this machine has no route to there: see `ip route`, cable, and IPv6',
  },
  { pattern: /does not resolve/, remedy: 'see the spelling, and `getent hosts NAME`' },
  {
    pattern: /no answer|nobody answers|not answered/,
    cause: 'no answer: to a wrong key or password UDP links say nothing',
    remedy: 'see key=, password, host and port, and firewalls on the way',
  },
  { pattern: /^own key|this node itself/, remedy: 'it leads to this node itself: take it out of Peers' },
  { pattern: /^peer silent/, remedy: 'packets get lost on the way: see the check of the MTU, and `ping`' },
  {
    pattern: /the other side closed/,
    remedy: 'it refuses this node: is our key in its AllowedPublicKeys, the password right?',
  },
];

function cause(error: string): string {
  return ROWS.find(({ pattern }) => pattern.test(error))?.cause ?? error;
}

function remedyOf(error: string): string | undefined {
  return ROWS.find(({ pattern }) => pattern.test(error))?.remedy;
}

async function tried({ loaded, daemonProblem }: Scene): Promise<Finding[]> {
  if (loaded === undefined) return [skipped('not known without a configuration')];
  const isThere = daemonProblem !== undefined && !/^no daemon answers/.test(daemonProblem.message);
  if (isThere) return [skipped('only the daemon knows, and it cannot be asked')];
  const trial = await tryPeers(loaded);
  if (trial.kind === 'refused') return [skipped(trial.reason)];
  if (trial.facts.length === 0) return [skipped('the configuration names none')];
  return peerFindings(trial.facts, 0);
}
