/** Bounds of one attempt: how long it may take, and that it may be called off. */

/** Calls `giveUp` when either is reached; the answer ends the watch. */
export function watchAttempt(
  { what, limitMs, signal }: { what: string; limitMs: number; signal: AbortSignal },
  giveUp: (why: Error) => void,
): () => void {
  const timer = setTimeout(() => giveUp(new Error(`${what} took longer than ${limitMs / 1_000} s`)), limitMs);
  const calledOff = (): void => giveUp(new Error('the attempt was called off'));
  signal.addEventListener('abort', calledOff);
  if (signal.aborted) calledOff();
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', calledOff);
  };
}
