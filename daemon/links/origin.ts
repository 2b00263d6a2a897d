/** Which browsers may connect: pages of our own host, or of hosts that the listener names (section 2.6). */
import type { IncomingHttpHeaders } from 'node:http';

/** Only browsers send an origin. */
export function isAllowedOrigin({ origin, host }: IncomingHttpHeaders, patterns: readonly string[]): boolean {
  if (origin === undefined || origin === '') return true;
  const theirs = hostOfOrigin(origin);
  return theirs === host?.toLowerCase() || patterns.some((pattern) => matchesPattern(theirs, pattern));
}

/** Pages without a place of their own say `null`: no host, which only a pattern for everybody matches. */
function hostOfOrigin(origin: string): string {
  try {
    return new URL(origin).host;
  } catch {
    return '';
  }
}

/** Shell patterns with `*` and `?`, case ignored. No regular expression: both sides are text of others. */
export function matchesPattern(text: string, pattern: string): boolean {
  const [a, p] = [text.toLowerCase(), pattern.toLowerCase()];
  let at = 0;
  let from = 0;
  let star = -1;
  let mark = 0;
  while (at < a.length) {
    if (p[from] === '*') {
      star = from++;
      mark = at;
    } else if (p[from] === '?' || p[from] === a[at]) {
      at++;
      from++;
    } else if (star >= 0) {
      from = star + 1;
      at = ++mark;
    } else return false;
  }
  while (p[from] === '*') from++;
  return from === p.length;
}
