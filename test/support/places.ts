/**
 * Where things lie: the repository (tests run from `dist`), the built daemon, the real Yggdrasil.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

export const repoRoot = findRepoRoot(import.meta.dirname);
export const ratatoskMain = join(repoRoot, 'dist/daemon/main.js');
/** A built file of test/support, to be run as a process of its own. */
export const supportScript = (name: string): string => join(repoRoot, 'dist/test/support', name);
/** A source file of test/support that is not TypeScript. */
export const supportFile = (name: string): string => join(repoRoot, 'test/support', name);

/** Looks in `.tools/yggdrasil`, then in the folder YGGDRASIL_BIN, then in PATH. */
export function yggdrasilTool(name: 'yggdrasil' | 'yggdrasilctl'): string | undefined {
  const fromEnvironment = process.env.YGGDRASIL_BIN;
  const folders = [join(repoRoot, '.tools/yggdrasil/usr/sbin')];
  if (fromEnvironment !== undefined) folders.push(fromEnvironment);
  return firstExecutable(name, [...folders, ...pathFolders()]);
}

/** The daemon of Debian's next release, which knows more: it lies in `.tools/yggdrasil-sid`. */
export function newerYggdrasil(): string | undefined {
  return firstExecutable('yggdrasil', [join(repoRoot, '.tools/yggdrasil-sid/usr/sbin')]);
}

/** The system's own first: one of a version manager takes a shell script's time, and tests ask for many. */
export const python = firstExecutable('python3', ['/usr/bin', ...pathFolders()]) ?? 'python3';

export function toolInPath(name: string): string | undefined {
  return firstExecutable(name, pathFolders());
}

function pathFolders(): string[] {
  // The network tools lie in sbin folders, which a user's PATH may lack.
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].filter((folder) => folder !== '');
}

function firstExecutable(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function findRepoRoot(start: string): string {
  let folder = start;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no package.json above ${start}`);
    folder = parent;
  }
  return folder;
}
