/**
 * Files that hold secrets: read and written so that nobody else sees them and a crash loses none.
 *
 * Reading: never through a symbolic link at the end of the path, never from a stranger's file. A mode that lets others
 * read is repaired where the file is our own making (`isOurs`), and only reported where it is not: other software, such
 * as a packaged Yggdrasil with `0640 root:yggdrasil`, may depend on it.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RatatoskError } from '../core/error.ts';

/** No configuration is larger; stops a mistaken path (a log, a device) from filling memory. */
const FILE_MAX_BYTES = 1024 * 1024;
const OTHERS = 0o077;

export type SecretFile = { readonly octets: Buffer; readonly warnings: readonly string[] };

/** `isOurs` looks at the content and says whether this software made the file. */
export function readSecretFile(path: string, isOurs: (octets: Buffer) => boolean): SecretFile {
  const file = openForReading(path);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new RatatoskError('FILE_KIND', `${path}: is not a regular file`);
    if (stats.size > FILE_MAX_BYTES) throw new RatatoskError('FILE_SIZE', `${path}: is larger than 1 MiB`);
    checkOwner(path, stats);
    const octets = readAll(file);
    return { octets, warnings: checkMode(path, file, stats, isOurs(octets)) };
  } finally {
    closeSync(file);
  }
}

/** Makes a new file of mode 0600 and never replaces one. Folders that lack are made, for this user alone. */
export function createSecretFile(path: string, content: string): void {
  attempt('FILE_WRITE', `cannot make the folder of ${path}`, () => {
    mkdirSync(dirname(path), { recursive: true, mode: process.geteuid?.() === 0 ? 0o755 : 0o700 });
  });
  const octets = Buffer.from(content, 'utf8');
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  attempt('FILE_WRITE', `cannot write ${path}`, () => {
    try {
      writeNew(temporary, octets);
      placeNew(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
    syncFolder(dirname(path));
    if (!readFileSync(path).equals(octets)) throw new Error('what was read back differs from what was written');
  });
}

/** Owner, group and mode of a file that takes the place of another. */
export type Belonging = Pick<Stats, 'uid' | 'gid' | 'mode'>;

/**
 * Writes a file as a whole, in place of the one there may be; a crash leaves the old one or the new one. Its mode is 0600,
 * unless somebody else (a service's group) must go on reading it as they could before.
 */
export function replaceSecretFile(path: string, content: string, like?: Belonging): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  attempt('FILE_WRITE', `cannot write ${path}`, () => {
    mkdirSync(dirname(path), { recursive: true, mode: process.geteuid?.() === 0 ? 0o755 : 0o700 });
    try {
      writeNew(temporary, Buffer.from(content, 'utf8'), like);
      renameSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
    syncFolder(dirname(path));
  });
}

function openForReading(path: string): number {
  try {
    // Non-blocking: a pipe in place of the file must not hang the start.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new RatatoskError('FILE_MISSING', `${path}: there is no such file`, { cause });
    if (code === 'ELOOP') {
      const remedy = 'give the path of the file itself';
      throw new RatatoskError('FILE_SYMLINK', `${path}: is a symbolic link, which a key file must not be: ${remedy}`);
    }
    if (code === 'EACCES') {
      throw new RatatoskError('FILE_RIGHTS', `${path}: no right to read it: run as its owner or as root`, { cause });
    }
    throw new RatatoskError('FILE_READ', `${path}: cannot be read: ${String(code)}`, { cause });
  }
}

/** Root may change whatever we read anyway; behind `sudo` the user who called it may own the file. */
function checkOwner(path: string, stats: Stats): void {
  const self = process.geteuid?.() ?? stats.uid;
  if (stats.uid === self || stats.uid === 0) return;
  if (self === 0 && process.env.SUDO_UID === String(stats.uid)) return;
  const remedy = `make it yours: chown ${self} ${path}`;
  throw new RatatoskError('FILE_OWNER', `${path}: belongs to user ${stats.uid}, who could change this node: ${remedy}`);
}

function checkMode(path: string, file: number, stats: Stats, isOurs: boolean): string[] {
  if ((stats.mode & OTHERS) === 0) return [];
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  const self = process.geteuid?.();
  if (isOurs && (self === 0 || self === stats.uid)) {
    try {
      fchmodSync(file, 0o600);
      return [`${path} had mode ${mode}: set to 0600, because it holds a private key`];
    } catch {
      // A read-only file system: say so and go on.
    }
  }
  // How a service without root gets a file that only root may change.
  if (stats.uid === 0 && self !== 0 && (stats.mode & 0o037) === 0) return [];
  const who = (stats.mode & 0o007) === 0 ? 'its group' : 'every user of this machine';
  return [`${path} has mode ${mode} and holds secrets that ${who} can read: chmod 600 ${path}`];
}

function readAll(file: number): Buffer {
  const buffer = Buffer.alloc(FILE_MAX_BYTES + 1);
  let length = 0;
  for (;;) {
    const count = readSync(file, buffer, length, buffer.length - length, null);
    if (count === 0) break;
    length += count;
  }
  const octets = Buffer.from(buffer.subarray(0, length));
  buffer.fill(0);
  return octets;
}

function writeNew(path: string, octets: Buffer, like?: Belonging): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = openSync(path, flags, 0o600);
  try {
    // The umask can only take bits away, but default ACLs of the folder can add some.
    fchmodSync(file, 0o600);
    for (let done = 0; done < octets.length; ) done += writeSync(file, octets, done);
    if (like !== undefined) {
      const { uid, gid } = fstatSync(file);
      if (uid !== like.uid || gid !== like.gid) fchownSync(file, like.uid, like.gid);
      fchmodSync(file, like.mode & 0o777);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A hard link refuses to replace; where the file system has none, a look before the rename must do. */
function placeNew(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'EEXIST' || existsSync(path)) {
      throw new RatatoskError('FILE_EXISTS', `${path}: exists already and is never overwritten`, { cause });
    }
    renameSync(temporary, path);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function attempt(code: string, what: string, act: () => void): void {
  try {
    act();
  } catch (cause) {
    if (cause instanceof RatatoskError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RatatoskError(code, `${what}: ${reason}`, { cause });
  }
}
