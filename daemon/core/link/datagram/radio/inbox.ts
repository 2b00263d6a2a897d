/** What comes over one radio link, on its way to the router: messages whole or in fragments, and the control stream. */
import { FRAME } from '../../../../wire/frame.ts';
import type { LinkFrames } from '../../../../wire/link-frames.ts';
import { flowOf } from '../../../../wire/short-traffic.ts';
import { isControlFrame } from '../../../../wire/thin.ts';
import type { Context } from '../../../context.ts';
import type { CloseReason } from '../../../port.ts';
import type { Pipe, PipeUser } from '../../pipe.ts';
import type { ClassConstants } from '../classes.ts';
import { ControlReceiver } from '../control-receiver.ts';
import { Reassembly, type ReassemblySpace } from '../reassembly.ts';
import { ShortHeadersIn } from '../short-headers.ts';
import { InOrder } from './order.ts';

/** The link that it belongs to. */
export type Owner = Pipe & { readonly ended: unknown; readonly isThin: boolean };

export class RadioInbox {
  /** Where both sides know short routing headers. */
  readonly heads: ShortHeadersIn | undefined;
  readonly #context: Context;
  readonly #owner: Owner;
  readonly #user: PipeUser;
  readonly #control: ControlReceiver;
  readonly #reassembly: Reassembly;
  readonly #order: InOrder;

  constructor(
    context: Context,
    owner: Owner,
    user: PipeUser,
    constants: ClassConstants,
    space: ReassemblySpace,
    hasShortHeaders: boolean,
  ) {
    this.#context = context;
    this.heads = hasShortHeaders ? new ShortHeadersIn(context.pool) : undefined;
    this.#owner = owner;
    this.#user = user;
    this.#control = new ControlReceiver(constants.ctrlWindow, this.#takeControl, () => user.settle());
    this.#reassembly = new Reassembly(constants, context.pool, space, false);
    this.#order = new InOrder(constants.reassembly.ageMs);
  }

  /** As the channel counts time. */
  get deadlineMs(): number {
    return this.#reassembly.deadlineMs;
  }

  /** In real time. */
  get orderDeadlineMs(): number {
    return this.#order.deadlineMs;
  }

  message(buffer: Uint8Array, start: number, end: number): void {
    const type = buffer[start] as number;
    if (this.heads !== undefined && flowOf(type) >= 0) return this.#expand(this.heads, buffer, start, end);
    if (type < FRAME.pathLookup || type > FRAME.traffic) {
      return this.#close('frame type unknown', `message of type ${type}`);
    }
    this.#user.frame(this.#owner, type, buffer, start + 1, end);
  }

  #expand(heads: ShortHeadersIn, buffer: Uint8Array, start: number, end: number): void {
    if (!heads.expand(buffer, start, end)) return this.#context.stats.drop('link flow unknown');
    this.#user.frame(this.#owner, FRAME.traffic, heads.buffer, heads.start + 1, heads.end);
    if (heads.pooled !== undefined) this.#context.pool.give(heads.pooled);
  }

  fragment({ id, index, last, buffer, start, end }: LinkFrames, timeMs: number): void {
    const reassembly = this.#reassembly;
    const isComplete = reassembly.add(id, index, last, buffer, start, end, timeMs);
    this.#countAbandoned();
    const { message, messageSize } = reassembly;
    if (!isComplete || message === undefined) return;
    reassembly.message = undefined;
    this.#order.add({ id, message, size: messageSize }, this.#context.nowMs);
    this.#deliver();
  }

  control({ offset, buffer, start, end }: LinkFrames): void {
    const received = this.#control.received(offset, buffer, start, end);
    if (this.#owner.ended !== undefined) return;
    if (received === 'changed') return this.#close('frame malformed', 'control octets came twice and differ');
    if (received === 'malformed') this.#close('frame malformed', 'the length of a control frame is not valid');
  }

  expire(timeMs: number): void {
    this.#reassembly.expire(timeMs);
    this.#countAbandoned();
    this.#deliver();
  }

  clear(): void {
    this.#reassembly.clear();
    for (const { message } of this.#order.clear()) this.#context.pool.give(message);
  }

  #deliver(): void {
    const { nowMs } = this.#context;
    for (let whole = this.#order.take(nowMs); whole !== undefined; whole = this.#order.take(nowMs)) {
      this.message(whole.message.octets, 0, whole.size);
      this.#context.pool.give(whole.message);
      if (this.#owner.ended !== undefined) return;
    }
  }

  readonly #takeControl = (buffer: Uint8Array, bodyAt: number, end: number): boolean => {
    const type = buffer[bodyAt] as number;
    if (!isControlFrame(type, this.#owner.isThin)) {
      this.#close('frame type unknown', `control frame of type ${type}`);
    } else this.#user.frame(this.#owner, type, buffer, bodyAt + 1, end);
    return this.#owner.ended === undefined;
  };

  #close(reason: CloseReason, detail: string): void {
    this.#owner.close(reason, detail);
  }

  #countAbandoned(): void {
    for (; this.#reassembly.abandoned > 0; this.#reassembly.abandoned--) {
      this.#context.stats.drop('link message incomplete');
    }
  }
}
