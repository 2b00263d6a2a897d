/**
 * Makes a clone ready to run: dependencies, JavaScript, addon. Runs before `npm start` and `npm test`, so it uses nothing
 * but Node, and does nothing, quickly, when all is fresh. With `--for-tests` it also looks after what tests need.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const NODE_LEAST = [20, 19];
const SOURCE_FOLDERS = ['daemon', 'tui', 'native-bindings', 'bench', 'test'];
const STAMP = join(ROOT, 'dist/.setup');

/** What the addon's build misses → what Debian calls it. */
const BUILD_PACKAGES = {
  'g++': ['g++'],
  make: ['make'],
  python3: ['python3'],
  'Node headers': ['libnode-dev', 'libssl-dev'],
};
/** Commands that tests use → what Debian calls their packages. Tests that miss one are skipped. */
const TEST_PACKAGES = {
  ip: 'iproute2',
  ss: 'iproute2',
  setpriv: 'util-linux',
  python3: 'python3',
  iperf3: 'iperf3',
  curl: 'curl',
  tmux: 'tmux',
  ping: 'iputils-ping',
  ps: 'procps',
  nft: 'nftables',
};

const isForTests = process.argv.includes('--for-tests');
const isRoot = process.geteuid?.() === 0;

await main();

async function main() {
  checkNode();
  installDependencies();
  compile();
  await buildAddon();
  if (isForTests) await prepareTests();
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > NODE_LEAST[0] || (major === NODE_LEAST[0] && minor >= NODE_LEAST[1])) return;
  stop(
    `Node ${process.versions.node} is too old: ratatosk needs ${NODE_LEAST.join('.')} or newer (https://nodejs.org)`,
  );
}

/** Compares what is installed with the lock file by content: clones and copies change the times of files. */
function installDependencies() {
  const installed = readPackages('node_modules/.package-lock.json');
  const wanted = readPackages('package-lock.json');
  const isFresh = Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.optional === true || entry.link === true) return true;
    return installed[path]?.version === entry.version && installed[path]?.integrity === entry.integrity;
  });
  if (isFresh) return;
  say('Installing dependencies (npm ci --ignore-scripts) …');
  const isDone = run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  if (!isDone && commandPath('npm') === undefined) stop('npm is missing. Run: apt-get install npm');
  if (!isDone) stop('The dependencies could not be installed: see above. Is the network up?');
}

function compile() {
  const sources = SOURCE_FOLDERS.flatMap((folder) => walk(join(ROOT, folder), '.ts'));
  const stamp = stampOf([...sources, join(ROOT, 'tsconfig.json'), join(ROOT, 'package-lock.json')]);
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp) return;
  say('Compiling …');
  if (!run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']))
    stop('The sources do not compile.');
  // So that a link to it is the command `ratatosk`.
  const command = join(ROOT, 'dist/daemon/main.js');
  if (existsSync(command)) chmodSync(command, 0o755);
  removeOrphans(new Set(sources.map((path) => path.slice(ROOT.length + 1, -'.ts'.length))));
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, stamp);
}

/** A test whose source is gone must not run any more. */
function removeOrphans(sources) {
  for (const path of SOURCE_FOLDERS.flatMap((folder) => walk(join(ROOT, 'dist', folder), '.js'))) {
    const name = path.slice(ROOT.length + '/dist/'.length, -'.js'.length);
    if (sources.has(name)) continue;
    rmSync(path);
    rmSync(`${path}.map`, { force: true });
  }
}

/** Without the addon there is no TUN and less speed, but a router for others can run: so this never stops the start. */
async function buildAddon() {
  const script = join(ROOT, 'native-bindings/build.mjs');
  if (!existsSync(script)) return;
  const native = await import(pathToFileURL(script).href);
  const isFirst = !existsSync(join(ROOT, 'native-bindings/build/Release/ratatosk.node'));
  if (isFirst && native.missingTools().length === 0) say('Building the addon …');
  let result = native.buildAddon();
  if (result.state === 'missing') {
    const packages = native.missingTools().flatMap((name) => BUILD_PACKAGES[name] ?? []);
    const reason = 'The native addon cannot be built: no TUN interface, and less speed, until it is.';
    if (await offerPackages(reason, packages)) {
      say('Building the addon …');
      result = native.buildAddon();
    }
  }
  if (result.state === 'failed')
    say(`${result.problem}\nGoing on without the addon: no TUN interface, and less speed.`);
  else if (result.state === 'built') say('The addon is built.');
}

async function prepareTests() {
  const missing = Object.entries(TEST_PACKAGES).filter(([command]) => commandPath(command) === undefined);
  if (missing.length > 0) {
    const commands = missing.map(([command]) => command).join(', ');
    await offerPackages(`Tests that need ${commands} will be skipped.`, [...new Set(missing.map(([, name]) => name))]);
  }
  if (!isRoot) say('Tests that make networks need root and will be skipped: sudo npm test');
  else if (!existsSync('/dev/net/tun')) say('Tests that need /dev/net/tun will be skipped: modprobe tun');
  fetchYggdrasil();
}

function fetchYggdrasil() {
  const script = join(ROOT, 'test/support/fetch-yggdrasil.sh');
  const folder = join(ROOT, '.tools/yggdrasil');
  if (!existsSync(script) || existsSync(join(folder, 'usr/sbin/yggdrasil')) || commandPath('yggdrasil') !== undefined)
    return;
  if (process.env.YGGDRASIL_BIN !== undefined) return;
  const remedy = `Tests against the real Yggdrasil will be skipped: sh test/support/fetch-yggdrasil.sh .tools/yggdrasil`;
  if (!isRoot || commandPath('apt-get') === undefined) return say(remedy);
  say('Fetching the real Yggdrasil for the tests …');
  if (!run('sh', [script, folder])) say(remedy);
}

/** Prints the one command that helps, and as root on a terminal offers to run it. True if it was run and worked. */
async function offerPackages(reason, packages) {
  if (packages.length === 0) {
    say(reason);
    return false;
  }
  if (commandPath('apt-get') === undefined) {
    say(`${reason} Install what your system calls: ${packages.join(' ')}`);
    return false;
  }
  const words = ['install', '-y', ...packages];
  say(`${reason} To change that:\n  ${isRoot ? '' : 'sudo '}apt-get ${words.join(' ')}`);
  if (!isRoot || !process.stdin.isTTY || !process.stdout.isTTY) return false;
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await prompt.question('Run it now? (y/N) ');
  prompt.close();
  return /^y(es)?$/i.test(answer.trim()) && run('apt-get', words);
}

/** @returns {Record<string, { version?: string, integrity?: string, optional?: boolean, link?: boolean }>} */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), 'utf8')).packages;
  } catch {
    return {};
  }
}

/** Names, times and sizes: a changed, new or lost file changes it. */
function stampOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path.slice(ROOT.length)} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

/** Sorted, so that the order of a directory does not matter. */
function walk(folder, ending) {
  if (!existsSync(folder)) return [];
  const found = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...walk(path, ending));
    else if (entry.name.endsWith(ending)) found.push(path);
  }
  return found.sort();
}

function commandPath(name) {
  // The network tools lie in sbin folders, which a user's PATH may lack.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function run(command, args) {
  return spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' }).status === 0;
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

function stop(text) {
  process.stderr.write(`setup: ${text}\n`);
  process.exit(1);
}
