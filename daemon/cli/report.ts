import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { arch, cpus, homedir, hostname, release, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { RatatoskError } from '../core/error.ts';
import type { Answers, RequestName } from '../host/answers.ts';
import type { LoadedConfig } from '../host/config.ts';
import type { Scene } from './checks/finding.ts';
import { readText } from './checks/system.ts';
import { adminClient, SOCKET_HELP, socketOption } from './client.ts';
import { diagnose, sceneOf } from './doctor.ts';
import { type Json, Pseudonyms } from './redaction/pseudonyms.ts';
import { secretsOf, strike, withoutSecrets } from './redaction/secrets.ts';
import { EXIT_DONE, type OptionValues, type Verb } from './verb.ts';
import { version } from './version.ts';

const DAY_MS = 86_400_000;

export const verb: Verb = {
  usage: '[--show-addresses] [--config FILE] [--socket PATH]',
  help: `Writes a file for a report of a fault into this folder, and never replaces
one: version and system, what doctor says, the configuration, what the daemon
knows of itself, its peers, sessions, radios and firewall, and the events of the
last day.

Keys and passwords are left out. Public keys, addresses and names of hosts are
replaced by others, the same for the same. Look at it before you send it.

  --show-addresses  keeps public keys, addresses and names of hosts
  --config FILE     the configuration (default: the daemon's)
${SOCKET_HELP}`,
  options: { ...socketOption, config: { type: 'string' }, 'show-addresses': { type: 'boolean' } },
  words: [0, 0],
  run: async (options) => {
    const isOpen = options['show-addresses'] === true;
    const scene = await sceneOf(options);
    const text = bundleText(await gather(options, scene), scene.loaded, isOpen);
    const path = writeBundle(text);
    const hidden = isOpen
      ? 'Public keys, addresses and names of hosts are in it.'
      : 'Public keys, addresses and hosts have other names in it.';
    const lines = [
      path,
      `  ${Math.ceil(text.length / 1024)} KiB: system, doctor, configuration, state of the daemon, events of a day.`,
      '  Private keys and passwords are left out.',
      `  ${hidden}`,
      '  Look at it before you send it.',
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    return EXIT_DONE;
  },
};

/** `loaded` tells what must not stand in it. */
export function bundleText(bundle: Json, loaded: LoadedConfig | undefined, isOpen: boolean): string {
  const names = Object.keys(loaded?.config.Names ?? {}).map((text) => ({ kind: 'name', text }));
  const words = [{ kind: 'host', text: hostname() }, { kind: 'host', text: loaded?.config.Name ?? '' }, ...names];
  const shown = isOpen ? bundle : new Pseudonyms(words).of(bundle);
  const text = `${JSON.stringify(shown, undefined, 2)}\n`;
  const home = homedir();
  const placed = home.length > 1 && !isOpen ? text.replaceAll(home, '~') : text;
  return loaded === undefined ? placed : strike(placed, secretsOf(loaded));
}

async function gather(options: OptionValues, scene: Scene): Promise<Json> {
  const { loaded, configProblem, path } = scene;
  const diagnosis = await diagnose(scene);
  return asJson({
    made: new Date().toISOString(),
    version: version(),
    system: {
      kernel: release(),
      processor: arch(),
      cores: cpus().length,
      memory: totalmem(),
      node: process.versions.node,
      distribution: /^PRETTY_NAME="?([^"\n]*)/m.exec(readText('/etc/os-release') ?? '')?.[1],
    },
    doctor: diagnosis,
    configuration: loaded === undefined ? { path, problem: configProblem?.message } : withoutSecrets(loaded.config),
    daemon: scene.daemon === undefined ? { problem: scene.daemonProblem?.message } : await daemonState(options),
  });
}

/** Of the tables that grow with the network their sizes alone. */
async function daemonState(options: OptionValues): Promise<Record<string, unknown>> {
  const ask = adminClient(options);
  const attempt = async <N extends RequestName>(
    name: N,
    args?: Record<string, string>,
  ): Promise<Partial<Answers[N]>> => {
    try {
      return await ask(name, args);
    } catch (error) {
      if (!(error instanceof RatatoskError)) throw error;
      return { problem: error.message } as unknown as Partial<Answers[N]>;
    }
  };
  const { tree = [] } = await attempt('getTree');
  const { paths = [] } = await attempt('getPaths');
  return {
    status: await attempt('getStatus'),
    self: await attempt('getSelf'),
    ...(await attempt('getPeers')),
    ...(await attempt('getSessions')),
    sizes: { tree: tree.length, paths: paths.length },
    stats: await attempt('getStats'),
    ...(await attempt('getRadio')),
    firewall: await attempt('getFirewall'),
    ...(await attempt('getMulticastInterfaces')),
    ...(await attempt('getEvents', { since: String(Date.now() - DAY_MS) })),
  };
}

/** As it will be written: without what is undefined. */
function asJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

function writeBundle(text: string): string {
  const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  const path = resolve(`ratatosk-report-${stamp}.json`);
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = openSync(path, flags, 0o600);
    try {
      for (let octets = Buffer.from(text); octets.length > 0; ) octets = octets.subarray(writeSync(file, octets));
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    const remedy = reason === 'EEXIST' ? 'wait a second' : 'go to a folder where you may write';
    throw new RatatoskError('REPORT_WRITE', `cannot write ${path}: ${reason}: ${remedy}`, { cause });
  }
  return path;
}
