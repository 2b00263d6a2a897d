/**
 * Where the members of an HJSON or JSON object stand in its text, so that one can be changed and everything else stays as a
 * person wrote it. Hjson's own way back to text (`rt`) keeps comments, but neither quotes, numbers and brackets as they were
 * written, nor JSON as JSON. Here places are found and nothing is judged: who changes a text by them reads it again and compares.
 */

/** From the first character of a value to behind its last. */
export type Span = { readonly start: number; readonly end: number };

export type MemberPlace = { readonly name: string; readonly value: Span };

export type ObjectPlaces = {
  readonly members: readonly MemberPlace[];
  /** Where a first member would go: behind the brace, or at the start where there is none. */
  readonly inside: number;
};

const PUNCTUATION = '{}[],:';

/** Undefined: this is not understood. */
export function objectPlaces(text: string): ObjectPlaces | undefined {
  try {
    const reader = new Reader(text);
    reader.skipSpace();
    const isBraced = text[reader.at] === '{';
    if (isBraced) reader.at++;
    const inside = isBraced ? reader.at : 0;
    return { members: reader.members(isBraced), inside };
  } catch {
    return undefined;
  }
}

/** Of the text of a list, from its bracket on: where its items stand. */
export function itemPlaces(text: string, list: Span): readonly Span[] | undefined {
  if (text[list.start] !== '[' && text[list.start] !== '{') return undefined;
  try {
    const reader = new Reader(text);
    reader.at = list.start + 1;
    return text[list.start] === '[' ? reader.items() : reader.members(true).map(({ value }) => value);
  } catch {
    return undefined;
  }
}

class Reader {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  members(isBraced: boolean): MemberPlace[] {
    const found: MemberPlace[] = [];
    for (;;) {
      this.skipSpace(',');
      const next = this.#text[this.at];
      if (next === undefined && !isBraced) return found;
      if (next === '}' && isBraced) {
        this.at++;
        return found;
      }
      const name = this.#name();
      this.skipSpace();
      if (this.#text[this.at++] !== ':') throw new Error('a name without value');
      this.skipSpace();
      found.push({ name, value: this.#value() });
    }
  }

  items(): Span[] {
    const found: Span[] = [];
    for (;;) {
      this.skipSpace(',');
      if (this.#text[this.at] === ']') {
        this.at++;
        return found;
      }
      found.push(this.#value());
    }
  }

  skipSpace(others = ''): void {
    for (;;) {
      const next = this.#text[this.at];
      if (next === undefined) return;
      if (next <= ' ' || next === '\ufeff' || others.includes(next)) this.at++;
      else if (next === '#' || this.#text.startsWith('//', this.at)) this.at = this.#lineEnd();
      else if (this.#text.startsWith('/*', this.at)) this.at = this.#behind('*/', this.at + 2);
      else return;
    }
  }

  #name(): string {
    const start = this.at;
    const quote = this.#text[start];
    if (quote === '"' || quote === "'") {
      this.#quoted(quote);
      const inner = this.#text.slice(start + 1, this.at - 1);
      // Members that are looked for have plain names.
      return inner.includes('\\') ? '' : inner;
    }
    const end = this.#text.indexOf(':', start);
    if (end <= start) throw new Error('no name');
    this.at = end;
    const name = this.#text.slice(start, end).trimEnd();
    if (/[\s{}[\],]/.test(name)) throw new Error('a name with blanks');
    return name;
  }

  #value(): Span {
    const start = this.at;
    const first = this.#text[start];
    if (first === undefined) throw new Error('no value');
    if (first === '{' || first === '[') {
      this.at++;
      if (first === '{') this.members(true);
      else this.items();
    } else if (this.#text.startsWith("'''", start)) this.at = this.#behind("'''", start + 3);
    else if (first === '"' || first === "'") this.#quoted(first);
    else if (PUNCTUATION.includes(first)) throw new Error('no value');
    else this.at = this.#plainEnd(start);
    return { start, end: this.at };
  }

  /** Numbers, true, false and null end at punctuation or a comment; other text without quotes at the end of its line. */
  #plainEnd(start: number): number {
    const lineEnd = this.#lineEnd();
    const line = this.#text.slice(start, lineEnd);
    const [, word] = /^(true|false|null|-?\d[\d.eE+-]*)[ \t\r]*(?:[,}\]#]|\/\/|\/\*|$)/.exec(line) ?? [];
    return start + (word ?? line.trimEnd()).length;
  }

  #quoted(quote: string): void {
    for (this.at++; ; this.at++) {
      const next = this.#text[this.at];
      if (next === undefined || next === '\n') throw new Error('text without end');
      if (next === '\\') this.at++;
      else if (next === quote) break;
    }
    this.at++;
  }

  #lineEnd(): number {
    const end = this.#text.indexOf('\n', this.at);
    return end < 0 ? this.#text.length : end;
  }

  #behind(mark: string, from: number): number {
    const end = this.#text.indexOf(mark, from);
    if (end < 0) throw new Error(`no ${mark}`);
    return end + mark.length;
  }
}
