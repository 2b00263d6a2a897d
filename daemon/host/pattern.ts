/**
 * Regular expressions of `MulticastInterfaces`: Go's syntax as far as anybody names interfaces by it. Unanchored, and only
 * ever matched with names of interfaces.
 */

/** Undefined if it is no expression in this engine. */
export function patternOf(text: string): RegExp | undefined {
  const [, flags = '', body = ''] = /^(?:\(\?([is]+)\))?(.*)$/s.exec(text) ?? [];
  const source = body.replaceAll('\\A', '^').replaceAll('\\z', '$').replaceAll('(?P<', '(?<');
  try {
    return new RegExp(source, [...new Set(flags)].join(''));
  } catch {
    return undefined;
  }
}
