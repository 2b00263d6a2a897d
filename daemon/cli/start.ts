/** What `up` does: the settings of one daemon from its options, and its life. */
import { existsSync } from 'node:fs';
import { RatatoskError } from '../core/error.ts';
import { defaultConfig, type LoadedConfig, loadConfig } from '../host/config.ts';
import { newIdentity } from '../host/keys.ts';
import { LEVELS, type Level, Log } from '../host/log.ts';
import { defaultPlaces } from '../host/places.ts';
import type { Config } from '../host/schema.ts';
import { trimHeap } from '../host/trim.ts';
import { Daemon } from './daemon.ts';
import { makeConfig } from './init.ts';
import { hasColour } from './paint.ts';
import type { RouterThread } from './thread.ts';
import { type OptionValues, textOption, usageError } from './verb.ts';

/** After the first links, before anybody looks. */
const TRIM_MS = 800;

/** Until it ends; gives the exit code. */
export function start(options: OptionValues, thread: RouterThread): Promise<number> {
  const log = openLog(options);
  const path = textOption(options, 'config') ?? defaultPlaces().config;
  if (options['first-run'] === true && options.autoconf !== true && !existsSync(path)) {
    process.stdout.write(`${makeConfig(path).join('\n')}\n\n`);
  }
  const isJson = options['log-json'] === true;
  const hasLogLevel = textOption(options, 'log-level') !== undefined;
  setTimeout(trimHeap, TRIM_MS).unref();
  return new Daemon({ log, hasLogLevel, isJson, path, thread, load: () => load(options, path) }).run();
}

function load(options: OptionValues, path: string): LoadedConfig {
  const loaded = options.autoconf === true ? autoconf() : read(path);
  if (options['no-tun'] !== true) return loaded;
  const config: Config = { ...loaded.config, IfName: 'none' };
  return { ...loaded, config };
}

/** Kept for the life of the process: a second reading must not change who we are. */
let passing: LoadedConfig | undefined;

function autoconf(): LoadedConfig {
  const warnings = ['identity: made for this run only (--autoconf), the address changes with the next start'];
  passing ??= { config: defaultConfig(), identity: newIdentity(), warnings };
  return passing;
}

function read(path: string): LoadedConfig {
  try {
    const loaded = loadConfig(path);
    if (loaded.identity !== undefined) return loaded;
    const remedy = 'make a new file with `ratatosk init`, or add PrivateKey';
    const warning = `identity: ${path} has no PrivateKey: made for this run only; to keep an address, ${remedy}`;
    passing ??= { ...loaded, identity: newIdentity() };
    return { ...loaded, identity: passing.identity, warnings: [...loaded.warnings, warning] };
  } catch (error) {
    if (!(error instanceof RatatoskError) || error.code !== 'FILE_MISSING') throw error;
    const remedy = 'make one with `ratatosk init`, or run without: `ratatosk up --autoconf`';
    throw new RatatoskError('CONFIG_MISSING', `${path}: there is no configuration: ${remedy}`, { cause: error });
  }
}

function openLog(options: OptionValues): Log {
  const level = textOption(options, 'log-level') ?? 'info';
  if (!isLevel(level)) throw usageError(`--log-level: found '${level}', expected ${LEVELS.join(', ')}`);
  return new Log({
    level,
    isJson: options['log-json'] === true,
    write: (line) => process.stderr.write(line),
    stamp: process.env.JOURNAL_STREAM !== undefined ? 'none' : process.stderr.isTTY ? 'time' : 'date',
    hasColour: hasColour(process.stderr),
    monotonicMs: () => performance.now(),
    unixMs: () => Date.now(),
  });
}

function isLevel(text: string): text is Level {
  return LEVELS.some((level) => level === text);
}
