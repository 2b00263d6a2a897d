/** Serial devices and modems of the configuration. */
import { accessSync, constants, readFileSync, type Stats, statSync } from 'node:fs';
import { RatatoskError } from '../../core/error.ts';
import type { ModemState } from '../../host/answers.ts';
import type { LinkUri } from '../../links/link.ts';
import { isModem } from '../../links/schemes.ts';
import { parseUri } from '../../links/uri.ts';
import { type Check, type Finding, failed, ok, type Scene, skipped, warning } from './finding.ts';

export type DeviceFacts = {
  /** A modem's name, or the path of its device. */
  readonly name: string;
  /** What a running daemon says of it. */
  readonly state: ModemState | undefined;
  /** Of a device here; undefined: it is reached by the network. */
  readonly device:
    | { readonly kind: 'missing' | 'not a device' | 'denied' | 'there'; readonly userPid?: number | undefined }
    | undefined;
};

export const modems: Check = {
  name: 'modems',
  look: (scene) => {
    const uris = modemUris(scene);
    if (uris.length === 0) return [skipped('the configuration names none')];
    const states = scene.daemon?.status.modems ?? [];
    return uris.map(({ name, host, path }) =>
      modemFinding({
        name,
        state: states.find(({ uri }) => uri === name),
        device: host === '' ? deviceFacts(path) : undefined,
      }),
    );
  },
};

export function modemFinding({ name, state, device }: DeviceFacts): Finding {
  if (state?.state === 'open') {
    if (state.silence !== undefined) return warning(`${name} only listens: ${state.silence}`);
    return ok(`${name}: ${state.text}`);
  }
  if (device?.kind === 'missing') {
    return failed(`${name}: there is no such device`, 'plug it in; `ls -l /dev/serial/by-id` tells what is there');
  }
  if (device?.kind === 'not a device') return failed(`${name}: this file is no device`, 'correct the path');
  if (state !== undefined) return failed(`${name}: ${state.text}`, device?.kind === 'denied' ? GROUP : undefined);
  if (device?.kind === 'denied') return failed(`${name}: this user has no right to it`, GROUP);
  if (device?.userPid !== undefined) {
    return failed(`${name}: process ${device.userPid} has it`, `see \`ps ${device.userPid}\`, and end it`);
  }
  return device === undefined ? skipped(`${name}: asked by a running daemon only`) : ok(`${name} is there`);
}

const GROUP = 'add the user of the daemon to the group of the device (dialout on Debian)';

/** Devices stand in Peers or in Listen, and mean the same. */
function modemUris({ loaded }: Scene): LinkUri[] {
  if (loaded === undefined) return [];
  const { Peers, InterfacePeers, Listen } = loaded.config;
  const found = new Map<string, LinkUri>();
  for (const text of [...Peers, ...Object.values(InterfacePeers).flatMap((uris) => uris ?? []), ...Listen]) {
    try {
      const uri = parseUri(text, 'dial');
      if (isModem(uri.scheme)) found.set(uri.name, uri);
    } catch (error) {
      if (!(error instanceof RatatoskError)) throw error;
    }
  }
  return [...found.values()];
}

function deviceFacts(path: string): DeviceFacts['device'] {
  let stats: Stats;
  try {
    stats = statSync(path);
    if (!stats.isCharacterDevice()) return { kind: 'not a device' };
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return { kind: code === 'EACCES' || code === 'EPERM' ? 'denied' : 'missing' };
  }
  return { kind: 'there', userPid: lockOwner(locksText(), stats) };
}

function locksText(): string {
  try {
    return readFileSync('/proc/locks', 'latin1');
  } catch {
    return '';
  }
}

/** Of the text of `/proc/locks`: who holds a lock on this file, as modem programs do. The device is not opened for it: boards reset by that. */
export function lockOwner(text: string, { dev, ino }: Pick<Stats, 'dev' | 'ino'>): number | undefined {
  const major = ((dev >> 8) & 0xfff).toString(16).padStart(2, '0');
  const minor = ((dev & 0xff) | ((dev >> 12) & 0xfff00)).toString(16).padStart(2, '0');
  const line = text.split('\n').find((one) => one.includes(` ${major}:${minor}:${ino} `));
  const pid = /(?:FLOCK|POSIX|OFDLCK)\s+\S+\s+\S+\s+(-?\d+)/.exec(line ?? '')?.[1];
  return pid === undefined || Number(pid) <= 0 ? undefined : Number(pid);
}
