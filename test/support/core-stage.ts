/** A router without a node around it, and pipes that only remember: what it says to whom, octet by octet. */
import type { Context } from '../../daemon/core/context.ts';
import { Router } from '../../daemon/core/routing/router.ts';
import { announceSigned, readAnnounce } from '../../daemon/wire/announce.ts';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import { readSigReq, writeSigRes } from '../../daemon/wire/sigs.ts';
import { readStance, type Stance, THIN, writeStance } from '../../daemon/wire/thin.ts';
import { contextOf, FakePipe, type Identity } from './core.ts';
import { announceBody } from './core-peer.ts';

export class Stage {
  readonly context: Context;
  readonly router: Router;
  readonly us: Identity;
  /** Keys that the layer above was told of. */
  readonly found: Uint8Array[] = [];

  constructor(us: Identity) {
    this.us = us;
    this.context = contextOf(us);
    this.router = new Router(this.context, {
      payload: () => {},
      found: (key) => void this.found.push(key),
      settle: () => {},
    });
    this.router.timer(this.context.nowMs);
  }

  /** A node of ours behind a radio. */
  radio(of: Identity): FakePipe {
    return this.#open(of, true, true);
  }

  /** A node of ours behind a cable; it has signed that it is there. */
  cable(of: Identity): FakePipe {
    return this.sign(this.#open(of, true, false), of);
  }

  plain(of: Identity): FakePipe {
    return this.sign(this.#open(of, false, false), of);
  }

  give(pipe: FakePipe, type: number, body: Uint8Array): void {
    this.router.frame(pipe, type, body.slice(), 0, body.length);
    this.router.look();
  }

  stance(pipe: FakePipe, root: Uint8Array, said: Partial<Stance> = {}): void {
    const stance = { isLeaf: false, wantsRenewals: false, root, ...said };
    this.give(pipe, THIN.stance, encodeFrame(THIN.stance, (writer) => writeStance(writer, stance)).slice(2));
  }

  announce(pipe: FakePipe, child: Identity, parent: Identity, fields: { seq: bigint; port?: bigint }): void {
    this.give(pipe, FRAME.announce, announceBody(child, parent, fields));
  }

  /** Answers the last request, if there is one. */
  sign(pipe: FakePipe, of: Identity, port = 7n, frames = pipe.take()): FakePipe {
    const body = frames.filter(({ type }) => type === FRAME.sigReq).at(-1)?.body;
    const request = body && readSigReq(body);
    if (request === undefined) return pipe;
    const fields = { ...request, port };
    const psig = of.signer.sign(announceSigned(this.us.key, of.key, fields));
    this.give(pipe, FRAME.sigRes, encodeFrame(FRAME.sigRes, (w) => writeSigRes(w, { ...fields, psig })).slice(2));
    return pipe;
  }

  run(ms: number): void {
    for (const untilMs = this.context.nowMs + ms; this.context.nowMs < untilMs; ) {
      this.context.nowMs += 1_000;
      this.router.timer(this.context.nowMs);
      this.router.look();
    }
  }

  gone(pipe: FakePipe): void {
    this.router.gone(pipe);
    this.router.look();
  }

  #open(of: Identity, isThin: boolean, isSlow: boolean): FakePipe {
    const pipe = new FakePipe(of.key, 0, undefined, isThin);
    pipe.isThin = isThin;
    pipe.isSlow = isSlow;
    if (isSlow) pipe.lagMs = 1_000;
    const reason = this.router.opened(pipe);
    if (reason !== undefined) throw new Error(reason);
    this.router.look();
    return pipe;
  }
}

/** Of the announcements that were sent, `child/parent` by the first octets of the keys. */
export function announcedTo(pipe: FakePipe): string[] {
  return pipe.take(FRAME.announce).map(({ body }) => {
    const announce = readAnnounce(body);
    if (announce === undefined) throw new Error('this is no announcement');
    return `${nameOf(announce.key)} under ${nameOf(announce.parent)}`;
  });
}

export function nameOf(key: Uint8Array): string {
  return Buffer.from(key.subarray(0, 2)).toString('hex');
}

export function stancesTo(pipe: FakePipe, frames = pipe.take()): Stance[] {
  return frames.filter(({ type }) => type === THIN.stance).map(({ body }) => readStance(body) as Stance);
}
