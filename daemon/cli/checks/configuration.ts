import { RatatoskError } from '../../core/error.ts';
import type { Config } from '../../host/schema.ts';
import { settingWarnings } from '../../host/settings.ts';
import { parseUri } from '../../links/uri.ts';
import { plural } from '../text.ts';
import { type Check, type Finding, failed, ok, type Problem, type Scene, skipped, warning } from './finding.ts';

/** A broken file may have as many faults as lines. */
const PROBLEMS_SHOWN = 5;

export const configuration: Check = {
  name: 'configuration',
  look: ({ path, loaded, configProblem, daemon }: Scene): Finding[] => {
    if (configProblem !== undefined) return unread(path, configProblem, daemon !== undefined);
    if (loaded === undefined) return [skipped('none')];
    const { config, identity, warnings } = loaded;
    const wrong = wrongUris(config);
    const doubts = [...warnings, ...settingWarnings(config)].map((text) => warning(text));
    if (identity === undefined) {
      doubts.push(warning('no PrivateKey: the address changes with each start', `see ${path}, or ratatosk init`));
    }
    const peers = config.Peers.length + Object.values(config.InterfacePeers).flatMap((uris) => uris ?? []).length;
    const counts = `${plural(peers, 'peer', 'peers')}, ${plural(config.Listen.length, 'listener', 'listeners')}`;
    const isAlone = peers === 0 && config.Listen.length === 0 && !config.MulticastInterfaces.some(isUsed);
    if (isAlone)
      doubts.push(warning('it names no peer, no listener and no discovery', 'add to Peers one that is near'));
    return wrong.length > 0 ? [...wrong, ...doubts] : [ok(`${path}: ${counts}`), ...doubts];
  },
};

function isUsed({ Beacon, Listen }: Config['MulticastInterfaces'][number]): boolean {
  return Beacon || Listen;
}

function unread(path: string, { code, message }: Problem, isRunning: boolean): Finding[] {
  if (code === 'FILE_MISSING') {
    if (isRunning) return [skipped(`${path}: there is no such file; the daemon runs without`)];
    return [failed(`there is no configuration ${path}`, 'make one: ratatosk init; or name it with --config')];
  }
  if (code === 'FILE_RIGHTS') return [warning(`no right to read ${path}: half of the checks are left out`, 'use sudo')];
  if (code === 'FILE_OWNER' && isRunning) {
    return [
      warning(`${path} is another user's, as the daemon is: half of the checks are left out`, 'run it as that user'),
    ];
  }
  const [head = '', ...problems] = message.split('\n').map((line) => line.trim());
  if (problems.length === 0) return [failed(head)];
  return problems.slice(0, PROBLEMS_SHOWN).map((text) => failed(text, `correct it in ${path}`));
}

/** The daemon leaves such peers and listeners out. */
function wrongUris({ Peers, InterfacePeers, Listen }: Config): Finding[] {
  const dialled = [...Peers, ...Object.values(InterfacePeers).flatMap((uris) => uris ?? [])];
  const all = [...dialled.map((uri) => ({ uri, purpose: 'dial' as const }))];
  return [...all, ...Listen.map((uri) => ({ uri, purpose: 'listen' as const }))].flatMap(({ uri, purpose }) => {
    try {
      parseUri(uri, purpose);
      return [];
    } catch (error) {
      if (!(error instanceof RatatoskError)) throw error;
      return [failed(error.message, `correct it in ${purpose === 'dial' ? 'Peers' : 'Listen'}`)];
    }
  });
}
