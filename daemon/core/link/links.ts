/** The table of stream links: caps, dispatch of what happens on carriers, and what must leave at the next drain. */
import type { Context } from '../context.ts';
import { LINKS_RESERVED } from '../limits.ts';
import type { CloseReason, LinkFacts, LinkId, Sink } from '../port.ts';
import type { PipeUser } from './pipe.ts';
import { StreamLink } from './stream.ts';

export class Links {
  readonly #context: Context;
  readonly #user: PipeUser;
  readonly #links = new Map<LinkId, StreamLink>();
  readonly #refused: { link: LinkId; reason: CloseReason; detail: string }[] = [];
  #marked: StreamLink[] = [];

  constructor(context: Context, user: PipeUser) {
    this.#context = context;
    this.#user = user;
  }

  opened(id: LinkId, facts: LinkFacts): void {
    const { limits, requiresBound } = this.#context.options;
    const { links } = limits;
    const room = facts.isConfigured ? links : links - Math.min(LINKS_RESERVED, links >> 1);
    if (this.#context.openLinks >= room) {
      const detail = `${this.#context.openLinks} links are open`;
      this.#refused.push({ link: id, reason: 'too many links', detail });
      return;
    }
    if (requiresBound && facts.boundKey === undefined) {
      const detail = 'it proves no key, and RequireBound is set';
      this.#refused.push({ link: id, reason: 'link not bound', detail });
      return;
    }
    this.#context.openLinks++;
    this.#links.set(id, new StreamLink(id, facts, this.#context, this.#user, this.#mark));
  }

  received(id: LinkId, octets: Uint8Array): void {
    this.#links.get(id)?.receive(octets);
  }

  writable(id: LinkId): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    link.egress.writable();
    this.#mark(link);
  }

  /** The carrier is gone; nothing more can be written. */
  closed(id: LinkId): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    this.#forget(id);
    if (link.isOpen) this.#user.gone(link);
    link.egress.clear();
  }

  /** Every open link is about to be asked whether it lives. */
  probed(): void {
    for (const link of this.#links.values()) link.probed();
  }

  timer(nowMs: number): void {
    for (const link of this.#links.values()) link.timer(nowMs);
  }

  drain(sink: Sink): void {
    for (const { link, reason, detail } of this.#refused.splice(0)) {
      this.#context.stats.close(reason);
      sink.close(link, reason, detail);
    }
    const marked = this.#marked;
    this.#marked = [];
    for (const link of marked) {
      link.isMarked = false;
      if (this.#links.get(link.id) !== link) continue;
      const end = link.closed;
      if (end === undefined) {
        link.drain(sink);
        continue;
      }
      this.#forget(link.id);
      link.egress.clear();
      this.#context.stats.close(end.reason);
      sink.close(link.id, end.reason, end.detail);
    }
  }

  get hasOutput(): boolean {
    return this.#marked.length > 0 || this.#refused.length > 0;
  }

  /** Links whose greeting is not done; they have no peer yet. */
  *greeting(): IterableIterator<StreamLink> {
    for (const link of this.#links.values()) if (!link.isOpen) yield link;
  }

  close(id: LinkId, reason: CloseReason, detail: string): void {
    this.#links.get(id)?.close(reason, detail);
  }

  #forget(id: LinkId): void {
    if (this.#links.delete(id)) this.#context.openLinks--;
  }

  readonly #mark = (link: StreamLink): void => {
    if (link.isMarked) return;
    link.isMarked = true;
    this.#marked.push(link);
  };
}
