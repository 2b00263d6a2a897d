/** Acting as the user `nobody` for a while, in this process. */

export const NOBODY = 65534;

/** Nodes whose libuv may use io_uring do not let a process change its user; Debian's own is one. */
export function needsOtherUser(): string | false {
  if (process.geteuid?.() !== 0) return 'needs root';
  try {
    process.seteuid?.(0);
    return false;
  } catch (error) {
    return `this Node cannot act as another user: ${(error as Error).message}`;
  }
}

export async function asNobody(act: () => unknown): Promise<void> {
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    await act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
