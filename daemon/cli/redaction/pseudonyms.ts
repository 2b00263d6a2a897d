/**
 * Other names for keys, addresses, hosts and devices, the same for the same wherever it stands: who reads a bundle sees how
 * things hang together, and not whose they are.
 */
import { isIPv4, isIPv6 } from 'node:net';

export type Json = string | number | boolean | null | undefined | readonly Json[] | { readonly [name: string]: Json };

const KEY = /(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])|(?<![0-9a-zA-Z])[0-9a-f]{16}(?![0-9a-zA-Z])/g;
/** As texts shorten keys. */
const KEY_SHORT = 16;
const IPV4 = /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)/g;
/** Whatever may be one, with the punctuation around it. */
const IPV6 = /[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/g;
const EDGES = [/^()(.*?)([:.])$/, /^([:.])(.*?)()$/, /^([:.])(.*?)([:.])$/];
const MAC = /(?<![\w:])[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}(?![\w:])/g;
const URI_HOST = /\b[a-z]{2,10}:\/\/(?:[^/\s"@]*@)?([a-zA-Z0-9_](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9_])?)(?=[:/?\s"]|$)/g;
/** Behind a proxy. */
const URI_TARGET = /\bsocks(?:tls)?:\/\/[^/\s"]*\/([a-zA-Z0-9_](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9_])?)(?=[:/?\s"]|$)/g;
/** Names by serial number. */
const DEVICE = /\/dev\/(?:serial\/)?by-(?:id|path)\/[^\s"?:;,]+/g;
const HOME = /\/home\/[^/\s"]+/g;
/** Nobody's, and everybody's. */
const COMMON = /^(?:127\.|0\.0\.0\.0$|255\.|::1?$|::ffff:127\.|ff)/i;

export class Pseudonyms {
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  /** Whole words: hosts, petnames. Longer ones first. */
  #words: [RegExp, string][] = [];

  /** `words` are names that stand anywhere in texts, by what they are: `name`. */
  constructor(words: readonly { readonly kind: string; readonly text: string }[] = []) {
    for (const { kind, text } of words) this.#addWord(kind, text);
  }

  /** The same value with other names; looked at as a whole first, so that they are the same everywhere. */
  of(value: Json): Json {
    this.#learn(value);
    this.#words.sort(([a], [b]) => b.source.length - a.source.length);
    return this.#rename(value);
  }

  /** Addresses of nodes are numbered as their keys; hosts of URIs are known wherever else they stand. */
  #learn(value: Json): void {
    if (typeof value === 'string') {
      for (const pattern of [URI_HOST, URI_TARGET]) {
        for (const [, host = ''] of value.matchAll(pattern)) {
          if (isIPv4(host) || host === 'localhost') continue;
          this.#addWord('host', host);
        }
      }
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    if ('key' in value && 'address' in value && typeof value.key === 'string' && typeof value.address === 'string') {
      const name = this.#key(value.key);
      if (isIPv6(value.address)) this.#names.set(`ip ${value.address.toLowerCase()}`, `address-of-${name}`);
    }
    for (const inner of Object.values(value)) this.#learn(inner);
  }

  #rename(value: Json): Json {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((inner: Json) => this.#rename(inner));
    // Names of members are ours, but for `Names` and the like, where they are keys, addresses or petnames.
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [this.text(name), this.#rename(inner)]));
  }

  text(text: string): string {
    const named = this.#words.reduce((left, [pattern, name]) => left.replace(pattern, name), text);
    return named
      .replace(DEVICE, (device) => `/dev/${this.#name('device', device)}`)
      .replace(HOME, '/home/user')
      .replace(KEY, (key) => this.#key(key))
      .replace(MAC, (mac) => this.#name('mac', mac.toLowerCase()))
      .replace(IPV6, (token) => this.#ipv6(token))
      .replace(IPV4, (address) => (isIPv4(address) ? this.#address('ipv4', address) : address));
  }

  /** A colon or full stop before or behind it is the sentence's. */
  #ipv6(token: string): string {
    for (const [, before = '', address = '', behind = ''] of [/^()(.*?)()$/, ...EDGES].map(
      (edge) => edge.exec(token) ?? [],
    )) {
      if (isIPv6(address)) return `${before}${this.#address('ipv6', address)}${behind}`;
    }
    return token;
  }

  #address(kind: string, address: string): string {
    return COMMON.test(address) ? address : this.#name(kind, `${address.toLowerCase()}`, 'ip');
  }

  #key(key: string): string {
    return this.#name('key', key.slice(0, KEY_SHORT).toLowerCase());
  }

  #name(kind: string, text: string, space = kind): string {
    const known = this.#names.get(`${space} ${text}`);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const name = `${kind}-${count}`;
    this.#names.set(`${space} ${text}`, name);
    return name;
  }

  #addWord(kind: string, text: string): void {
    if (text === '' || this.#names.has(`word ${text}`)) return;
    const name = this.#name(kind, text, 'word');
    const escaped = text.replace(/[.*+?^${}()|[\]\\-]/g, '\\$&');
    this.#words.push([new RegExp(`(?<![\\w.-])${escaped}(?![\\w-])`, 'gi'), name]);
  }
}
