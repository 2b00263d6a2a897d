/**
 * Serial devices: opened by Node itself, as terminals, and set up by `stty`. The package `serialport` is not used: its reads and
 * writes wait in the event loop of the main thread, and the router is a worker, which crashes then.
 */
import { execFile, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { promisify } from 'node:util';
import { RatatoskError } from '../core/error.ts';
import { type OctetPort, StreamPort } from './octet-port.ts';

const run = promisify(execFile);
const TOOL_LIMIT_MS = 5_000;

/** 8N1, every octet as it is; the modem lines stay as they are when the device is closed, since boards reset by them. */
const RAW = ['raw', '-echo', '-iexten', 'cs8', '-parenb', '-cstopb', 'cread', 'clocal', '-hupcl'];

/** Opens and locks it. A pty will do as well. Rejects with `DEVICE_FAILED`; the message is why, without the name of the device. */
export async function openDevice(path: string, baud: number, hasFlowControl: boolean): Promise<OctetPort> {
  const { stream, fd, isSpare } = openTerminal(path);
  try {
    await lock(path, fd);
    const flow = hasFlowControl ? 'crtscts' : '-crtscts';
    await run('stty', ['-F', path, String(baud), ...RAW, flow], { timeout: TOOL_LIMIT_MS });
  } catch (error) {
    stream.destroy();
    if (error instanceof RatatoskError) throw error;
    throw failed(isMissing(error) ? 'stty is not there: apt install coreutils' : settingProblem(error, baud), error);
  } finally {
    if (isSpare) closeSync(fd);
  }
  return new StreamPort(stream, 'the device is gone');
}

/** `isSpare`: the stream has opened the device once more, and `fd` is a second name of that, left to us. */
type Terminal = { readonly stream: ReadStream; readonly fd: number; readonly isSpare: boolean };

function openTerminal(path: string): Terminal {
  let fd = -1;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    // Both readable and writable, whatever its name says. The class that is named for writing would block this thread.
    const stream = new ReadStream(fd, { readable: true, writable: true });
    const { _handle: handle } = stream as ReadStream & { _handle?: { fd?: number } };
    return { stream, fd, isSpare: handle?.fd !== fd };
  } catch (error) {
    if (fd >= 0) closeSync(fd);
    throw failed(openProblem(error), error);
  }
}

/** Others that lock as we do (and modem tools do) leave it alone, and we them. The lock is the open file's, and ends with it. */
async function lock(path: string, fd: number): Promise<void> {
  const code = await new Promise<number | null>((resolve) => {
    // Never as one of the first three: those are made blocking in the child, and with it here.
    const child = spawn('flock', ['-n', '-x', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
      timeout: TOOL_LIMIT_MS,
    });
    child.once('error', () => resolve(0));
    child.once('exit', resolve);
  });
  if (code !== 0) throw failed(`it is busy: another program has it (\`fuser ${path}\` tells which)`);
}

function openProblem(error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return 'no such device';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied: add the user of the daemon to the group of the device (dialout on Debian)';
    case 'EBUSY':
      return 'it is busy: another program has it';
    case 'ERR_TTY_INIT_FAILED':
    case 'ERR_INVALID_FD':
      return 'it is no serial device';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function settingProblem(error: unknown, baud: number): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return `it does not take ${baud} Bd, 8N1${text === '' ? '' : ` (${text.split('\n')[0]})`}`;
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function failed(problem: string, cause?: unknown): RatatoskError {
  return new RatatoskError('DEVICE_FAILED', problem, { cause });
}
