/**
 * The explicit build step of the addon: `node native-bindings/build.mjs`. Never touches the network. Does nothing when
 * the addon was built from these sources for this Node.
 *
 * Exit codes: 0 built or up to date, 3 something is missing on this machine, 4 the compiler failed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { argv, env, execPath, exit, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';

const EXIT_MISSING = 3;
const EXIT_FAILED = 4;
/** Generous: a cold build takes about 10 s on one slow core. */
const BUILD_TIMEOUT_MS = 300_000;
/** The checks that sanitizers add to the kernels keep the compiler busy for minutes. */
const SANITIZED_TIMEOUT_MS = 1_800_000;

const HERE = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

/** What an apt-based system calls the things we look for. */
const PACKAGES = { 'g++': 'g++', make: 'make', python3: 'python3', 'Node headers': 'libnode-dev' };

/** @returns {string | undefined} the folder above `include/node`, by which node-gyp finds headers offline */
export function headersPrefix() {
  const prefixes = [dirname(dirname(execPath)), '/usr', '/usr/local'];
  return prefixes.find((prefix) => {
    const version = join(prefix, 'include/node/node_version.h');
    const isComplete = ['node_api.h', 'common.gypi'].every((file) => existsSync(join(prefix, 'include/node', file)));
    // Headers of another Node lie in /usr when two are installed.
    return isComplete && existsSync(version) && majorOf(version) === process.versions.node.split('.')[0];
  });
}

/** @returns {string[]} the names of what is missing here; empty if the addon can be built */
export function missingTools() {
  const missing = [compiler(), 'make', 'python3'].filter((tool) => !isCommand(tool));
  if (headersPrefix() === undefined) missing.push('Node headers');
  if (resolvePackage('node-gyp/package.json') === undefined) missing.push('node-gyp');
  if (resolvePackage('node-addon-api/package.json') === undefined) missing.push('node-addon-api');
  return missing;
}

/** @param {string[]} missing @returns {string} one line: what is missing and which command helps */
export function remedy(missing) {
  const fromSystem = missing.filter((name) => name in PACKAGES).map((name) => PACKAGES[name]);
  const commands = [];
  if (fromSystem.length > 0) commands.push(`apt-get install ${fromSystem.join(' ')}`);
  if (missing.some((name) => name.startsWith('node-'))) commands.push('npm ci --ignore-scripts');
  const other = missing.filter((name) => name === env.CXX).map((name) => `the compiler CXX=${name}`);
  return `The addon cannot be built: ${missing.join(', ')} missing. Run: ${[...commands, ...other].join(' && ')}`;
}

/**
 * @typedef {{ state: 'current' | 'built' } | { state: 'missing' | 'failed', problem: string }} BuildResult
 * @param {{ directory?: string, isSanitized?: boolean, isForced?: boolean }} [options] `directory` is a copy of this
 *   folder; by default this folder itself
 * @returns {BuildResult}
 */
export function buildAddon({ directory = HERE, isSanitized = false, isForced = false } = {}) {
  const stampFile = join(directory, 'build/stamp');
  const stamp = stampOf(directory, isSanitized);
  const addonFile = join(directory, 'build/Release/ratatosk.node');
  const previous = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : '';
  if (!isForced && previous === stamp && existsSync(addonFile)) return { state: 'current' };

  const missing = missingTools();
  if (missing.length > 0) return { state: 'missing', problem: remedy(missing) };

  // Objects of another Node or of other flags are of no use; make cannot tell.
  if (isForced || previous.split('\n')[0] !== stamp.split('\n')[0])
    rmSync(join(directory, 'build'), { recursive: true, force: true });
  rmSync(stampFile, { force: true });
  const nodeGyp = join(dirname(String(resolvePackage('node-gyp/package.json'))), 'bin/node-gyp.js');
  const run = spawnSync(
    execPath,
    [
      nodeGyp,
      'configure',
      'build',
      '--directory',
      directory,
      '--nodedir',
      String(headersPrefix()),
      '--jobs',
      'max',
      '--loglevel',
      'warn',
    ],
    {
      encoding: 'utf8',
      timeout: isSanitized ? SANITIZED_TIMEOUT_MS : BUILD_TIMEOUT_MS,
      env: { ...env, GYP_DEFINES: gypDefines(isSanitized) },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  if (run.status !== 0 || !existsSync(addonFile)) {
    const output = `${run.stdout ?? ''}${run.stderr ?? ''}${run.error ?? ''}`;
    return { state: 'failed', problem: `The addon did not compile:\n${output.split('\n').slice(-40).join('\n')}` };
  }
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, stamp);
  return { state: 'built' };
}

/** First line: what every object depends on. Second line: the sources. */
function stampOf(directory, isSanitized) {
  const { arch, platform, versions } = process;
  const hash = createHash('sha256');
  const sources = readdirSync(join(directory, 'src'))
    .sort()
    .map((name) => join('src', name));
  for (const name of ['binding.gyp', ...sources]) hash.update(`${name}\n`).update(readFileSync(join(directory, name)));
  const flags = `${isSanitized ? 'sanitized' : 'plain'} ${compiler()} ${env.CXXFLAGS ?? ''}`;
  return `${platform} ${arch} modules ${versions.modules} uv ${versions.uv} ${flags}\n${hash.digest('hex')}\n`;
}

function gypDefines(isSanitized) {
  const api = dirname(String(resolvePackage('node-addon-api/package.json')));
  return `node_addon_api_dir='${api}' sanitize=${isSanitized ? 1 : 0} strict=${env.CI === 'true' ? 1 : 0}`;
}

function compiler() {
  return env.CXX ?? 'g++';
}

function majorOf(versionHeader) {
  return /#define NODE_MAJOR_VERSION (\d{1,4})/.exec(readFileSync(versionHeader, 'utf8'))?.[1];
}

function isCommand(name) {
  const [program = ''] = name.split(' ');
  const places = program.includes('/') ? [''] : (env.PATH ?? '').split(delimiter);
  return places.some((place) => {
    try {
      accessSync(join(place, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function resolvePackage(name) {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}

if (argv[1] !== undefined && fileURLToPath(import.meta.url) === require.resolve(argv[1])) {
  const result = buildAddon({ isForced: argv.includes('--force') });
  if (result.state === 'missing' || result.state === 'failed') {
    stderr.write(`${result.problem}\n`);
    exit(result.state === 'missing' ? EXIT_MISSING : EXIT_FAILED);
  }
  stdout.write(result.state === 'built' ? 'Addon built.\n' : 'Addon is up to date.\n');
}
