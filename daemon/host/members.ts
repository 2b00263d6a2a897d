/**
 * Names of members as Go's decoder takes them: without regard to case, the last of several wins. Unknown ones are
 * dropped with a warning that names the nearest known one.
 */

export type Members = Record<string, unknown>;

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy under the known names. Null means absent, as in the other daemon. `where` goes before names in warnings. */
export function matchMembers(found: Members, known: readonly string[], where: string, warnings: string[]): Members {
  const byFolded = new Map(known.map((name) => [name.toLowerCase(), name]));
  const matched: Members = Object.create(null);
  for (const [name, value] of Object.entries(found)) {
    const canonical = byFolded.get(name.toLowerCase());
    if (canonical === undefined) warnings.push(unknownMember(where, name, known));
    else if (value !== null) matched[canonical] = value;
  }
  return matched;
}

function unknownMember(where: string, name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  const advice = nearest === undefined ? 'it is ignored' : `did you mean ${where}${nearest}? It is ignored`;
  return `${where}${name}: no such member; ${advice}`;
}

/** The known name with the fewest changed letters, if it is near enough to be a slip. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const scored = known.map((candidate) => ({ candidate, changes: changesBetween(name, candidate) }));
  scored.sort((a, b) => a.changes - b.changes);
  const best = scored[0];
  if (best === undefined || best.changes > Math.max(2, Math.floor(best.candidate.length / 3))) return undefined;
  return best.candidate;
}

/** Levenshtein distance, without regard to case; long names are cut, they cannot be near. */
function changesBetween(a: string, b: string): number {
  const from = a.slice(0, 40).toLowerCase();
  const to = b.slice(0, 40).toLowerCase();
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
