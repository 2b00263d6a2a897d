/** Types of messages that are Traffic said shorter, on links between our own nodes (README of this folder, short routing headers). */

/** Of one direction of a link. */
export const LINK_FLOWS = 64;
/** Longer ones are not remembered. */
export const FLOW_HEAD_MAX = 255;

const NAMES = 0x80;
const SHORT = 0xc0;

/** Traffic as always, whose head is flow number `flow` from now on. */
export function namesFlow(flow: number): number {
  return NAMES | flow;
}

/** The head of that flow, said in this one octet; the payload follows. */
export function isShortOf(flow: number): number {
  return SHORT | flow;
}

/** The flow that a message of this type names or is short of; -1: it is of another kind. */
export function flowOf(type: number): number {
  return type >= NAMES ? type & (LINK_FLOWS - 1) : -1;
}

/** Of a type with a flow. */
export function isShort(type: number): boolean {
  return type >= SHORT;
}
