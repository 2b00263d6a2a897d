/** The request `trace`: from hop to hop, as far as nodes tell. Nothing is kept between two requests: the asker brings `next` back. */
import { RatatoskError } from '../core/error.ts';
import { publicKey } from '../core/port.ts';
import { addressText, hexText } from './address.ts';
import type { CallContext } from './admin-call.ts';
import { type AdminArguments, wholeOf } from './admin-request.ts';
import type { HopResult } from './commands.ts';
import type { HopAnswer, TraceAnswer, TraceNext } from './path-answers.ts';
import { nanoseconds } from './rows.ts';
import { foreignJson } from './why-json.ts';
import { whyText } from './why-text.ts';

export const TRACE_FIELDS = ['target', 'most', 'at', 'watermark', 'hop', 'how'];

const HOPS_MAX = 64;
/** A new hop is asked only before this. */
const BUDGET_MS = 20_000;
const PROBE_MS = 3_000;
const PING_MS = 2_000;
/** Round trips of the radio that the answer may take, and what nobody waits for any more. */
const RADIO_TRIPS = 4;
const RADIO_MAX_MS = 12_000;
const HOWS = ['told', 'follows', 'guess'] as const;
/** As in a packet's first hop. */
const WATERMARK_MAX = 0xffff;

type Step = { at: Uint8Array; watermark: number; hop: number; how: HopAnswer['how'] };
type Way = { readonly dest: Uint8Array; readonly address: Uint8Array; readonly pingMs: number };

/** `most`: hops in one answer. `at`, `watermark`, `hop`, `how`: the `next` of an earlier answer. */
export async function trace(context: CallContext, args: AdminArguments): Promise<TraceAnswer> {
  const target = args.get('target') ?? '';
  const most = wholeOf(args, 'most', { byDefault: HOPS_MAX, least: 1, most: HOPS_MAX });
  const given = stepOf(args);
  const { address, key, isInMesh } = context.findNode(target);
  const common = { target, address: addressText(address) };
  const nowhere = (text: string): TraceAnswer => ({ ...common, hops: [], end: 'nowhere', text });
  if (!isInMesh) return nowhere(foreignJson(target, common.address).text);
  const octets = { address, key: key === undefined ? undefined : publicKey(key) };
  const why = await context.ask('why', { target: octets, probeMs: given === undefined ? PROBE_MS : 0 });
  const { facts, verdict } = why;
  if (verdict === 'self') return { ...common, hops: [], end: 'reached', text: 'It is this node itself.' };
  const chosen = facts.candidates.find(({ state }) => state === 'chosen');
  const watermark = Math.min(facts.distance ?? WATERMARK_MAX, WATERMARK_MAX);
  const first: Step | undefined = chosen && { at: chosen.key, watermark, hop: 1, how: 'told' };
  const step = given ?? first;
  if (facts.key === undefined || step === undefined)
    return nowhere(whyText(why, { state: 'open', rules: [], refused: [] }).text);
  const radioMs = chosen?.isRadio === true ? Math.min(RADIO_TRIPS * chosen.rttMs, RADIO_MAX_MS) : 0;
  const pingMs = Math.max(PING_MS, radioMs);
  const walked = await walk(context, step, { dest: facts.key, address, pingMs }, most);
  return { ...common, key: hexText(facts.key), distance: facts.distance, ...walked };
}

async function walk(
  context: CallContext,
  step: Step,
  way: Way,
  most: number,
): Promise<Pick<TraceAnswer, 'hops' | 'next' | 'end' | 'text' | 'latency'>> {
  const { dest } = way;
  const hops: HopAnswer[] = [];
  const seen = new Set<string>();
  const untilMs = performance.now() + BUDGET_MS;
  for (;;) {
    const { at, watermark, hop } = step;
    const result = await context.ask('hop', { at, dest, watermark });
    seen.add(hexText(at));
    hops.push(rowOf(context, step, result));
    const ending = endOf(at, dest, result);
    if (ending !== undefined) {
      const last = addressText(context.addressOf(at));
      const latency = ending === 'reached' ? result.rttMs : await pinged(context, way);
      return { hops, end: ending, text: endText(ending, last, hop, latency), latency: nanoseconds(latency) };
    }
    const next = {
      at: result.next as Uint8Array,
      watermark: result.distance ?? WATERMARK_MAX,
      hop: hop + 1,
      how: result.how,
    };
    if (seen.has(hexText(next.at)))
      return { hops, end: 'loop', text: `It goes back to ${addressText(context.addressOf(next.at))}.` };
    if (next.hop > HOPS_MAX) return { hops, end: 'too long', text: `It is more than ${HOPS_MAX} hops away.` };
    if (hops.length === most || performance.now() > untilMs) return { hops, next: nextJson(next) };
    step = next;
  }
}

function endOf(at: Uint8Array, dest: Uint8Array, { kind, state }: HopResult): TraceAnswer['end'] {
  if (kind === 'silent') return 'unknown';
  if (state === 'here' || Buffer.compare(at, dest) === 0) return 'reached';
  return state === 'next' ? undefined : state;
}

function endText(end: TraceAnswer['end'], last: string, hop: number, latencyMs: number | undefined): string {
  if (end === 'reached') return `Reached, ${hop === 1 ? 'a direct peer' : `${hop} hops away`}.`;
  const behind = latencyMs === undefined ? 'it does not answer either' : `it answers, in ${latencyMs.toFixed(1)} ms`;
  if (end === 'dead end') return `Packets end at ${last}: none of its peers is closer. The target: ${behind}.`;
  return `What lies behind ${last} cannot be told. The target: ${behind}.`;
}

async function pinged({ ask }: CallContext, { address, pingMs: timeoutMs }: Way): Promise<number | undefined> {
  const { isAnswered, rttMs } = await ask('ping', { address, sequence: 0, size: 56, timeoutMs });
  return isAnswered ? rttMs : undefined;
}

function rowOf({ addressOf }: CallContext, { at, hop, how }: Step, result: HopResult): HopAnswer {
  const { kind, rttMs, distance, candidates } = result;
  const key = hexText(at);
  return {
    hop,
    address: addressText(addressOf(at)),
    key,
    kind,
    how,
    latency: nanoseconds(rttMs),
    distance,
    candidates,
  };
}

function nextJson({ at, watermark, hop, how }: Step): TraceNext {
  return { at: hexText(at), watermark: String(watermark), hop: String(hop), how };
}

/** Undefined: nothing of it is there, the trace begins here. */
function stepOf(args: AdminArguments): Step | undefined {
  const at = args.get('at');
  if (at === undefined) return undefined;
  const how = HOWS.find((known) => known === args.get('how'));
  if (!/^[0-9a-f]{64}$/i.test(at) || how === undefined) {
    throw new RatatoskError('ARGUMENTS', `arguments: expected at, a key, and how, one of ${HOWS.join(', ')}`);
  }
  return {
    at: Uint8Array.from(Buffer.from(at, 'hex')),
    watermark: wholeOf(args, 'watermark', { byDefault: WATERMARK_MAX, most: WATERMARK_MAX }),
    hop: wholeOf(args, 'hop', { byDefault: 1, least: 1, most: HOPS_MAX }),
    how,
  };
}
