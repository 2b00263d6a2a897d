/** Runs `nft`, Debian's nftables. Synchronous: one call after the other, and no packet waits for this thread. */
import { spawnSync } from 'node:child_process';
import { RatatoskError } from '../core/error.ts';

/**
 * Gives what `nft` prints. Throws with a remedy: `NFT_MISSING` it cannot be run, `NFT_ABSENT` something it was asked for
 * is not there, `NFT_REFUSED` anything else.
 */
export type Nft = (args: readonly string[], input?: string) => string;

/** Usual calls take 5 ms; a kernel that must load its modules first, much longer. */
const LIMIT_MS = 5_000;

export const nft: Nft = (args, input = '') => {
  const result = spawnSync('nft', [...args], {
    input,
    encoding: 'utf8',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    stdio: 'pipe',
    // It lies in a folder that the PATH of a user who became root may lack.
    env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' },
  });
  if (result.error !== undefined) throw startFailure(result.error);
  if (result.status !== 0) throw refusal(result.stderr);
  return result.stdout;
};

function startFailure(cause: NodeJS.ErrnoException): RatatoskError {
  const what =
    cause.code === 'ENOENT'
      ? 'nft is not installed: apt install nftables, and it closes by itself'
      : cause.code === 'ETIMEDOUT'
        ? `nft did not end within ${LIMIT_MS / 1000} s: see what \`nft list ruleset\` waits for`
        : `nft cannot be run (${cause.code}): see whether \`nft list ruleset\` works`;
  return new RatatoskError('NFT_MISSING', what, { cause });
}

function refusal(stderr: string): RatatoskError {
  const line = /Error: (.*)/i.exec(stderr)?.[1] ?? stderr.trim().split('\n')[0] ?? '';
  const remedy = /permitted|denied/.test(line)
    ? 'run as root, or give the process CAP_NET_ADMIN'
    : 'the kernel needs nf_tables and nft_ct (modprobe); see whether `nft list ruleset` works';
  const code = /No such file/.test(line) ? 'NFT_ABSENT' : 'NFT_REFUSED';
  return new RatatoskError(code, `nft refused: ${line.slice(0, 200)}: ${remedy}`);
}
