/**
 * Several addresses of one host, tried as RFC 8305 has it: the next one when the last has failed, or has not answered for a
 * while. The first connection wins, the others are called off.
 */

const STAGGER_MS = 250;
/** Nobody waits for more; names with dozens of addresses are load balancers, where any will do. */
const ADDRESSES_MAX = 8;

/** Families take turns, the first address's first; within a family the order stays. */
export function interleaved(addresses: readonly string[]): string[] {
  const isIpv6 = (address: string | undefined): boolean => address?.includes(':') === true;
  const first = addresses.filter((address) => isIpv6(address) === isIpv6(addresses[0]));
  const second = addresses.filter((address) => isIpv6(address) !== isIpv6(addresses[0]));
  const mixed = first.flatMap((address, i) => [address, ...second.slice(i, i + 1)]);
  return [...mixed, ...second.slice(first.length)];
}

/**
 * Rejects with the error of the attempt that failed last. An attempt ends when its signal says so; one that connects all
 * the same is handed to `discard`.
 */
export function firstToConnect<T>(
  addresses: readonly string[],
  signal: AbortSignal,
  attempt: (address: string, signal: AbortSignal) => Promise<T>,
  discard: (connection: T) => void,
): Promise<T> {
  const tried = interleaved(addresses).slice(0, ADDRESSES_MAX);
  return new Promise((resolve, reject) => {
    const all = new AbortController();
    let begun = 0;
    let running = 0;
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', callOff);
      all.abort();
    };
    const begin = (): void => {
      clearTimeout(timer);
      const address = tried[begun++];
      if (address === undefined) return;
      running++;
      if (begun < tried.length) timer = setTimeout(begin, STAGGER_MS);
      attempt(address, all.signal).then(won, lost);
    };
    const won = (connection: T): void => {
      if (all.signal.aborted) return discard(connection);
      finish();
      resolve(connection);
    };
    const lost = (error: unknown): void => {
      running--;
      if (all.signal.aborted) return;
      if (begun < tried.length) return begin();
      if (running > 0) return;
      finish();
      reject(error);
    };
    const callOff = (): void => {
      finish();
      reject(new Error('the attempt was called off'));
    };
    if (signal.aborted || tried.length === 0) return callOff();
    signal.addEventListener('abort', callOff);
    begin();
  });
}
