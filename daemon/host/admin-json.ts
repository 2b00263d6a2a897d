/**
 * JSON of the admin socket: values that follow each other without line structure come in, and what Go's encoder would
 * print goes out, because tools compare it.
 */

export type Json =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/** Section 4 of the security rules. */
const REQUEST_MAX_BYTES = 64 * 1024;
const DEPTH_MAX = 8;

export type Refusal = 'not JSON' | 'too large' | 'too deep';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;

/**
 * Cuts a stream of octets into the texts of JSON objects. Only brackets and strings are understood; whether a text
 * is JSON is for the parser to say. After a refusal nothing more comes.
 */
export class JsonSplitter {
  refusal: Refusal | undefined;
  #octets = new Uint8Array(0);
  #scanned = 0;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  get isEmpty(): boolean {
    return this.#octets.length === 0;
  }

  push(chunk: Uint8Array): void {
    const joined = new Uint8Array(this.#octets.length + chunk.length);
    joined.set(this.#octets);
    joined.set(chunk, this.#octets.length);
    this.#octets = joined;
  }

  /** The next whole object, or undefined: more octets are needed, or `refusal` says why none will come. */
  next(): string | undefined {
    if (this.refusal !== undefined) return undefined;
    if (this.#scanned === 0) this.#skipSpace();
    while (this.#scanned < this.#octets.length) {
      const octet = this.#octets[this.#scanned] as number;
      if (this.#scanned === 0 && octet !== OPEN_BRACE) return this.#refuse('not JSON');
      this.#scanned++;
      if (this.#scanned > REQUEST_MAX_BYTES) return this.#refuse('too large');
      if (!this.#isEnd(octet)) continue;
      if (this.#depth > DEPTH_MAX) return this.#refuse('too deep');
      if (this.#depth === 0) return this.#take();
    }
    return undefined;
  }

  /** Follows one octet; true when the depth has changed. */
  #isEnd(octet: number): boolean {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (octet === BACKSLASH) this.#isEscaped = true;
      else if (octet === QUOTE) this.#isInString = false;
      return false;
    }
    if (octet === QUOTE) {
      this.#isInString = true;
      return false;
    }
    // `{ [` and `} ]` differ from each other by one bit.
    const bracket = octet | 0x20;
    if (bracket === OPEN_BRACE) this.#depth++;
    else if (bracket === 0x7d) this.#depth--;
    else return false;
    return true;
  }

  #take(): string {
    const text = new TextDecoder().decode(this.#octets.subarray(0, this.#scanned));
    this.#octets = this.#octets.slice(this.#scanned);
    this.#scanned = 0;
    return text;
  }

  #skipSpace(): void {
    let start = 0;
    while (isSpace(this.#octets[start])) start++;
    if (start > 0) this.#octets = this.#octets.slice(start);
  }

  #refuse(why: Refusal): undefined {
    this.refusal = why;
    this.#octets = new Uint8Array(0);
  }
}

function isSpace(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x0a || octet === 0x0d || octet === 0x09;
}

/** Two spaces a level, and members that are undefined left out. */
export function goJson(value: Json, indent = ''): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return goString(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[\n${value.map((item) => `${inner}${goJson(item, inner)}`).join(',\n')}\n${indent}]`;
  }
  const members: string[] = [];
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${inner}${goString(name)}: ${goJson(member, inner)}`);
  }
  return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`;
}

/**
 * Go escapes what could end a script element, and the two line separators that JavaScript once took for line ends. We
 * escape more of it, since others chose some texts: what moves the cursor of a terminal, or its reader's eye.
 */
function goString(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
