/** The rules of the house that no compiler knows. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { repoRoot } from '../support/places.ts';

type Source = {
  readonly path: string;
  readonly lines: readonly string[];
  readonly code: string;
  readonly imports: readonly string[];
};

const FOLDERS = ['daemon', 'tui', 'native-bindings', 'bench', 'test'];
const LINES_MAX = 500;
const BANNED_NAMES = /^(utils?|helpers?|.*manager|common|index)\.(ts|mjs)$/;

const sources = FOLDERS.flatMap((folder) => sourcesIn(join(repoRoot, folder)));
const inFolder = (folder: string): Source[] => sources.filter(({ path }) => path.startsWith(`${folder}/`));

/** Where a file of a folder may reach, as beginnings of paths; packages and `node:` modules apart. */
const LAYERS: readonly { folder: string; reaches: readonly string[]; mayUsePackages: boolean }[] = [
  { folder: 'daemon/wire', reaches: ['daemon/wire/'], mayUsePackages: false },
  { folder: 'daemon/core', reaches: ['daemon/core/', 'daemon/wire/'], mayUsePackages: false },
  ...['links', 'host', 'crypto'].map((name) => ({
    folder: `daemon/${name}`,
    reaches: [`daemon/${name}/`, 'daemon/core/port.ts', 'daemon/core/error.ts', 'daemon/wire/', 'native-bindings/'],
    mayUsePackages: true,
  })),
  { folder: 'tui', reaches: ['tui/', 'daemon/host/answers.ts'], mayUsePackages: true },
];

for (const { folder, reaches, mayUsePackages } of LAYERS) {
  test(`${folder} imports only what its layer may`, () => {
    for (const { path, imports } of inFolder(folder)) {
      for (const name of imports) {
        if (!name.startsWith('.')) assert.ok(mayUsePackages, `${path} imports ${name}`);
        else
          assert.ok(
            reaches.some((start) => target(path, name).startsWith(start)),
            `${path} imports ${name}`,
          );
      }
    }
  });
}

test('core and wire know no clock, no timer, no chance, no log and no waiting', () => {
  const banned =
    /\b(Date|performance|setTimeout|setInterval|setImmediate|queueMicrotask|randomBytes|console|process|Buffer|async|await|Promise)\b|Math\.random/;
  // Of names behind a dot only those of Math count: `options.process` is no process.
  const found = offences([...inFolder('daemon/core'), ...inFolder('daemon/wire')], (line) =>
    banned.test(line.replace(/\.\w+/g, (word) => (word === '.random' ? word : ''))),
  );
  assert.deepEqual(found, []);
});

test('no file is longer than 500 lines', () => {
  const long = sources.filter(({ lines }) => lines.length > LINES_MAX);
  assert.deepEqual(
    long.map(({ path, lines }) => `${path}: ${lines.length}`),
    [],
  );
});

test('names of files say what is in them', () => {
  const files = FOLDERS.flatMap((folder) => filesIn(join(repoRoot, folder)));
  assert.deepEqual(
    files.filter((path) => BANNED_NAMES.test(basename(path))),
    [],
  );
});

test('nothing is exported as default, nothing is of type any', () => {
  const banned = /\bexport default\b|:\s*any\b|[<]any\b|,\s*any>|\bas any\b/;
  assert.deepEqual(
    offences(sources, (line) => banned.test(line)),
    [],
  );
});

test('imports of our own files carry the extension .ts', () => {
  for (const { path, imports } of sources) {
    for (const name of imports) {
      if (name.startsWith('.')) assert.match(name, /\.(ts|mjs|json)$/, `${path} imports ${name}`);
    }
  }
});

test('the top of the repository holds what it may and nothing else', () => {
  const fixed = [
    'package.json',
    'tsconfig.json',
    'daemon',
    'tui',
    'native-bindings',
    'configs',
    'bench',
    'test',
    'README.md',
  ];
  const forTools = ['package-lock.json', '.gitignore', '.biome.json', '.ci', 'LICENSE'];
  const notOurs = ['.git', 'node_modules', 'dist', '.tools'];
  const allowed = new Set([...fixed, ...forTools, ...notOurs]);
  assert.deepEqual(
    readdirSync(repoRoot).filter((name) => !allowed.has(name)),
    [],
  );
});

function sourcesIn(folder: string): Source[] {
  return filesIn(folder)
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const text = readFileSync(join(repoRoot, path), 'utf8');
      return { path, lines: text.trimEnd().split('\n'), code: withoutComments(text), imports: importsOf(text) };
    });
}

function offences(of: readonly Source[], isOffence: (line: string) => boolean): string[] {
  return of.flatMap(({ path, code }) =>
    code
      .split('\n')
      .filter(isOffence)
      .map((line) => `${path}: ${line.trim()}`),
  );
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((path) => relative(repoRoot, path)).filter((path) => !path.startsWith('native-bindings/build/'));
}

/** Names of modules in `import … from`, `export … from`, `import '…'` and `import('…')`. */
function importsOf(text: string): string[] {
  const found = text.matchAll(
    /^(?:import|export)\b[^'"`;]*?\bfrom\s*'([^']+)'|^import\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm,
  );
  return [...found].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '');
}

/** Without comments and strings; rough, but code that it misreads does not pass for other code. */
function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/`(?:[^`\\]|\\.)*`/g, '``');
}

function target(from: string, name: string): string {
  return join(dirname(from), name);
}
