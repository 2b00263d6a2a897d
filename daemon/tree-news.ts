/** Says of changes in the spanning tree what was before and what caused them. A value machine: time is an argument. */
import { compareOctets, equalOctets } from './core/octetmap.ts';
import type { CoreEvent, PublicKey } from './core/port.ts';

export type TreeLine = {
  readonly level: 'debug' | 'info' | 'warn';
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
};

/** A lost peer is the cause of what the tree does in the rounds after it. */
const CAUSE_MS = 10_000;

export class TreeNews {
  readonly #own: PublicKey;
  #root: PublicKey | undefined;
  #parent: PublicKey | undefined;
  #lost: { readonly key: PublicKey; readonly atMs: number } | undefined;
  /** Over whom the last root was known: the parent may have changed just before. */
  #way: PublicKey | undefined;

  constructor(own: PublicKey) {
    this.#own = own;
  }

  /** Undefined: nothing of the tree. */
  heard(event: CoreEvent, nowMs: number): TreeLine | undefined {
    if (event.kind === 'peerDown') this.#lost = { key: event.key, atMs: nowMs };
    if (event.kind === 'parentChanged') return this.#parentChanged(event.parent, nowMs);
    return event.kind === 'rootChanged' ? this.#rootChanged(event.root, nowMs) : undefined;
  }

  #parentChanged(parent: PublicKey, nowMs: number): TreeLine {
    const before = this.#parent;
    this.#parent = parent;
    if (before === undefined)
      return { level: 'debug', text: `the parent in the tree is ${this.#name(parent)}`, fields: {} };
    const why = this.#hasLost(before, nowMs) ? `the link to ${short(before)} has ended` : 'another way is better';
    const text = `the parent in the tree is ${this.#name(parent)}, after ${this.#name(before)}: ${why}`;
    return { level: 'debug', text, fields: { parent: hex(parent), before: hex(before) } };
  }

  #rootChanged(root: PublicKey, nowMs: number): TreeLine {
    const before = this.#root;
    const way = this.#way;
    this.#root = root;
    this.#way = this.#parent;
    const isSelf = equalOctets(root, this.#own);
    const text = isSelf ? 'this node is the root of the tree' : `the root of the tree is ${hex(root)}`;
    // At the start there is none, then we are ourselves.
    if (before === undefined || equalOctets(before, this.#own)) return { level: 'info', text, fields: {} };
    const isHigher = compareOctets(root, before) > 0;
    const isCut = isHigher && way !== undefined && this.#hasLost(way, nowMs);
    const why = isCut
      ? `the link to ${short(way)} has ended, which led to it`
      : isHigher
        ? 'it is gone, or nothing leads to it any more'
        : 'a node with a lower key has come';
    const name = isSelf ? 'this node' : short(root);
    return {
      level: 'warn',
      text: `the root of the tree changed from ${short(before)} to ${name}: ${why}`,
      fields: { root: hex(root), before: hex(before) },
    };
  }

  #hasLost(key: PublicKey, nowMs: number): boolean {
    return this.#lost !== undefined && equalOctets(this.#lost.key, key) && nowMs - this.#lost.atMs <= CAUSE_MS;
  }

  #name(key: PublicKey): string {
    return equalOctets(key, this.#own) ? 'none' : short(key);
  }
}

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}

function short(key: Uint8Array): string {
  return hex(key).slice(0, 16);
}
